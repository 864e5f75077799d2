"""Changes of the filter through the interface: drafted, tried, decided about by somebody else, and brought back."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from api_of_test import NOW, REASON, SchoolOfTest, Visitor

from agent.sites.config import parse_site
from agent.storage.activity import SCHEMA
from rules.roles import Role

SITE = """\
school: {name: School of Test, timezone: Europe/London}
packs: [uk-esafety]
networks: {classrooms: {audience: pupil, cidrs: 192.0.2.0/24}}
groups: {media: }
policies: {no-chat: {block: chat}}
notifications: {mail: {host: mail.example, sender: filter@school.example}}
"""
NO_BLOGS = "policies: {no-blogs: {block: blogs}}"
SENTENCE = "The policy no-blogs was added; it blocks Blogs for everybody, always."
REVIEW = "2026-09-01"


class School(SchoolOfTest):
    """A school whose site file is on record, with those who draft, those who approve, and those who read."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.path = folder / "site.yaml"
        self.technician = self.person("Tess", Role.TECHNICIAN)
        self.coordinator = self.person("Cora", Role.ICT_COORDINATOR)
        self.manager = self.person("Manu", Role.NETWORK_MANAGER)
        self.governor = self.person("Gov", Role.ESAFETY_GOVERNOR)
        self.observe(SITE)

    def observe(self, text: str) -> None:
        self.parts.filter_changes.observe(text, parse_site(text, path=self.path).site, os_user="root")

    def drafted(self, text: str = NO_BLOGS, by: Visitor | None = None) -> dict[str, Any]:
        made = (by or self.technician).post("/filter/versions", {"text": text, **ANSWERS})
        assert made.status_code == 201, made.text
        tree: dict[str, Any] = made.json()
        return tree

    def approved(self, text: str = NO_BLOGS) -> dict[str, Any]:
        made = self.coordinator.post(f"/filter/versions/{self.drafted(text)['number']}/approve", version=1)
        assert made.status_code == 200, made.text
        tree: dict[str, Any] = made.json()
        return tree


ANSWERS = {"reason": REASON, "review_on": REVIEW}


@pytest.fixture
def school(tmp_path: Path) -> School:
    return School(tmp_path)


def test_one_drafts_and_another_approves(school: School) -> None:
    seen = school.technician.post("/filter/preview", {"text": NO_BLOGS})
    assert seen.json() == {"changes": [SENTENCE]}
    made = school.technician.post("/filter/versions", {"text": NO_BLOGS, **ANSWERS})
    assert made.status_code == 201, made.text
    draft = made.json()
    assert (draft["number"], draft["state"], draft["changes"], draft["text"]) == (2, "drafted", [SENTENCE], NO_BLOGS)
    assert (draft["drafted_by"]["name"], draft["owner"]["name"]) == ("Tess", "Tess"), "oneself, if nobody is named"
    assert (draft["approved_by"], draft["review_on"], draft["effect"], school.told) == (None, REVIEW, None, 0)
    assert made.headers["location"] == "/api/v1/filter/versions/2"
    assert made.headers["etag"] == '"1"'
    done = school.coordinator.post("/filter/versions/2/approve", {"reason": "Agreed."}, version=1)
    assert done.status_code == 200, done.text
    approved = done.json()
    assert (approved["state"], approved["approved_by"]["name"], approved["decision_reason"]) == (
        "approved",
        "Cora",
        "Agreed.",
    )
    everywhere_by = (NOW + timedelta(seconds=3600)).isoformat().replace("+00:00", "Z")
    assert approved["effect"] == {"applied": True, "everywhere_by": everywhere_by}
    assert (done.headers["etag"], approved["version"], school.told) == ('"2"', 2, 1)


@pytest.mark.parametrize("move", ["approve", "refuse"])
def test_whoever_drafted_does_not_decide_and_the_attempt_is_on_record(school: School, move: str) -> None:
    number = school.drafted(by=school.coordinator)["number"]
    response = school.coordinator.post(f"/filter/versions/{number}/{move}", {"reason": REASON}, version=1)
    assert response.status_code == 409
    assert response.json()["detail"] == "You drafted this change yourself; somebody else has to decide about it."
    assert school.kinds()[-1] == "rule_refused"
    assert school.manager.get(f"/filter/versions/{number}").json()["state"] == "drafted"


@pytest.mark.parametrize("move", ["approve", "refuse"])
def test_a_technician_decides_nothing(school: School, move: str) -> None:
    number = school.drafted(by=school.manager)["number"]
    response = school.technician.post(f"/filter/versions/{number}/{move}", {"reason": REASON}, version=1)
    assert response.status_code == 403
    assert school.kinds()[-1] == "rule_refused"


def test_a_program_approves_nothing(school: School) -> None:
    refused = school.coordinator.post("/tokens", {"label": "a board", "scopes": ["approve_filter_change"]})
    assert refused.status_code == 409


