"""What was typed is text until every fault of it is told, and secrets are never shown again."""

from datetime import UTC, datetime
from importlib import import_module
from pkgutil import iter_modules

import pytest
from hypothesis import given
from hypothesis import strategies as st

import agent.api
from agent.api.schemas import Asked, OverrideAsked
from agent.console.typed import MOMENT_EXPECTED, NOT_WRITTEN_SO, Typed, TypedError, build, parse_moment
from agent.refusals import spell_refusal
from agent.texts import load_texts

LONDON = "Europe/London"


def test_fields_are_without_the_space_around_them() -> None:
    typed = Typed({"name": [" bet.example \r\n"], "group": ["a", " ", "b "], "names": ["a.test, b.test\n a.test"]})
    assert (typed.get("name"), typed.many("group"), typed.words("names")) == (
        "bet.example",
        ["a", "b"],
        ["a.test", "b.test"],
    )
    assert (typed.get("other"), typed.get("other", "x"), typed.many("other"), typed.has("name")) == (
        "",
        "x",
        [],
        True,
    )


def test_secrets_are_not_kept() -> None:
    typed = Typed({"csrf": ["c"], "password": ["p"], "totp": ["1"], "again": ["p"], "reason": ["for maths"]})
    assert typed.kept() == [("reason", "for maths")]


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("2026-03-02T09:15", datetime(2026, 3, 2, 9, 15, tzinfo=UTC)),
        ("2026-07-02T09:15", datetime(2026, 7, 2, 8, 15, tzinfo=UTC)),
        ("2026-07-02 09:15:30", datetime(2026, 7, 2, 8, 15, tzinfo=UTC)),
    ],
)
def test_an_instant_is_on_the_clock_of_the_school(written: str, at: datetime) -> None:
    assert Typed({"until": [written]}, timezone=LONDON).moment("until") == at


def test_an_empty_instant_is_none() -> None:
    assert Typed({"until": [""]}, timezone=LONDON).moment("until") is None


@pytest.mark.parametrize(
    "written", ["tomorrow", "2026-02-30T10:00", "2026-13-01T10:00", "2026-03-02T25:00", "9" * 99]
)
def test_what_is_no_instant_is_a_fault_of_its_field(written: str) -> None:
    with pytest.raises(TypedError) as raised:
        parse_moment(written, LONDON, name="until")
    assert raised.value.faults == {"until": MOMENT_EXPECTED}


@pytest.mark.parametrize(
    ("written", "which", "at"),
    [
        pytest.param("2026-10-25T00:59", "", "2026-10-24T23:59:00+00:00", id="before-it"),
        pytest.param("2026-10-25T01:30", "first", "2026-10-25T00:30:00+00:00", id="the-first"),
        pytest.param("2026-10-25T01:30", "second", "2026-10-25T01:30:00+00:00", id="the-second"),
        pytest.param("2026-10-25T02:00", "second", "2026-10-25T02:00:00+00:00", id="after-it"),
    ],
)
def test_of_an_hour_that_comes_twice_somebody_says_which_is_meant(written: str, which: str, at: str) -> None:
    typed = Typed({"until": [written], "until_which": [which]}, timezone=LONDON)
    found = typed.moment("until")
    assert found is not None
    assert found.isoformat() == at
    assert typed.is_twice("until") == ("T01:" in written)


@pytest.mark.parametrize("which", ["", "third"])
def test_an_hour_that_comes_twice_is_not_taken_without_a_word(which: str) -> None:
    typed = Typed({"until": ["2026-10-25T01:00"], "until_which": [which]}, timezone=LONDON)
    with pytest.raises(TypedError, match="twice that night; choose which is meant"):
        typed.moment("until")


def test_what_is_no_time_is_none_twice() -> None:
    for written in ("", "soon", "2026-13-01T01:00", "2026-03-29T01:30"):
        assert not Typed({"until": [written]}, timezone=LONDON).is_twice("until")


def test_an_hour_that_the_clock_skips_is_none() -> None:
    with pytest.raises(TypedError, match="skip this time"):
        parse_moment("2026-03-29T01:30", LONDON, name="until")


@pytest.mark.parametrize("written", ["", "x", "-1", "1.5", "1" * 30, "\uff11"])
def test_a_version_is_a_small_number(written: str) -> None:
    with pytest.raises(TypedError):
        Typed({"version": [written]}).version()


def test_faults_come_for_each_field() -> None:
    with pytest.raises(TypedError) as raised:
        build(OverrideAsked, names=[""], reason="x" * 3000, until_at="soon")
    assert set(raised.value.faults) == {"names", "reason", "until_at"}
    assert all(each.endswith(".") for each in raised.value.faults.values())


@pytest.mark.parametrize(
    ("values", "fault"),
    [
        pytest.param({"reason": "x" * 2001}, "This is too long; expected at most 2000 characters.", id="too-long"),
        pytest.param({"names": [""]}, "This is too short; expected at least 1 characters.", id="too-short"),
        pytest.param({"groups": ["x"] * 201}, "These are too many; expected at most 200.", id="too-many"),
        pytest.param({"reason": None}, NOT_WRITTEN_SO, id="no-text"),
        pytest.param({"is_break_glass": "yes"}, NOT_WRITTEN_SO, id="no-truth-value"),
        pytest.param({"until_at": "2026-03-02T09:15:00"}, MOMENT_EXPECTED, id="no-zone"),
        pytest.param({"reason": "a\x00"}, "A control character was found; expected text.", id="our-own-words"),
        pytest.param({"audiences": ["x"]}, "Input should be 'pupil', 'staff' or 'guest'.", id="none-of-the-choice"),
    ],
)
def test_a_fault_is_told_in_plain_words(values: dict[str, object], fault: str) -> None:
    with pytest.raises(TypedError) as raised:
        build(OverrideAsked, **({"until_at": "2026-03-02T09:15:00+00:00"} | values))
    assert raised.value.faults == dict.fromkeys(values, fault)


def schemas() -> list[type[Asked]]:
    """Give every body that the interface takes, and so a form may fill."""
    for module in iter_modules(agent.api.__path__):
        import_module(f"agent.api.{module.name}")
    found = list(Asked.__subclasses__())
    for each in found:
        found.extend(each.__subclasses__())
    return found


RUBBISH: tuple[object, ...] = (
    *(None, True, -1, 10**9, 1.5, b"x", {}, [], [""], ["x"] * 20_000, [{}]),
    *("", "x", "x" * 30_000, "\x00", "\ud800", "1900-01-01", "2026-99-99", "2026-03-02", "2026-03-02T09:15:00"),
)


@pytest.mark.parametrize("language", ["fr", "nl", "ja"])
def test_whatever_a_schema_refuses_is_said_in_the_language(language: str) -> None:
    told: set[str] = set()
    for schema in schemas():
        for value in RUBBISH:
            try:
                build(schema, **dict.fromkeys(schema.model_fields, value))
            except TypedError as error:
                told.update(error.faults.values())
    assert len(told) > 20
    assert [each for each in sorted(told) if spell_refusal(each, load_texts(language)) == each] == []


@given(st.dictionaries(st.text(max_size=20), st.lists(st.text(max_size=40), max_size=4), max_size=5))
def test_rubbish_is_text(fields: dict[str, list[str]]) -> None:
    typed = Typed(fields)
    for name in fields:
        assert typed.get(name) == typed.get(name).strip()
        assert len(typed.words(name)) == len(set(typed.words(name)))
