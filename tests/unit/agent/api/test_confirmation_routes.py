"""The second person: nobody alone makes somebody who decides, whatever way they try; and how a school begins."""

import base64
import io
import json
import zipfile
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from api_of_test import NOW, REASON, SchoolOfTest, Visitor, lesson

from agent.api.events import events_after
from agent.sites.site import MailSettings, NamedPerson, NotificationSettings, Private
from rules.roles import Role

OWN = "nine yellow trams 9"
WAITS = (
    "Your account waits until a second person who manages people has confirmed it; until then it takes a password and"
    " an authenticator of your own, and nothing else."
)


@pytest.fixture
def school(tmp_path: Path) -> SchoolOfTest:
    return SchoolOfTest(tmp_path)


@pytest.fixture
def managers(school: SchoolOfTest) -> tuple[Visitor, Visitor]:
    """Two who manage people and have signed in, so that the beginning is over."""
    return school.person("Manager", Role.NETWORK_MANAGER), school.person("Head", Role.HEAD_TEACHER)


def add(by: Visitor, name: str, *roles: str) -> str:
    made = by.post("/people", {"name": name, "roles": list(roles)})
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


def set_roles(by: Visitor, person: str, *roles: str) -> httpx.Response:
    headers = {"If-Match": by.get(f"/people/{person}").headers["etag"]}
    return by.ask("PUT", f"/people/{person}/roles", json={"roles": list(roles)}, headers=headers)


def make_account(by: Visitor, person: str, login: str) -> Visitor:
    """Make an account; whoever made it knows what it takes to sign in."""
    made = by.post("/accounts", {"login": login, "person": person})
    assert made.status_code == 201, made.text
    told = made.json()
    return Visitor(by.school, person, login, told["totp_secret"], password=told["password"])


def take_over(account: Visitor) -> Visitor:
    """Have whoever uses an account set a password and an authenticator of their own."""
    school = account.school
    account.sign_in()
    done = account.post("/me/password", {"password": account.password, "new_password": OWN})
    assert done.status_code == 204, done.text
    school.now += timedelta(minutes=1)
    account.password = OWN
    account.sign_in()
    made = account.post("/me/authenticator", {"password": OWN})
    assert made.status_code == 201, made.text
    school.now += timedelta(minutes=1)
    return Visitor(school, account.person, account.login, made.json()["totp_secret"], password=OWN)


def decide(by: Visitor, person: str, decision: str = "confirm", *, version: int | None = None) -> httpx.Response:
    waiting = {each["person"]["id"]: each["version"] for each in by.get("/people/waiting").json()["items"]}
    return by.post(f"/people/{person}/{decision}", version=waiting.get(person, 0) if version is None else version)


def given(by: Visitor, person: str) -> list[tuple[str, bool, bool]]:
    """Give what nobody has confirmed of somebody, whether it is in force, and whether nobody else can use it."""
    items = by.get("/people/waiting").json()["items"]
    found: list[dict[str, Any]] = next((each["given"] for each in items if each["person"]["id"] == person), [])
    return [(each["name"], each["is_in_force"], each["is_own"]) for each in found]