def test_refusing_needs_a_reason_and_withdrawing_is_for_the_one_who_drafted(school: School) -> None:
    number = school.drafted()["number"]
    place = f"/filter/versions/{number}"
    assert school.coordinator.post(f"{place}/refuse", {}, version=1).status_code == 409
    assert school.manager.post(f"{place}/withdraw", {}, version=1).status_code == 409
    withdrawn = school.technician.post(f"{place}/withdraw", {"reason": "Not needed."}, version=1).json()
    assert (withdrawn["state"], withdrawn["decision_reason"], withdrawn["version"]) == ("withdrawn", "Not needed.", 2)
    assert school.coordinator.post(f"{place}/approve", version=2).status_code == 409, "it is decided"
    other = school.drafted()["number"]
    refused = school.coordinator.post(f"/filter/versions/{other}/refuse", {"reason": REASON}, version=1).json()
    assert (refused["state"], refused["decision_reason"], school.told) == ("refused", REASON, 0)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({}, 428, id="no-version"),
        pytest.param({"If-Match": '"7"'}, 412, id="another-version"),
        pytest.param({"If-Match": "*"}, 412, id="any-version"),
    ],
)
def test_two_windows(school: School, headers: dict[str, str], status: int) -> None:
    number = school.drafted()["number"]
    place = f"/filter/versions/{number}/approve"
    assert school.coordinator.ask("POST", place, json={}, headers=headers).status_code == status
    assert school.manager.get(f"/filter/versions/{number}").json()["state"] == "drafted"


def test_the_second_of_two_who_decide_is_told(school: School) -> None:
    number = school.drafted()["number"]
    place = f"/filter/versions/{number}"
    assert school.coordinator.post(f"{place}/refuse", {"reason": REASON}, version=1).status_code == 200
    late = school.manager.post(f"{place}/approve", version=1)
    assert (late.status_code, late.json()["type"]) == (412, "urn:schoolgate:problem:changed-meanwhile")


def test_a_draft_that_would_do_something_else_by_now_is_drafted_again(school: School) -> None:
    number = school.drafted("policies: {no-chat: {block: chat, audiences: pupil}}")["number"]
    school.observe(SITE.replace("block: chat", "block: [chat, games]"))
    late = school.coordinator.post(f"/filter/versions/{number}/approve", version=1)
    assert (late.status_code, late.json()["detail"].endswith("draft it again.")) == (412, True)


@pytest.mark.parametrize(
    ("body", "status", "found"),
    [
        pytest.param({"text": "policies: ["}, 409, "not YAML", id="no-yaml"),
        pytest.param({"text": "networks: {}"}, 409, "the part 'networks'", id="what-only-the-file-has"),
        pytest.param({"text": "policies: {x: {block: gamez}}"}, 409, "expected games", id="no-such-category"),
        pytest.param({"text": "policies: {x: {allow: illegal_csam}}"}, 409, "illegal", id="what-is-illegal"),
        pytest.param({"text": "policies: {no-chat: {block: chat}}"}, 409, "like this already", id="no-change"),
        pytest.param({"text": "x" * 100_001}, 422, "body.text", id="too-long"),
        pytest.param({"text": "policies: \x1b[2J"}, 422, "control character", id="what-terminals-obey"),
        pytest.param({"reason": ""}, 409, "no reason", id="no-reason"),
        pytest.param({"review_on": "2026-03-02"}, 409, "expected a day after today", id="a-review-today"),
        pytest.param({"review_on": "tomorrow"}, 422, "xpected a date", id="a-review-some-day"),
        pytest.param({"owner": "p999"}, 409, "The owner is nobody", id="an-owner-who-is-nobody"),
        pytest.param({"is_urgent": True}, 422, "is_urgent", id="an-unknown-key"),
    ],
)
def test_a_draft_that_cannot_be_used_leaves_nothing(
    school: School, body: dict[str, Any], status: int, found: str
) -> None:
    response = school.technician.post("/filter/versions", {"text": NO_BLOGS, **ANSWERS, **body})
    assert (response.status_code, found in response.text) == (status, True), response.text
    assert len(school.technician.get("/filter/versions").json()["items"]) == 1


def test_the_list_shows_the_newest_first_in_parts_and_by_state(school: School) -> None:
    school.approved()
    school.drafted("policies: {no-games: {block: games}}")
    items: list[dict[str, Any]] = []
    after = None
    while True:
        page = school.governor.get("/filter/versions", limit=1, **({"after": after} if after else {})).json()
        items += page["items"]
        after = page["next"]
        if after is None:
            break
    assert [(each["number"], each["state"]) for each in items] == [(3, "drafted"), (2, "approved"), (1, "on_disk")]
    found = school.governor.get("/filter/versions", state="on_disk").json()["items"]
    assert [each["number"] for each in found] == [1]
    assert school.governor.get("/filter/versions", state="lost").status_code == 422
    assert school.governor.get("/filter/versions", after="x").status_code == 422


