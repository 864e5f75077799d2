"""What a plugged-in medium comes to: the grace time, what ends in it, and what never accuses anybody."""

from datetime import UTC, datetime, timedelta

import pytest

from rules.media_judgement import Judgement, Outcome, PluggedIn, judge

AT = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRACE = 15 * MINUTE


def opened(*, mounted: bool = True, read_only: bool = False, crypt: str = "plain") -> PluggedIn:
    return PluggedIn().seen(AT, crypt, is_mounted=mounted, is_read_only=read_only)


def judged(medium: PluggedIn, *, after: timedelta = 20 * MINUTE, is_excepted: bool = False) -> Judgement:
    return judge(medium, now=AT + after, grace=GRACE, is_excepted=is_excepted)


@pytest.mark.parametrize(
    ("medium", "outcome", "why"),
    [
        pytest.param(opened(), Outcome.CANDIDATE, "open", id="plain-and-writable"),
        pytest.param(opened(crypt="suspended"), Outcome.CANDIDATE, "open", id="suspended-is-as-good-as-plain"),
        pytest.param(opened(read_only=True), Outcome.NOTE, "read_only", id="read-only-is-a-note"),
        pytest.param(opened(mounted=False), Outcome.NOTHING, "not_mounted", id="not-mounted"),
        pytest.param(opened(crypt="unknown"), Outcome.ATTESTATION, "cannot_tell", id="unknown-is-asked"),
        pytest.param(opened(crypt="maybe_encrypted"), Outcome.ATTESTATION, "cannot_tell", id="maybe-is-asked"),
        pytest.param(opened(crypt="encrypted"), Outcome.NOTHING, "protected", id="encrypted"),
        pytest.param(opened(crypt="encrypted_locked"), Outcome.NOTHING, "protected", id="locked"),
        pytest.param(opened(crypt="claimed_hardware"), Outcome.NOTHING, "protected", id="claimed-by-its-hardware"),
        pytest.param(opened(crypt="converting"), Outcome.NOTHING, "protected", id="being-encrypted"),
        pytest.param(opened().gone(AT + 14 * MINUTE), Outcome.NOTHING, "in_time", id="taken-out-in-time"),
        pytest.param(opened().gone(AT + 16 * MINUTE), Outcome.CANDIDATE, "open", id="taken-out-late"),
        pytest.param(
            opened().written(1, since=AT + MINUTE).gone(AT + 2 * MINUTE),
            Outcome.CANDIDATE,
            "written",
            id="taken-out-in-time-with-files-on-it",
        ),
        pytest.param(
            opened().seen(AT + MINUTE, "encrypted", is_mounted=True, is_read_only=False),
            Outcome.NOTHING,
            "in_time",
            id="encrypted-in-time",
        ),
    ],
)
def test_what_a_medium_comes_to(medium: PluggedIn, outcome: Outcome, why: str) -> None:
    assert judged(medium) == Judgement(outcome, why)


def test_an_exception_lets_it_pass_whatever_was_written() -> None:
    assert judged(opened().written(9, since=AT), is_excepted=True) == Judgement(Outcome.NOTHING, "excepted")


@pytest.mark.parametrize(
    ("notice", "judged_after"),
    [
        pytest.param(None, GRACE, id="nobody-could-be-told-so-the-grace-time-alone"),
        pytest.param(5 * MINUTE, GRACE + 5 * MINUTE, id="the-grace-time-begins-with-the-notice"),
        pytest.param(-60 * MINUTE, GRACE, id="told-of-it-earlier-that-day"),
        pytest.param(40 * MINUTE, GRACE, id="a-notice-after-the-grace-time-lengthens-nothing"),
    ],
)
def test_nobody_is_judged_before_the_grace_time(notice: timedelta | None, judged_after: timedelta) -> None:
    medium = opened() if notice is None else opened().told(AT + notice)
    assert judged(medium, after=judged_after - MINUTE).outcome is Outcome.WAITS
    assert judged(medium, after=judged_after).outcome is Outcome.CANDIDATE


def test_what_was_written_speaks_for_it_and_more_so_after_the_notice() -> None:
    assert opened().signals == 1
    assert opened().written(3, since=AT).signals == 2
    assert opened().told(AT + MINUTE).written(3, since=AT).signals == 2
    told = opened().told(AT + MINUTE).written(3, since=AT + 2 * MINUTE)
    assert (told.signals, told.files, told.files_after_notice) == (3, 3, 3)


def test_what_was_written_to_is_not_locked_whatever_its_first_sector_says() -> None:
    medium = opened(crypt="encrypted_locked").written(1, since=AT + MINUTE)
    assert judged(medium) == Judgement(Outcome.ATTESTATION, "cannot_tell")


def test_what_is_written_to_a_protected_medium_counts_for_nothing() -> None:
    assert opened(crypt="encrypted").written(3, since=AT).files == 0


def test_the_first_notice_counts() -> None:
    assert opened().told(AT).told(AT + MINUTE).noticed_at == AT


def test_it_is_never_over_before_it_began() -> None:
    assert opened().gone(AT - MINUTE).over_at == AT


def test_what_is_open_again_is_not_over() -> None:
    again = opened().gone(AT + MINUTE).seen(AT + 2 * MINUTE, "plain", is_mounted=True, is_read_only=False)
    assert (again.exposed_at, again.over_at) == (AT, None)