def rows(school: SchoolOfTest, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    with school.store.read() as database:
        query = "SELECT actor, subject, facts FROM audit WHERE kind = ? ORDER BY number"
        return [(actor, subject, json.loads(facts)) for actor, subject, facts in database.execute(query, (kind,))]


def refusals(school: SchoolOfTest) -> list[tuple[str, str, str]]:
    """Give who tried to break which rule, and with whom."""
    found = rows(school, "rule_refused")
    return [(actor, facts.get("attempt") or facts["route"], subject) for actor, subject, facts in found]


# --- What one person could do alone


def test_a_manager_who_makes_up_a_head_does_not_approve_their_own_request_with_it(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, _ = managers
    request = manager.post("/overrides", lesson()).json()["id"]
    made_up = take_over(make_account(manager, add(manager, "Somebody Else", "head_teacher"), "else"))
    made_up.sign_in()
    assert made_up.get("/me").json() | {"csrf": ""} == {
        "person": made_up.person,
        "name": "Somebody Else",
        "roles": [],
        "rights": [],
        "timezone": "Europe/London",
        "csrf": "",
        "ends_at": None,
        "waiting": ["head_teacher"],
        "account_waits": False,
    }
    refused = made_up.post(f"/overrides/{request}/approve", version=1)
    assert refused.status_code == 403
    assert refused.json()["detail"].startswith("You may not do this; it takes the right to ")
    assert refusals(school)[-1][:2] == (made_up.person, "POST /api/v1/overrides/{id}/approve")
    own = decide(manager, made_up.person)
    assert (own.status_code, own.json()["detail"]) == (
        409,
        "You gave this yourself; somebody else who manages people, and is not who got it, has to confirm it.",
    )
    assert refusals(school)[-1] == (manager.person, "people_confirm", made_up.person)
    assert made_up.post(f"/people/{made_up.person}/confirm", version=1).status_code == 403
    assert manager.get(f"/overrides/{request}").json()["state"] == "waiting"
    assert made_up.person not in {each["id"] for each in manager.get("/status").json()["approvers"]["people"]}


def test_a_manager_who_makes_the_heads_account_anew_does_not_approve_with_it(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    assert decide(manager, head.person).status_code == 200, "the role, which the gateway itself gave"
    request = manager.post("/overrides", lesson()).json()["id"]
    assert manager.ask("DELETE", f"/accounts/{head.login}").status_code == 204
    stolen = make_account(manager, head.person, head.login)
    stolen.sign_in()
    refused = stolen.post(f"/overrides/{request}/approve", version=1)
    assert (refused.status_code, refused.json()["detail"]) == (403, WAITS)
    assert refusals(school)[-1][:2] == (head.person, "POST /api/v1/overrides/{id}/approve")
    for path in ("/status", "/people", "/people/waiting", "/overrides", "/schedules", "/openapi.json"):
        assert stolen.get(path).json()["detail"] == WAITS
    assert stolen.get("/me").json()["account_waits"] is True
    assert decide(manager, head.person).status_code == 409
    assert manager.get(f"/overrides/{request}").json()["state"] == "waiting"
    assert refusals(school)[-1] == (manager.person, "people_confirm", head.person)
    assert given(manager, head.person) == [("head", False, False)]


@pytest.mark.parametrize("way", ["close-the-person", "another-login", "take-the-role-and-give-it-back"])
def test_no_way_round_makes_an_account_of_the_head_that_decides(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor], way: str
) -> None:
    manager, head = managers
    assert decide(manager, head.person).status_code == 200, "the role, which the gateway itself gave"
    login = head.login
    if way == "close-the-person":
        version = manager.get(f"/people/{head.person}").json()["version"]
        assert manager.post(f"/people/{head.person}/close", version=version).status_code == 200
        assert set_roles(manager, head.person, "head_teacher").json()["waiting"] == ["head_teacher"]
    elif way == "another-login":
        assert manager.ask("DELETE", f"/accounts/{head.login}").status_code == 204
        login = "another"
    else:
        assert set_roles(manager, head.person, "teacher").status_code == 200
        assert manager.ask("DELETE", f"/accounts/{head.login}").status_code == 204
        account = make_account(manager, head.person, login)
        assert set_roles(manager, head.person, "head_teacher").json()["waiting"] == ["head_teacher"]
    if way != "take-the-role-and-give-it-back":
        account = make_account(manager, head.person, login)
    account.sign_in()
    assert account.get("/me").json()["rights"] == []
    assert account.get("/people").status_code == 403
    assert decide(manager, head.person).status_code == 409


def test_whoever_waits_confirms_nobody(school: SchoolOfTest, managers: tuple[Visitor, Visitor]) -> None:
    manager, _ = managers
    first = take_over(make_account(manager, add(manager, "First", "head_teacher"), "first"))
    second = add(manager, "Second", "ict_coordinator")
    first.sign_in()
    refused = first.post(f"/people/{second}/confirm", version=1)
    assert refused.status_code == 403
    assert refusals(school)[-1][:2] == (first.person, "POST /api/v1/people/{id}/confirm")
    assert given(manager, second) == [("ict_coordinator", False, True)]


def test_a_role_for_an_account_that_was_made_before_does_not_make_the_account_decide(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    teacher = make_account(manager, add(manager, "Teacher", "teacher"), "teacher")
    assert set_roles(manager, teacher.person, "teacher", "slt").json()["waiting"] == ["slt"]
    teacher.sign_in()
    assert teacher.get("/me").json()["rights"] == ["request_override", "use_media"], "as a teacher it works on"
    confirmed = decide(head, teacher.person).json()
    assert (confirmed["roles"], [each["name"] for each in confirmed["done"]]) == (["slt", "teacher"], ["slt"])
    assert [each["name"] for each in confirmed["left"]] == ["teacher"]
    teacher.sign_in()
    assert teacher.get("/status").json()["detail"] == WAITS
    owner = take_over(teacher)
    assert decide(head, teacher.person).json()["left"] == []
    owner.sign_in()
    assert "request_suspension" in owner.get("/me").json()["rights"]


# --- How it is done


def test_who_is_to_decide_sets_their_own_and_is_confirmed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    person = add(manager, "Coordinator", "ict_coordinator")
    told = manager.get(f"/people/{person}").json()
    assert (told["roles"], told["waiting"]) == ([], ["ict_coordinator"])
    account = make_account(manager, person, "coordinator")
    assert given(head, person) == [("ict_coordinator", False, True), ("coordinator", False, False)]
    owner = take_over(account)
    assert given(head, person)[1] == ("coordinator", False, True)
    done = decide(head, person)
    assert done.status_code == 200, done.text
    assert (done.json()["roles"], done.json()["waiting"], done.json()["left"]) == (["ict_coordinator"], [], [])
    assert given(head, person) == []
    owner.sign_in()
    assert "decide_override" in owner.get("/me").json()["rights"]
    assert rows(school, "people_confirmed") == [
        (
            head.person,
            person,
            {"roles": ["ict_coordinator"], "accounts": 1, "given_by": [manager.person]},
        )
    ]
    again = decide(head, person)
    assert (again.status_code, again.json()["detail"]) == (
        404,
        "Nothing that this person was given waits for a second person.",
    )


def test_an_account_whose_first_password_stands_is_not_confirmed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    assert head.ask("DELETE", f"/accounts/{manager.login}").status_code == 204
    other = school.person("Other", Role.ICT_COORDINATOR)
    account = make_account(head, manager.person, "manager")
    assert decide(other, manager.person).json()["left"], "the role is confirmed, the account is not"
    account.sign_in()
    done = account.post("/me/password", {"password": account.password, "new_password": OWN})
    assert done.status_code == 204, "but somebody has seen the authenticator"
    refused = decide(other, manager.person)
    assert refused.json()["detail"] == (
        "Somebody else has seen the password or the authenticator of Manager; they set both themselves before this is"
        " confirmed."
    )
    assert given(other, manager.person) == [("manager", False, False)]


def test_who_gives_confirms_only_what_others_gave(school: SchoolOfTest, managers: tuple[Visitor, Visitor]) -> None:
    manager, head = managers
    person = add(manager, "Cy", "technician")
    assert set_roles(head, person, "technician", "slt").json()["waiting"] == ["slt", "technician"]
    done = decide(manager, person).json()
    assert ([each["name"] for each in done["done"]], done["roles"], done["waiting"]) == (
        ["slt"],
        ["slt"],
        ["technician"],
    )
    assert decide(head, person).json()["roles"] == ["slt", "technician"]


def test_giving_the_same_again_neither_confirms_it_nor_makes_another_its_giver(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    person = add(manager, "Cy", "technician")
    assert set_roles(head, person, "technician").json()["waiting"] == ["technician"]
    assert decide(manager, person).status_code == 409
    assert decide(head, person).json()["roles"] == ["technician"]


@pytest.mark.parametrize("decision", ["confirm", "refuse"])
def test_nobody_decides_about_themselves(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor], decision: str
) -> None:
    manager, head = managers
    assert set_roles(manager, head.person, "head_teacher", "technician").status_code == 200
    head.school.now += timedelta(minutes=1)
    refused = decide(head, head.person, decision)
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        "Nobody confirms or refuses what they were given themselves; somebody else can.",
    )
    assert refusals(school)[-1] == (head.person, f"people_{decision}", head.person)


def test_who_is_refused_has_what_is_left_or_is_closed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    nobody, teacher = add(manager, "Nobody", "head_teacher"), add(manager, "Teacher", "teacher", "technician")
    account = make_account(manager, nobody, "nobody")
    assert decide(head, nobody, "refuse").json()["closed"] is True
    assert account.post("/session", {"login": "nobody", "password": account.password}).status_code == 401
    refused = decide(head, teacher, "refuse").json()
    assert (refused["closed"], refused["roles"], refused["waiting"]) == (False, ["teacher"], [])
    assert [(actor, subject, facts["roles"]) for actor, subject, facts in rows(school, "people_refused")] == [
        (head.person, nobody, ["head_teacher"]),
        (head.person, teacher, ["technician"]),
    ]
    assert given(head, nobody) == given(head, teacher) == []


def test_an_account_that_is_refused_is_closed_and_its_owner_stays(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    safeguarding = school.person("Safeguarding", Role.SAFEGUARDING_LEAD)
    assert decide(head, safeguarding.person).status_code == 200, "of the gateway itself, and in force"
    assert manager.ask("DELETE", "/accounts/safeguarding").status_code == 204
    account = make_account(manager, safeguarding.person, "safeguarding")
    assert given(head, safeguarding.person) == [("safeguarding", False, False)]
    assert decide(head, safeguarding.person, "refuse").json()["roles"] == ["safeguarding_lead"]
    assert account.post("/session", {"login": account.login, "password": account.password}).status_code == 401


@pytest.mark.parametrize(
    ("headers", "status"), [({}, 428), ({"If-Match": '"1"'}, 412)], ids=["no-version", "another-version"]
)
def test_what_was_changed_meanwhile_is_not_confirmed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor], headers: dict[str, str], status: int
) -> None:
    manager, head = managers
    person = add(manager, "Cy", "technician")
    for decision in ("confirm", "refuse"):
        assert head.ask("POST", f"/people/{person}/{decision}", headers=headers, json={}).status_code == status
    assert given(head, person) == [("technician", False, True)]


def test_an_account_that_was_made_anew_meanwhile_is_not_confirmed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    person = add(manager, "Cy", "technician")
    owner = take_over(make_account(manager, person, "cy"))
    (seen,) = [
        each["version"] for each in head.get("/people/waiting").json()["items"] if each["person"]["id"] == person
    ]
    assert manager.ask("DELETE", f"/accounts/{owner.login}").status_code == 204
    make_account(manager, person, owner.login)
    assert decide(head, person, version=seen).status_code == 412


def test_the_list_is_given_in_parts_to_whoever_may_know_who_is_there(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, _ = managers
    for name in ("Xa", "Ya", "Za"):
        add(manager, name, "technician")
    first = manager.get("/people/waiting", limit=4).json()
    rest = manager.get("/people/waiting", limit=4, after=first["next"]).json()
    assert [each["person"]["name"] for each in first["items"] + rest["items"]] == [
        "Head",
        "Manager",
        "Xa",
        "Ya",
        "Za",
    ]
    assert first["items"][2]["given"][0]["given_by"] == {"id": manager.person, "name": "Manager"}
    assert first["items"][0]["given"][0]["given_by"] is None, "the gateway itself"
    assert school.person("Teacher", Role.TEACHER).get("/people/waiting").status_code == 403


# --- The beginning


def test_in_the_beginning_one_person_is_enough_and_the_record_says_so(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    head = make_account(manager, add(manager, "Head", "head_teacher"), "head")
    assert {facts.get("unconfirmed_start") for _, _, facts in rows(school, "people_changed")} == {True}
    assert {facts.get("unconfirmed_start") for _, _, facts in rows(school, "account_created")} == {True}
    told = manager.get("/status").json()
    assert told["beginning"]["warning"].startswith("The school is still in its beginning")
    assert told["beginning"]["given"] == [
        {
            "person": {"id": head.person, "name": "Head"},
            "given_by": {"id": manager.person, "name": "Manager"},
            "roles": ["head_teacher"],
            "accounts": ["head"],
        },
        {
            "person": {"id": manager.person, "name": "Manager"},
            "given_by": None,
            "roles": ["network_manager"],
            "accounts": ["manager"],
        },
    ]
    assert told["waiting"]["people"] == 0
    assert set_roles(manager, add(manager, "Cy", "teacher"), "slt").json()["roles"] == ["slt"]
    assert rows(school, "beginning_ended") == []


def test_the_beginning_ends_when_a_second_manager_signs_in_and_never_comes_back(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    head = make_account(manager, add(manager, "Head", "head_teacher"), "head")
    assert set_roles(manager, add(manager, "Before", "teacher"), "slt").json()["waiting"] == []
    head.sign_in()
    assert rows(school, "beginning_ended") == [("system", "", {"managers": sorted([head.person, manager.person])})]
    assert manager.get("/status").json()["beginning"] is None
    version = manager.get(f"/people/{head.person}").json()["version"]
    assert manager.post(f"/people/{head.person}/close", version=version).status_code == 200
    person = manager.post("/people", {"name": "After", "roles": ["head_teacher"]}).json()
    assert (person["roles"], person["waiting"]) == ([], ["head_teacher"])
    assert person["warnings"][0] == (
        "They are no head teacher before somebody else who manages people confirms it, and nobody else does; on the"
        " gateway itself, people bootstrap --again makes an account for somebody who can."
    )
    school.now += timedelta(minutes=1)
    manager.sign_in()
    assert len(rows(school, "beginning_ended")) == 1
    assert given(manager, person["id"]) == [("head_teacher", False, True)]


@pytest.mark.parametrize("role", [Role.SAFEGUARDING_LEAD, Role.TECHNICIAN, Role.TEACHER, Role.ESAFETY_GOVERNOR])
def test_whoever_does_not_manage_people_does_not_end_it(school: SchoolOfTest, role: Role) -> None:
    school.person("Manager", Role.NETWORK_MANAGER)
    school.person("Other", role)
    assert rows(school, "beginning_ended") == []


def test_the_same_person_twice_does_not_end_it(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    school.now += timedelta(minutes=1)
    manager.sign_in()
    assert rows(school, "beginning_ended") == []


def test_what_was_given_in_the_beginning_stays_to_be_confirmed(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    made_up = add(manager, "Made Up", "safeguarding_lead")
    head = school.person("Head", Role.HEAD_TEACHER)
    assert given(head, made_up) == [("safeguarding_lead", True, True)]
    assert decide(manager, made_up).status_code == 409
    assert decide(head, made_up, "refuse").json()["closed"] is True


# --- From a file


def take_in(by: Visitor, file: dict[str, str]) -> dict[str, Any]:
    seen = by.post("/people/import/preview", file).json()
    done = by.post("/people/import", file | {"digest": seen["digest"]})
    assert done.status_code == 200, done.text
    told: dict[str, Any] = seen
    return told


def by_name(visitor: Visitor) -> dict[str, dict[str, Any]]:
    return {each["name"]: each for each in visitor.get("/people").json()["items"]}


def archive() -> str:
    """Give a OneRoster archive with an administrator and a teacher, in base64."""
    heading = "sourcedId,enabledUser,givenName,familyName,role,orgSourcedIds"
    users = ("u1,1,Adi,Min,administrator,s1", "u2,1,Tea,Cher,teacher,s1")
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as opened:
        opened.writestr("users.csv", "\n".join((heading, *users)))
        opened.writestr("orgs.csv", "sourcedId,name,type\ns1,School,school")
    return base64.b64encode(out.getvalue()).decode()


@pytest.mark.parametrize("source", ["csv", "site"])
def test_a_file_gives_roles_that_wait_and_says_so_before(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor], source: str
) -> None:
    manager, head = managers
    file = {"format": source}
    if source == "csv":
        file["content"] = "id,name,roles\n1,Cy,network manager;teacher\n2,Di,teacher\n"
    people = {
        "1": NamedPerson("Cy", frozenset({"network_manager", "teacher"})),
        "2": NamedPerson("Di", frozenset({"teacher"})),
    }
    school.private = Private(people=people, classes={})
    assert take_in(manager, file)["warnings"] == [
        "Cy becomes network_manager: see that this is meant; it waits for a second person."
    ]
    cy = by_name(manager)["Cy"]
    assert (cy["roles"], cy["waiting"]) == (["teacher"], ["network_manager"])
    assert rows(school, "people_waiting") == [(manager.person, cy["id"], {"roles": ["network_manager"]})]
    assert rows(school, "people_imported")[0][2]["waiting"] == 1
    assert decide(manager, cy["id"]).status_code == 409
    assert take_in(head, file)["lines"] == [], "the same file again changes nothing"
    assert decide(manager, cy["id"]).status_code == 409, "nor who gave it"
    assert decide(head, cy["id"]).json()["roles"] == ["network_manager", "teacher"]
    assert take_in(manager, file)["lines"] == []


def test_in_the_beginning_a_file_gives_at_once_and_a_preview_of_then_is_none_of_later(school: SchoolOfTest) -> None:
    manager = school.person("Manager", Role.NETWORK_MANAGER)
    file = {"format": "csv", "content": "id,name,roles\n1,Cy,slt\n"}
    seen = manager.post("/people/import/preview", file).json()
    assert seen["warnings"] == ["Cy becomes slt: see that this is meant."]
    school.person("Head", Role.HEAD_TEACHER)
    late = manager.post("/people/import", file | {"digest": seen["digest"]})
    assert late.status_code == 412, "it would wait now"


def test_an_archive_gives_no_role_that_decides_and_takes_none(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    file = {"format": "oneroster", "content": archive()}
    take_in(manager, file)
    assert by_name(manager)["Adi Min"]["roles"] == ["staff"]
    person = by_name(manager)["Tea Cher"]["id"]
    assert set_roles(manager, person, "teacher", "slt").json()["waiting"] == ["slt"]
    assert take_in(head, file)["lines"] == []
    assert given(head, person) == [("slt", False, True)]


# --- Who is told


def test_each_step_is_an_event_for_those_who_may_know_people(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    first, second = add(manager, "Cy", "technician"), add(manager, "Di", "slt")
    decide(head, first)
    decide(head, second, "refuse")
    with school.store.read() as database:
        found = [(each.kind, each.subject) for each in events_after(database, 0)]
    assert found == [
        ("people_waiting", first),
        ("people_waiting", second),
        ("people_confirmed", first),
        ("people_refused", second),
    ]


def told(school: SchoolOfTest) -> dict[str, set[str]]:
    """Give who was told of what since this was last asked."""
    with school.store.act() as act:
        found: dict[str, set[str]] = {}
        for target, content in act.database.execute("SELECT target, content FROM notifications").fetchall():
            found.setdefault(json.loads(content)["event"], set()).add(target.partition("@")[0])
        act.database.execute("DELETE FROM notifications")
    return found


def test_the_others_who_manage_people_are_told_of_each_step(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    manager, head = managers
    other = school.person("Other", Role.ICT_COORDINATOR)
    addresses: dict[str, tuple[str, ...]] = {
        each.person: (f"{each.login}@example.test",) for each in (manager, head, other)
    }
    mail = MailSettings("mail.example.test", "gate@example.test", by_person=addresses)
    school.private = Private(notifications=NotificationSettings(mail))
    person = add(manager, "Cy", "technician")
    assert told(school) == {"people_waiting": {"head", "other"}}
    account = make_account(manager, person, "cy")
    assert told(school) == {"people_waiting": {"head", "other"}}
    take_over(account)
    assert decide(head, person).json()["left"] == []
    assert told(school) == {"people_confirmed": {"manager", "other"}}
    assert manager.ask("DELETE", "/accounts/cy").status_code == 204
    assert told(school) == {"decider_closed": {"manager", "head", "other"}}
    assert set_roles(manager, other.person, "teacher").status_code == 200
    assert told(school) == {"decider_closed": {"manager", "head", "other"}}, "whoever it is taken from too"
    version = manager.get(f"/people/{person}").json()["version"]
    assert manager.post(f"/people/{person}/close", version=version).status_code == 200
    assert told(school) == {"decider_closed": {"manager", "head"}}
    assert decide(head, add(manager, "Di", "slt"), "refuse").status_code == 200
    assert told(school) == {"people_waiting": {"head"}, "people_refused": {"manager"}}
    take_in(head, {"format": "csv", "content": "id,name,roles\n1,Eve,slt\n"})
    assert told(school) == {"people_waiting": {"manager"}}
    take_in(head, {"format": "csv", "content": "id,name,roles\n1,Eve,teacher\n"})
    assert told(school) == {}, "what waited was nobody's to decide with"
    add(manager, "Fay", "teacher")
    assert told(school) == {}


def test_suspensions_and_changes_of_the_filter_take_two_who_are_confirmed(
    school: SchoolOfTest, managers: tuple[Visitor, Visitor]
) -> None:
    _, head = managers
    asker = make_account(head, add(head, "Made Up", "slt"), "madeup")
    drafter = make_account(head, add(head, "Made Up Too", "technician"), "madeuptoo")
    asker.sign_in()
    drafter.sign_in()
    until_at = (NOW + timedelta(hours=1)).isoformat()
    asked = {"networks": ["classrooms"], "reason": REASON, "until_at": until_at}
    assert asker.post("/suspensions", asked).status_code == 403
    assert drafter.post("/suspensions", asked).status_code == 403
    assert drafter.post("/filter/preview", {}).status_code == 403
