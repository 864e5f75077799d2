"""Overrides from a shell: what is sent for what somebody writes, and how the answers read."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from gateway_of_test import GatewayOfTest, Shell, gateway_of_test, person

from agent.api.schemas import Narrowed, OverrideAsked, OverrideTold, PreviewTold, Reasoned

ASKED = {
    "id": "a1",
    "version": 3,
    "state": "waiting",
    "requester": person("Ada"),
    "names": ["radio.example"],
    "categories": [],
    "lifts": ["audio_video"],
    "audiences": [],
    "groups": ["year-6"],
    "from_at": "2026-11-23T10:00:00Z",
    "until_at": "2026-11-23T11:00:00Z",
    "reason": "We listen to the news of 1944.",
    "topic": "history",
    "is_break_glass": False,
    "approvers": [],
    "requested_at": "2026-11-23T09:00:00Z",
    "decided_at": None,
    "decision_reason": "",
    "used": None,
    "effect": None,
    "stays_open": [],
}
APPROVED = {
    **ASKED,
    "state": "approved",
    "approvers": [person("Ben"), person("Cy")],
    "decided_at": "2026-11-23T10:00:00Z",
    "decision_reason": "Fine.",
    "effect": {"applied": True, "everywhere_by": "2026-11-23T10:00:10Z"},
}
SEEN = {
    "lifts": ["audio_video"],
    "opens": [],
    "stays_blocked": [],
    "also_needed": [],
    "notes": [],
    "faults": [],
    "needs_two": False,
}
WORDS = ("radio.example", "--for", "year-6", "--reason", "We listen to the news of 1944.")


@pytest.fixture(scope="module")
def listening(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayOfTest]:
    with gateway_of_test(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture
def gateway(listening: GatewayOfTest) -> GatewayOfTest:
    listening.answers.clear()
    listening.seen.clear()
    listening.answer("POST /overrides/preview", SEEN)
    listening.answer("POST /overrides", ASKED, status=201)
    listening.answer("GET /overrides/a1", ASKED)
    return listening


@pytest.fixture
def shell(gateway: GatewayOfTest, tmp_path: Path) -> Shell:
    found = Shell(tmp_path)
    found.sign_in(gateway)
    return found


def test_the_answers_here_are_those_of_the_interface() -> None:
    for answer in (ASKED, APPROVED):
        OverrideTold.model_validate(answer, extra="forbid")
    PreviewTold.model_validate(SEEN, extra="forbid")


def test_asking_shows_what_it_would_change_and_then_what_became_of_it(gateway: GatewayOfTest, shell: Shell) -> None:
    seen = {
        **SEEN,
        "notes": ["reduced https://radio.example/a to its host radio.example"],
        "stays_blocked": [{"what": "bet.example", "why": "it is also adult"}],
        "also_needed": ["cdn.example"],
        "needs_two": True,
    }
    gateway.answer("POST /overrides/preview", seen)
    done = shell.run("override", "request", *WORDS, "--from", "2026-11-24 10:00", "--until", "1h")
    assert done.exit_code == 0, done.output
    assert done.stdout == (
        "From Tue 2026-11-24 10:00 until Tue 2026-11-24 11:00 this lifts: audio_video.\n"
        "  note: reduced https://radio.example/a to its host radio.example\n"
        "  stays blocked: bet.example, it is also adult\n"
        "  two people approve this: the safeguarding lead and the ICT Co-ordinator\n"
        "  its pages are likely to need too: cdn.example\n"
        "override    a1: waiting\n"
        "names       radio.example\n"
        "lifts       audio_video\n"
        "for         year-6\n"
        "from        Mon 2026-11-23 10:00\n"
        "until       Mon 2026-11-23 11:00\n"
        "asked by    Ada\n"
        "reason      We listen to the news of 1944.\n"
        "topic       history\n"
    )


def test_what_is_written_is_what_is_sent(gateway: GatewayOfTest, shell: Shell) -> None:
    words = ("--for", "pupil", "--category", "games", "--topic", "history", "--break-glass", "--yes")
    when = ("--from", "2026-11-24 10:00", "--until", "2026-11-24")
    done = shell.run("override", "request", *WORDS, *words, *when)
    assert done.exit_code == 0, done.output
    sent = gateway.asked("POST /overrides").body
    assert OverrideAsked.model_validate(sent)
    assert sent == {
        "names": ["radio.example"],
        "categories": ["games"],
        "audiences": ["pupil"],
        "groups": ["year-6"],
        "reason": "We listen to the news of 1944.",
        "topic": "history",
        "from_at": "2026-11-24T10:00:00+00:00",
        "until_at": "2026-11-25T00:00:00+00:00",
        "is_break_glass": True,
    }


def test_without_a_start_it_begins_when_the_gateway_takes_it(gateway: GatewayOfTest, shell: Shell) -> None:
    shell.run("override", "request", *WORDS, "--until", "45m")
    body = gateway.asked("POST /overrides").body
    assert body["from_at"] is None
    lasts = datetime.fromisoformat(body["until_at"]) - datetime.now(UTC)
    assert timedelta(minutes=44) < lasts <= timedelta(minutes=45)


def test_a_request_with_faults_is_refused_by_the_gateway_so_that_it_is_on_record(
    gateway: GatewayOfTest, shell: Shell
) -> None:
    gateway.answer("POST /overrides/preview", {**SEEN, "faults": ["child_abuse is blocked by law."]})
    gateway.refuse("POST /overrides", 409, "child_abuse is blocked by law.")
    done = shell.run("override", "request", *WORDS, "--until", "1h")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "child_abuse is blocked by law.\n")
    assert gateway.asked("POST /overrides")


def test_a_preview_asks_for_nothing(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("override", "preview", "radio.example", "--for", "year-6", "--until", "1h")
    assert (done.exit_code, done.stdout.count("this lifts: audio_video")) == (0, 1)
    assert [each.path for each in gateway.seen] == ["/overrides/preview"]


def test_a_preview_says_which_rule_of_the_school_it_opens(gateway: GatewayOfTest, shell: Shell) -> None:
    many = [f"{letter}.example" for letter in "abcde"]
    opens = [{"rule": "ours", "names": ["radio.example"]}, {"rule": "theirs", "names": many}]
    gateway.answer("POST /overrides/preview", {**SEEN, "opens": opens})
    done = shell.run("override", "preview", *WORDS, "--until", "1h")
    assert (
        "this lifts: audio_video; opens radio.example, which the school's own rule ours blocks; opens a.example,"
        " b.example, c.example and 2 more, which the school's own rule theirs blocks.\n"
    ) in done.stdout
    gateway.answer("POST /overrides/preview", {**SEEN, "lifts": [], "opens": opens[:1]})
    done = shell.run("override", "preview", *WORDS, "--until", "1h")
    assert "this opens radio.example, which the school's own rule ours blocks.\n" in done.stdout


def test_while_filtering_is_off_every_command_says_so_on_standard_error(gateway: GatewayOfTest, shell: Shell) -> None:
    notice = "filtering=off&where=the+school&until=2026-03-02T14%3A20%3A00%2B00%3A00&by=Zo%C3%AB&more=1"
    gateway.notify("GET /overrides", {"items": []}, notice)
    done = shell.run("override", "list")
    assert (done.stdout, done.stderr) == (
        "There are no overrides.\n",
        ("Filtering is off for the school until Mon 2026-03-02 14:20; agreed by Zoë. It is off in 1 more place.\n"),
    )
    assert shell.run("override", "list", "--json").stderr == ""


def test_a_preview_with_faults_says_them_and_ends_with_1(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /overrides/preview", {**SEEN, "lifts": [], "faults": ["The end is not after the start."]})
    done = shell.run("override", "preview", "radio.example", "--for", "year-6", "--until", "1h")
    assert done.exit_code == 1
    assert "this lifts: no category.\n  not as it is: The end is not after the start.\n" in done.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        pytest.param(("--until", "soon"), "--until: found 'soon'; expected this lesson, today", id="no-time"),
        pytest.param(("--until", "1h", "--from", "then"), "--from: found 'then'", id="no-start"),
        pytest.param(("--until", "this lesson"), "no schedule of the site is on", id="no-lesson-is-known-here"),
    ],
)
def test_what_cannot_be_read_is_usage(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: str
) -> None:
    gateway.answer("GET /schedules", {"lesson_until": None})
    done = shell.run("override", "request", *WORDS, *words)
    assert done.exit_code == 2
    assert told in done.stderr


def test_this_lesson_is_what_the_gateway_says(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /schedules", {"lesson_until": "2026-11-24T10:50:00Z"})
    words = ("--from", "2026-11-24 10:10", "--until", "this lesson", "--json")
    done = shell.run("override", "preview", "radio.example", "--for", "year-6", *words)
    assert done.exit_code == 0, done.output
    assert gateway.asked("GET /schedules").query == {"at": "2026-11-24T10:10:00+00:00"}
    assert gateway.asked("POST /overrides/preview").body["until_at"] == "2026-11-24T10:50:00+00:00"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(("--for", "year-6", "--until", "1h", "--reason", "x"), id="nothing-to-open"),
        pytest.param(("radio.example", "--until", "1h", "--reason", "x"), id="nobody-for-whom"),
        pytest.param(("radio.example", "--for", "year-6", "--reason", "x"), id="no-end"),
        pytest.param(("radio.example", "--for", "year-6", "--until", "1h"), id="no-reason"),
    ],
)
def test_what_is_missing_is_usage_and_nothing_is_sent(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...]
) -> None:
    assert shell.run("override", "request", *words).exit_code == 2
    assert not gateway.seen


@pytest.mark.parametrize(
    ("words", "sent"),
    [
        (("approve", "a1"), {"reason": ""}),
        (("refuse", "a1", "--reason", "Too wide."), {"reason": "Too wide."}),
        (("withdraw", "a1"), {"reason": ""}),
        (("revoke", "a1", "--reason", "It was misused."), {"reason": "It was misused."}),
        (("countersign", "a1", "--reason", "It was right."), {"reason": "It was right."}),
        (
            ("narrow", "a1", "--reason", "Less.", "--name", "b.example", "--for", "year-6", "--until", "2026-11-23"),
            {
                "reason": "Less.",
                "names": ["b.example"],
                "groups": ["year-6"],
                "until_at": "2026-11-24T00:00:00+00:00",
            },
        ),
        (
            ("narrow", "a1", "--reason", "Less.", "--name", "b.example"),
            {"reason": "Less.", "names": ["b.example"], "groups": None, "until_at": None},
        ),
    ],
    ids=["approve", "refuse", "withdraw", "revoke", "countersign", "narrow-all", "narrow-names"],
)
def test_a_move_is_made_at_the_version_that_stands(
    gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], sent: dict[str, Any]
) -> None:
    gateway.answer(f"POST /overrides/a1/{words[0]}", APPROVED)
    done = shell.run("override", *words)
    assert done.exit_code == 0, done.output
    assert gateway.asked(f"POST /overrides/a1/{words[0]}").body == sent
    assert (Narrowed if words[0] == "narrow" else Reasoned).model_validate(sent)
    assert gateway.asked(f"POST /overrides/a1/{words[0]}").headers["if-match"] == '"3"'


def test_an_approval_says_when_every_device_has_it(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("POST /overrides/a1/approve", APPROVED)
    shown = shell.run("override", "approve", "a1").stdout.splitlines()
    assert shown[0] == "override    a1: approved"
    assert shown[-4:] == [
        "decided by  Ben, Cy",
        "decided     Mon 2026-11-23 10:00",
        "because     Fine.",
        "effect      active now; every device by 10:00:10",
    ]


def test_what_another_override_still_opens_is_told_when_one_is_revoked(gateway: GatewayOfTest, shell: Shell) -> None:
    other = {"override": "b2", "what": ["radio.example"], "until_at": "2026-11-23T12:00:00Z"}
    gateway.answer("POST /overrides/a1/revoke", {**APPROVED, "state": "revoked", "stays_open": [other]})
    shown = shell.run("override", "revoke", "a1", "--reason", "It was misused.").stdout
    assert shown.endswith(
        "effect      active now; every device by 10:00:10\n"
        "still open  radio.example, by the override b2 until Mon 2026-11-23 12:00\n"
    )


def test_the_requester_who_approves_is_told_no(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.refuse("POST /overrides/a1/approve", 409, "Whoever asks does not decide.")
    done = shell.run("override", "approve", "a1")
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", "Whoever asks does not decide.\n")


def test_narrowing_nothing_is_usage(gateway: GatewayOfTest, shell: Shell) -> None:
    done = shell.run("override", "narrow", "a1", "--reason", "Less.")
    assert (done.exit_code, done.stderr) == (
        2,
        "narrow: found nothing to narrow; expected --name, --for or --until\n",
    )
    assert not gateway.seen


def test_an_id_is_one_step_of_the_path(gateway: GatewayOfTest, shell: Shell) -> None:
    assert shell.run("override", "show", "../people?x").exit_code == 1
    assert [each.path for each in gateway.seen] == ["/overrides/..%2Fpeople%3Fx"]


def test_a_list(gateway: GatewayOfTest, shell: Shell) -> None:
    many = {**APPROVED, "id": "b2", "names": [f"{letter}.example" for letter in "abcde"], "categories": ["games"]}
    gateway.answer("GET /overrides", {"items": [ASKED, many], "next": None})
    done = shell.run("override", "list", "--state", "waiting")
    assert gateway.asked("GET /overrides").query == {"state": "waiting"}
    assert [" ".join(line.split()) for line in done.stdout.splitlines()] == [
        "ID STATE WHAT FOR FROM UNTIL ASKED BY",
        done.stdout.splitlines()[1],
        "a1 waiting radio.example year-6 Mon 2026-11-23 10:00 Mon 2026-11-23 11:00 Ada",
        (
            "b2 approved games, a.example, b.example, c.example and 2 more year-6 Mon 2026-11-23 10:00"
            " Mon 2026-11-23 11:00 Ada"
        ),
    ]


def test_an_empty_list_is_a_sentence(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /overrides", {"items": []})
    assert shell.run("override", "list").stdout == "There are no overrides.\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("list",), [ASKED]),
        (("show", "a1"), ASKED),
        (("approve", "a1"), APPROVED),
        (("preview", "radio.example", "--for", "year-6", "--until", "1h"), SEEN),
        (("request", *WORDS, "--until", "1h"), ASKED),
    ],
    ids=["list", "show", "approve", "preview", "request"],
)
def test_programs_get_json(gateway: GatewayOfTest, shell: Shell, words: tuple[str, ...], told: object) -> None:
    gateway.answer("GET /overrides", {"items": [ASKED]})
    gateway.answer("POST /overrides/a1/approve", APPROVED)
    done = shell.run("override", *words, "--json")
    assert (done.exit_code, json.loads(done.stdout)) == (0, told)


def test_an_emergency_is_shown_as_one(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /overrides/a1", {**APPROVED, "state": "ended", "is_break_glass": True})
    assert "override    a1: ended, taken in an emergency\n" in shell.run("override", "show", "a1").stdout


@pytest.mark.parametrize(
    ("used", "shown"),
    [
        pytest.param((12, 3, True), "used        12 times by 3 devices\n", id="known"),
        pytest.param((1, 1, True), "used        1 time by 1 device\n", id="once"),
        pytest.param((0, 0, True), "used        never\n", id="never"),
        pytest.param((12, None, True), "used        12 times\n", id="by-nobody-knows-how-many"),
        pytest.param(
            (12, 3, False),
            "used        at least 12 times by 3 devices; not everything was counted\n",
            id="at-least-so-much",
        ),
        pytest.param((None, None, False), "used        not known\n", id="unknown"),
        pytest.param(None, "", id="not-summed-up-yet"),
    ],
)
def test_how_it_was_used_is_shown(
    gateway: GatewayOfTest, shell: Shell, used: tuple[int | None, int | None, bool] | None, shown: str
) -> None:
    told = None if used is None else dict(zip(("times", "devices", "is_complete"), used, strict=True))
    OverrideTold.model_validate({**APPROVED, "used": told})
    gateway.answer("GET /overrides/a1", {**APPROVED, "state": "ended", "used": told})
    lines = shell.run("override", "show", "a1").stdout.splitlines(keepends=True)
    assert "".join(line for line in lines if line.startswith("used")) == shown


def test_what_others_wrote_does_not_command_the_terminal(gateway: GatewayOfTest, shell: Shell) -> None:
    gateway.answer("GET /overrides/a1", {**ASKED, "reason": "\x1b[2J [red]x[/]"})
    assert "reason      \ufffd[2J [red]x[/]\n" in shell.run("override", "show", "a1").stdout


def test_nobody_signed_in_is_one_sentence(gateway: GatewayOfTest, tmp_path: Path) -> None:
    done = Shell(tmp_path / "other").run("override", "list")
    assert (done.exit_code, done.stderr.count("\n")) == (1, 1)
    assert "sign in with `schoolgate login`" in done.stderr
    assert not gateway.seen
