"""What commands share: how they end, and how they print."""

import subprocess
import sys
from pathlib import Path

import pytest
import typer

from agent.commands.cli_options import (
    effect_in_words,
    in_path,
    in_words,
    notice_in_words,
    print_facts,
    print_table,
    signed_in,
    told,
    usage,
)
from agent.commands.cli_times import Clock
from rules.errors import ConfigurationError, Problem, RefusedRequestError, SchoolgateError


@pytest.mark.parametrize(
    ("error", "code", "printed"),
    [
        pytest.param(RefusedRequestError("It takes two."), 1, "It takes two.\n", id="refused"),
        pytest.param(usage("--until", "'soon'", "30m"), 2, "--until: found 'soon'; expected 30m\n", id="usage"),
        pytest.param(
            ConfigurationError((Problem("a", "b", "c"), Problem("d", "e", "f"))),
            2,
            "a: found b; expected c\nd: found e; expected f\n2 problems.\n",
            id="configuration",
        ),
    ],
)
def test_what_went_wrong_decides_how_it_ends(
    capsys: pytest.CaptureFixture[str], error: SchoolgateError, code: int, printed: str
) -> None:
    with pytest.raises(typer.Exit) as ended, told():
        raise error
    assert (ended.value.exit_code, capsys.readouterr().err) == (code, printed)


def test_nobody_signed_in_cannot_ask(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with pytest.raises(RefusedRequestError, match="sign in with `schoolgate login`"), signed_in():
        pass


def test_what_is_empty_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    print_facts([("names", "a.example"), ("topic", "")])
    assert capsys.readouterr().out == "names       a.example\n"


def test_a_table_without_rows_is_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("ID",), [], empty="There are none.")
    assert capsys.readouterr().out == "There are none.\n"


@pytest.mark.parametrize(
    ("effect", "shown"),
    [
        (None, ""),
        ({"applied": False, "everywhere_by": None}, "not every worker applies it yet"),
        ({"applied": True, "everywhere_by": None}, "active now"),
        ({"applied": True, "everywhere_by": "2026-11-23T10:00:10Z"}, "active now; every device by 10:00:10"),
    ],
)
def test_what_became_of_it_at_the_filter(effect: dict[str, object] | None, shown: str) -> None:
    assert effect_in_words(effect, Clock("Europe/London")) == shown


@pytest.mark.parametrize(
    ("notice", "words"),
    [
        ({"filtering": "off", "where": "the school"}, "Filtering is off for the school."),
        ({"where": "year-6", "by": "Zoë"}, "Filtering is off for year-6; agreed by Zoë."),
        ({"where": "year-6", "more": "2"}, "Filtering is off for year-6. It is off in 2 more places."),
        ({"something": "new"}, "Filtering is off for somebody."),
    ],
    ids=["where", "by-whom", "several", "of-another-release"],
)
def test_the_banner(notice: dict[str, str], words: str) -> None:
    assert notice_in_words(notice, Clock("Europe/London")) == words


def test_words_and_steps() -> None:
    assert in_words("half_approved") == "half approved"
    assert in_path("../a?b c") == "..%2Fa%3Fb%20c"


def test_asking_for_help_loads_nothing_heavy() -> None:
    code = "import sys, agent.cli; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    heavy = {"httpx", "pydantic", "fastapi", "cryptography", "argon2", "sqlite3", "yaml", "babel"}
    assert not heavy & set(done.stdout.split())