def test_what_was_found_on_disk_says_that_nobody_approved_it_and_shows_the_filter_alone(school: School) -> None:
    found = school.technician.get("/filter/versions/1").json()
    assert (found["source"], found["approved_by"], found["drafted_by"], found["os_user"]) == (
        "disk",
        None,
        None,
        "root",
    )
    assert "no-chat" in found["text"]
    assert "school.example" not in found["text"], "who is written to is no part of the filter"


def test_what_was_written_is_for_those_who_change_the_filter(school: School) -> None:
    number = school.drafted()["number"]
    seen = school.governor.get(f"/filter/versions/{number}").json()
    assert (seen["changes"], seen["text"]) == ([SENTENCE], None)


def test_a_long_change_is_shown_in_short_where_it_is_listed(school: School) -> None:
    many = ", ".join(f"p{number}: {{block: {{names: [n{number}.example]}}}}" for number in range(9))
    number = school.drafted(f"policies: {{{many}}}")["number"]
    (listed, _) = school.governor.get("/filter/versions").json()["items"]
    assert (len(listed["changes"]), listed["changes_in_all"]) == (3, 9)
    assert len(school.governor.get(f"/filter/versions/{number}").json()["changes"]) == 9


@pytest.mark.parametrize("number", ["99", "0", "x", "9" * 30])
def test_a_version_that_is_not_there(school: School, number: str) -> None:
    assert school.manager.get(f"/filter/versions/{number}").status_code in (404, 422)
    assert school.manager.post(f"/filter/versions/{number}/approve", version=1).status_code == 404


def test_a_fault_of_what_was_approved_is_shown(school: School) -> None:
    school.approved("policies: {films: {allow: video, groups: media}}")
    school.observe(SITE.replace("{media: }", "{}"))
    shown = school.governor.get("/filter/versions/2").json()
    assert "policies.films.groups" in shown["fault"]
    assert shown["state"] == "approved"


def test_the_way_back_is_a_draft_of_its_own(school: School) -> None:
    school.approved()
    made = school.technician.post("/filter/versions/1/roll-back", ANSWERS)
    assert made.status_code == 201, made.text
    back = made.json()
    assert (back["number"], back["restores"], back["state"]) == (3, 1, "drafted")
    assert made.headers["location"] == "/api/v1/filter/versions/3"
    done = school.manager.post("/filter/versions/3/approve", version=1)
    assert done.json()["state"] == "approved"
    assert school.governor.get("/filter/versions/2").json()["state"] == "superseded"
    never = school.drafted()["number"]
    assert school.technician.post(f"/filter/versions/{never}/roll-back", ANSWERS).status_code == 409


def test_a_dry_run_counts_what_would_turn(school: School) -> None:
    folder = school.parts.activity
    folder.mkdir()
    asked_at = int(datetime(2026, 2, 27, 10, 5, tzinfo=UTC).timestamp())
    with closing(sqlite3.connect(folder / "activity-2026-02-27.db")) as day:
        day.executescript(SCHEMA)
        rows = [(asked_at, device, "pupil", "blocked", "chat.example", "chat", "policy", 1) for device in "vwxy"]
        day.executemany("INSERT INTO queries VALUES (?, ?, ?, ?, ?, ?, ?, ?)", rows)
        day.commit()
    number = school.drafted("policies: {no-chat: null}")["number"]
    run = school.coordinator.get(f"/filter/versions/{number}/dry-run")
    assert run.status_code == 200, run.text
    told = run.json()
    assert (told["first_on"], told["last_on"], told["days_kept"]) == ("2026-02-23", "2026-03-01", 1)
    assert "Nothing that may be told would change." in told["sentences"]
    assert (told["figures"], told["names"]) == ([], []), "four devices are few"
    with closing(sqlite3.connect(folder / "activity-2026-02-27.db")) as day:
        day.execute(
            "INSERT INTO queries VALUES (?, 'z', 'pupil', 'blocked', 'chat.example', 'chat', 'policy', 1)", [asked_at]
        )
        day.commit()
    told = school.coordinator.get(f"/filter/versions/{number}/dry-run").json()
    assert "A few names that pupils asked for (about 5 times) would now be open." in told["sentences"]
    assert told["figures"] == [{"audience": "pupil", "turn": "opened", "is_sure": True, "names": 0, "questions": 5}]
    names = {
        who: person.get(f"/filter/versions/{number}/dry-run").json()["names"]
        for who, person in (("coordinator", school.coordinator), ("technician", school.technician))
    }
    assert names == {
        "coordinator": [
            {
                "name": "chat.example", "audience": "pupil", "turn": "opened", "is_sure": True, "devices": 5,
                "questions": 5,
            }
        ],
        "technician": None,
    }  # fmt: skip
    assert school.governor.get(f"/filter/versions/{number}/dry-run").status_code == 403
    assert school.coordinator.get("/filter/versions/1/dry-run").status_code == 409, "it is no draft"
    assert school.coordinator.get("/filter/versions/77/dry-run").status_code == 404
