"""Templates escape whatever they are given, and write instants and numbers as the reader does."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from agent.console import templating
from agent.console.templating import bidi, environment
from rules.category import LANGUAGES

AT = datetime(2026, 7, 2, 8, 5, tzinfo=UTC)
CONTEXT = {"timezone": "Europe/London", "now": AT}
TEMPLATES = Path(templating.__file__).parent / "templates"


def made(language: str, source: str, **values: object) -> str:
    return environment(language).from_string(source).render(CONTEXT | values)


def test_everything_is_escaped() -> None:
    rubbish = "<script>alert('x')</script>\"&"
    for source in (
        "{{ x }}",
        "{{ x | bidi }}",
        "<a title='{{ x }}'></a>",
        "{{ _('Where: %(where)s.') | format(where=x) }}",
    ):
        assert "<script>" not in made("en", source, x=rubbish)
        assert "&lt;script&gt;" in made("en", source, x=rubbish)
    assert str(bidi("\u202eevil")) == "<bdi>\u202eevil</bdi>"


def test_what_a_template_lacks_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        made("en", "{{ nothing_of_this_name }}")


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["09:05", "1,234.5", "Thursday 2 July 2026", "45%"]),
        ("fr", ["09:05", "1 234,5", "jeudi 2 juillet 2026", "45 %"]),
        ("nl", ["09:05", "1.234,5", "donderdag 2 juli 2026", "45%"]),
        ("ja", ["09:05", "1,234.5", "2026年7月2日木曜日", "45%"]),
    ],
)
def test_numbers_and_dates_are_those_of_the_language(language: str, words: list[str]) -> None:
    spaces = str.maketrans("\u202f\xa0", "  ")
    found = [
        made(language, "{{ x | short_moment | striptags }}", x=AT),
        made(language, "{{ 1234.5 | number }}"),
        made(language, "{{ x | day }}", x=AT.date()),
        made(language, "{{ 0.45 | percent }}"),
    ]
    assert [each.translate(spaces) for each in found] == words


def test_an_instant_of_another_day_or_year_says_so() -> None:
    assert made("en", "{{ x | short_moment }}", x=datetime(2026, 7, 1, 8, 5, tzinfo=UTC)) == (
        '<time datetime="2026-07-01T08:05:00+00:00">Wed 1 Jul 09:05</time>'
    )
    assert "2025" in made("en", "{{ x | short_moment }}", x=datetime(2025, 7, 1, 8, 5, tzinfo=UTC))
    assert "2025年7月1日 09:05" in made("ja", "{{ x | short_moment }}", x=datetime(2025, 7, 1, 8, 5, tzinfo=UTC))


def test_how_long_ago_and_what_a_field_takes() -> None:
    before = datetime(2026, 7, 2, 7, 5, tzinfo=UTC)
    assert made("en", "{{ x | ago }}", x=before) == "1 hour ago"
    assert made("en", "{{ x | local_input }}", x=before) == "2026-07-02T08:05"


@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_no_template_marks_anything_safe_or_styles_or_scripts_inline(file: Path) -> None:
    text = file.read_text()
    unwanted = ("|safe", "| safe", "style=", "<style", "onclick", "javascript:")
    assert [each for each in unwanted if each in text] == []
    assert re.findall(r"""(?:src|href|action|hx-[a-z]+)=["'](?:https?:|//)""", text) == []
    assert text.count("<script") == text.count("<script src=")


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("file", sorted(TEMPLATES.rglob("*.html")), ids=lambda file: str(file.relative_to(TEMPLATES)))
def test_every_template_compiles(language: str, file: Path) -> None:
    environment(language).get_template(str(file.relative_to(TEMPLATES)))


def test_what_ends_with_a_day_is_due_on_that_day() -> None:
    shown = made("en", "{{ x | deadline | moment | striptags }}", x=datetime(2026, 7, 1, 23, 0, tzinfo=UTC))
    assert "Wednesday 1 July 2026" in shown
    assert "23:59" in shown
    assert "08:05" in made("en", "{{ x | deadline | moment }}", x=datetime(2026, 1, 7, 8, 5, tzinfo=UTC))


def test_today_is_that_of_the_school() -> None:
    template = environment("en").from_string("{{ at | short_moment }}")
    now, at = datetime(2026, 7, 1, 23, 30, tzinfo=UTC), datetime(2026, 7, 1, 22, 30, tzinfo=UTC)
    school = {"timezone": "Europe/London", "now": now}
    assert template.render(school, at=now).endswith(">00:30</time>")
    assert template.render(school, at=at).endswith(">Wed 1 Jul 23:30</time>")
