"""One request on one screen: what it opens and why that is blocked, and a decision that nobody overtakes unseen."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from api_of_test import SchoolOfTest
from pages_of_test import Browser, browser_of
from teaching_of_test import ask, meet, moves_in, read, teacher_of, teaching_school

from agent.storage.override_rows import Use, write_override
from rules.override import State
from rules.roles import Role

WHY = "The other site has all the odds that this lesson needs."


@pytest.fixture
def school(tmp_path: Path) -> Iterator[SchoolOfTest]:
    made = teaching_school(tmp_path)
    yield made
    made.store.close()


@pytest.fixture
def teacher(school: SchoolOfTest) -> Browser:
    return teacher_of(school)


@pytest.fixture
def approver(school: SchoolOfTest) -> Browser:
    return browser_of(school, "Hana", Role.HEAD_TEACHER)


def state_of(school: SchoolOfTest, request: str) -> State:
    return school.parts.overrides.get(request).override.state


def test_everything_to_decide_on_stands_on_one_screen(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    earlier = ask(teacher)
    school.parts.overrides.refuse(approver.person, earlier, version=1, reason=WHY)
    request = ask(teacher, names="bet.example youtube.com", groups=["year5", "year6"], topic="Probability")
    shown = approver.get(f"/overrides/{request}")
    for words in (
        "Tess",
        "We compare how odds are advertised in maths today.",
        "(Probability)",
        "09:15 until 10:00",
        "Year 5 (year5) and year6",
        "bet.example: Gambling",
        "googlevideo.com",
        "Year 5 (year5) 5 devices named in the site",
        "Refused",
        "Your decision",
    ):
        assert words in read(shown), words
    assert f"/overrides/{earlier}" in shown.links


def test_who_sees_ones_own_requests_alone_is_told_of_those_alone(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    ask(teacher)
    other = browser_of(school, "Una", Role.TEACHER)
    path = f"/overrides/{ask(other)}"
    assert "You have not asked for one of these names before." in other.get(path).text
    assert "Nobody has asked" not in other.get(path).text
    assert "asked for one of these names before" not in approver.get(path).text


def test_the_evidence_gives_the_literal_lines_the_rules_and_how_often(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    meet(school, [(f"192.0.2.{last}", "www.bet.example", "gambling", 3) for last in range(5, 10)])
    meet(school, [("192.0.2.6", "other.example", "gambling", 90)])
    request = ask(teacher, names="bet.example other.example open.example")
    shown = read(approver.get(f"/overrides/{request}/evidence"))
    assert "Listed as Gambling: bets, bets.txt, line 3: bet.example" in shown
    assert "Blocked by the rule uk-esafety/gambling" in shown
    assert "Blocked 15 times in the last seven days." in shown
    few = "On no day of the last seven was it blocked on as many as 5 devices, perhaps on none."
    assert shown.count(few) == 2
    assert "90" not in shown
    assert "open already" in shown


def test_of_many_names_the_first_are_looked_up(teacher: Browser, approver: Browser) -> None:
    request = ask(teacher, names=" ".join(f"n{number}.example" for number in range(25)))
    shown = approver.get(f"/overrides/{request}/evidence").text
    assert "5 more names are not looked up here." in shown
    assert "How often they were blocked is not kept at this school." in shown


def test_an_approval_is_one_press(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher)
    done = approver.submit(approver.get(f"/overrides/{request}"), f"/overrides/{request}/approve")
    assert state_of(school, request) is State.APPROVED
    assert school.told == 1
    shown = approver.follow(done)
    assert "Approved. Every device has it by Monday 2 March 2026, 09:15." in shown.text
    assert "Open now" in shown.text
    assert "Hana: approved" in read(shown)


def test_what_is_not_ticked_is_left_out(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher, names="bet.example other.example", groups=["year5", "year6"])
    page, action = approver.get(f"/overrides/{request}"), f"/overrides/{request}/approve"
    less = {"names": ["bet.example"], "groups": ["year5"], "until_at": "2026-03-02T09:40"}
    again = approver.submit(page, action, less)
    assert again.status == 422
    assert "There is no reason" in again.text
    assert again.form(action)["names"] == ["bet.example"]
    assert again.form(action)["until_at"] == ["2026-03-02T09:40"]
    done = approver.submit(again, action, reason=WHY)
    assert done.headers["location"].endswith("told=narrowed")
    lift = school.parts.overrides.get(request).override.lift
    assert lift.names == ("bet.example",)
    assert lift.groups == {"year5"}
    assert lift.until_at.isoformat() == "2026-03-02T09:40:00+00:00"


def test_an_end_in_the_hour_that_comes_twice_stays(school: SchoolOfTest) -> None:
    school.now = datetime(2026, 10, 25, 0, 40, tzinfo=UTC)
    teacher = teacher_of(school)
    head = browser_of(school, "Nick", Role.NETWORK_MANAGER)
    request = ask(teacher, lasts="1h")
    assert school.parts.overrides.get(request).override.lift.until_at == datetime(2026, 10, 25, 1, 40, tzinfo=UTC)
    done = head.submit(head.get(f"/overrides/{request}"), f"/overrides/{request}/approve")
    assert done.headers["location"].endswith("told=approved")


def test_nothing_ticked_approves_nothing(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher)
    form = approver.get(f"/overrides/{request}").form(f"/overrides/{request}/approve")
    del form["names"]
    again = approver.post(f"/overrides/{request}/approve", {**form, "reason": WHY})
    assert again.status == 422
    assert state_of(school, request) is State.WAITING


def test_a_refusal_needs_a_reason_that_is_told(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher)
    form = approver.get(f"/overrides/{request}").form(f"/overrides/{request}/approve")
    again = approver.post(f"/overrides/{request}/refuse", {**form, "reason": "no"})
    assert again.status == 422
    assert again.form(f"/overrides/{request}/approve")["reason"] == ["no"]
    assert approver.post(f"/overrides/{request}/refuse", {**form, "reason": WHY}).status == 303
    assert state_of(school, request) is State.REFUSED
    assert WHY in teacher.get(f"/overrides/{request}").text


def test_two_decide_at_once_and_the_second_sees_it_and_keeps_what_they_wrote(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    request = ask(teacher)
    second = browser_of(school, "Nick", Role.NETWORK_MANAGER)
    form = second.get(f"/overrides/{request}").form(f"/overrides/{request}/approve")
    approver.submit(approver.get(f"/overrides/{request}"), f"/overrides/{request}/approve")
    late = second.post(f"/overrides/{request}/refuse", {**form, "reason": WHY})
    assert late.status == 409
    assert "Somebody has changed this since you looked at it" in late.text
    assert "Meanwhile: Request approved (" in late.text
    assert "Open now" in late.text
    assert WHY in late.text
    assert state_of(school, request) is State.APPROVED
    # What they can still do is there, at the version that they see now.
    ended = second.post(f"/overrides/{request}/revoke", late.form(f"/overrides/{request}/revoke"))
    assert ended.status == 303
    assert state_of(school, request) is State.REVOKED


def test_what_was_written_is_kept_where_nothing_is_left_to_do(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    request = ask(teacher)
    form = approver.get(f"/overrides/{request}").form(f"/overrides/{request}/approve")
    school.parts.overrides.withdraw(teacher.person, request, version=1)
    late = approver.post(f"/overrides/{request}/refuse", {**form, "reason": WHY})
    assert late.status == 409
    assert f"What you had written {WHY}" in late.text


def test_a_form_without_its_version_decides_nothing(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    request = ask(teacher)
    form = approver.get(f"/overrides/{request}").form(f"/overrides/{request}/approve")
    assert approver.post(f"/overrides/{request}/approve", {**form, "version": "x"}).status == 422
    assert approver.post(f"/overrides/{request}/approve", {**form, "csrf": "x"}).status == 403
    assert state_of(school, request) is State.WAITING


def test_whoever_asked_takes_back_and_never_decides(
    school: SchoolOfTest, teacher: Browser, approver: Browser
) -> None:
    own = approver.submit(
        approver.get("/overrides/ask"),
        "/overrides/ask",
        {"names": "bet.example", "groups": ["year5"], "lasts": "1h", "reason": WHY},
    )
    request = str(own.headers["location"]).removeprefix("/overrides/").partition("?")[0]
    shown = approver.get(f"/overrides/{request}")
    assert "You asked for this yourself" in shown.text
    assert "Too few people may decide" in shown.text
    assert [action for action, _ in shown.forms if "approve" in action] == []
    form = shown.form(f"/overrides/{request}/withdraw")
    assert approver.post(f"/overrides/{request}/approve", form).status == 422
    assert state_of(school, request) is State.WAITING
    assert approver.post(f"/overrides/{request}/withdraw", form).status == 303
    assert state_of(school, request) is State.WITHDRAWN
    assert teacher.get(f"/overrides/{request}").status == 404


def test_a_sensitive_category_says_who_of_two_is_missing(school: SchoolOfTest, teacher: Browser) -> None:
    request = ask(teacher, names="hate.example")
    one = browser_of(school, "Sade", Role.SAFEGUARDING_LEAD)
    other = browser_of(school, "Ian", Role.ICT_COORDINATOR)
    head = browser_of(school, "Hana", Role.HEAD_TEACHER)
    shown = head.get(f"/overrides/{request}")
    assert "two people must agree: safeguarding lead and ICT Co-ordinator" in shown.text
    assert "it is for the safeguarding lead and the ICT Co-ordinator to decide" in shown.text
    assert moves_in(shown) == [f"/overrides/{request}/refuse"]
    done = one.submit(one.get(f"/overrides/{request}"), f"/overrides/{request}/approve")
    assert "It opens when the second of the two agrees as well." in one.follow(done).text
    shown = other.get(f"/overrides/{request}")
    assert "Sade has agreed; the other of the two is missing." in shown.text
    other.submit(shown, f"/overrides/{request}/approve")
    assert state_of(school, request) is State.APPROVED


def test_an_emergency_is_countersigned_by_somebody_else(school: SchoolOfTest, approver: Browser) -> None:
    taken = approver.submit(
        approver.get("/overrides/emergency"),
        "/overrides/emergency",
        {"names": "bet.example", "groups": ["year5"], "lasts": "30m", "reason": WHY},
    )
    request = str(taken.headers["location"]).removeprefix("/overrides/").partition("?")[0]
    other = browser_of(school, "Nick", Role.NETWORK_MANAGER)
    shown = other.get(f"/overrides/{request}")
    assert "To be countersigned until Tuesday 3 March 2026, 09:15" in shown.text
    done = other.submit(shown, f"/overrides/{request}/countersign")
    assert "You have countersigned it." in other.follow(done).text


def test_what_another_request_still_opens_is_told(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    both = [ask(teacher), ask(teacher)]
    for each in both:
        school.parts.overrides.approve(approver.person, each, version=1)
    shown = approver.get(f"/overrides/{both[0]}")
    done = approver.submit(shown, f"/overrides/{both[0]}/revoke", reason=WHY)
    assert "Another request still opens some of it bet.example" in approver.follow(done).text


def test_how_it_was_used_is_told_in_counts(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher)
    school.parts.overrides.approve(approver.person, request, version=1)
    filed = school.parts.overrides.get(request)
    with school.store.act() as act:
        write_override(act.database, type(filed)(filed.override, filed.version, Use(12, 5, is_complete=True)))
    assert "12 answers on 5 devices" in teacher.get(f"/overrides/{request}").text


def test_what_anybody_wrote_is_shown_as_text(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    reason = "<script>alert(1)</script> we compare \u202e odds in maths \U0001f600 today"
    request = ask(teacher, reason=reason, topic="<b>bold</b>")
    shown = approver.get(f"/overrides/{request}")
    assert "<script>alert" not in shown.html
    assert "<b>bold" not in shown.html
    assert reason in shown.text


def test_roles_that_only_read_see_no_button(school: SchoolOfTest, teacher: Browser) -> None:
    request = ask(teacher)
    technician = browser_of(school, "Tim", Role.TECHNICIAN)
    shown = technician.get(f"/overrides/{request}")
    assert shown.status == 200
    assert moves_in(shown) == []
    for name, role in (("Ada", Role.AUDITOR), ("Gita", Role.ESAFETY_GOVERNOR)):
        assert browser_of(school, name, role).get(f"/overrides/{request}").status == 403
    assert Browser(school).get(f"/overrides/{request}").status == 303
    form = {"csrf": shown.form("/sign-out")["csrf"], "version": "1"}
    for move in ("approve", "refuse", "withdraw", "revoke", "countersign"):
        assert technician.post(f"/overrides/{request}/{move}", form).status == 403


def test_what_is_over_by_the_clock_is_called_so(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher, lasts="15m")
    school.parts.overrides.approve(approver.person, request, version=1)
    school.now += timedelta(minutes=16)
    assert "Over" in teacher.get(f"/overrides/{request}").text


@pytest.mark.parametrize(
    "told", ["taken", "approved", "narrowed", "refused", "withdrawn", "revoked", "countersigned"]
)
def test_what_was_not_done_is_not_told(teacher: Browser, approver: Browser, told: str) -> None:
    request = ask(teacher)
    for reader in (teacher, approver):
        assert 'class="told"' not in reader.get(f"/overrides/{request}", told=told).html


def test_what_was_revoked_is_not_told_as_approved(school: SchoolOfTest, teacher: Browser, approver: Browser) -> None:
    request = ask(teacher)
    school.parts.overrides.approve(approver.person, request, version=1)
    school.parts.overrides.revoke(approver.person, request, version=2, reason=WHY)
    for told in ("approved", "revoked"):
        assert 'class="told"' not in approver.get(f"/overrides/{request}", told=told).html
