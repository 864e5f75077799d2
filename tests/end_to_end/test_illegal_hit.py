"""A name that is against the law: sealed from the first moment, told by nobody, opened by two, and kept."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from shutil import copytree
from typing import Any

import dns.rcode
import pytest
from conftest import Upstream, wait_until
from living_school import Events, School, open_school, told_to
from signed_in import ALSO_YEAR5, YEAR5

from agent.api.server import Herald, build_parts
from agent.assembly import STATE_NAME
from agent.filter_changing.site_in_force import SiteInForce
from agent.incidents.incidents import Incidents
from agent.people.pseudonyms import Pseudonyms
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Role

PEOPLE = {
    "cora": Role.ICT_COORDINATOR,
    "hedda": Role.HEAD_TEACHER,
    "lena": Role.SAFEGUARDING_LEAD,
    "sol": Role.SLT,
    "tess": Role.CLASS_TEACHER,
    "toni": Role.TECHNICIAN,
    "gus": Role.ESAFETY_GOVERNOR,
}
CRIME = "never-to-be-seen.example"
SECRET = "never-to-be-seen"  # noqa: S105 (a part of a name, that nobody may be told)
CARD = """\
incidents:
  contacts:
    police: {title: Police of this town, lines: ["Ask for the desk of online crime."], for: [illegal_content]}
"""
PLACES = (
    "/incidents",
    "/incidents/counts",
    "/incidents/steps",
    "/status",
    "/audit?limit=500",
    "/registers/incidents?purpose=The+review+of+this+term.",
    "/registers/incidents?purpose=The+review+of+this+term.&with_names=true&format=json",
    "/registers/access?purpose=The+review+of+this+term.",
    "/notifications",
    "/overrides",
)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp("illegal") / "site"
        yield open_school(folder, upstream, stack, people=PEOPLE, lists={"criminal_activity": [CRIME]}, extra=CARD)


@pytest.fixture(scope="module")
def case(school: School) -> dict[str, Any]:
    """Ask for the name three times over the wire; the case that came of it."""
    school.sign_in(school.pupils[0], YEAR5, from_at=datetime.now(UTC) - timedelta(hours=1))
    for _ in range(3):
        assert school.gateway.ask(CRIME, source=YEAR5).rcode() == dns.rcode.NXDOMAIN
    wait_until(lambda: school.read("SELECT 1 FROM incidents"))
    (found,) = school.candidates("hedda")
    return found


def test_it_is_sealed_at_birth_and_held(school: School, case: dict[str, Any]) -> None:
    ((kind, track, state, level, is_held),) = school.read("SELECT kind, track, state, level, is_held FROM incidents")
    assert (kind, track, state, level, is_held) == ("illegal", "sealed", "candidate", "person", 1)
    assert (case["track"], case["subject"], case["intent"]) == ("sealed", "", None)
    assert case["opened_at"] == case["last_at"] == case["filed_at"], "not even when"
    (opened,) = school.read("SELECT facts FROM audit WHERE kind = 'incident_opened'")
    assert set(json.loads(opened[0])) == {"is_confidential", "version", "evidence"}


def test_nobody_is_told_a_name_an_address_or_how_often(school: School, case: dict[str, Any]) -> None:
    subject = school.person(school.pupils[0])
    hidden = (SECRET, YEAR5, subject, school.device(YEAR5), "Pupil 0")
    purpose = school.purpose(case)
    for who in PEOPLE:
        for place in PLACES:
            told = told_to(school.clients[who], place)
            assert not [word for word in hidden if word in told], (who, place)
        told = told_to(school.clients[who], f"/incidents/{case['id']}", purpose)
        assert not [word for word in hidden if word in told], who
        assert '"observed"' not in told
    for who in ("tess", "toni", "sol", "gus"):
        for place in ("/incidents", f"/incidents/{case['id']}", f"/incidents/{case['id']}/card"):
            assert "not do this" in told_to(school.clients[who], place, purpose if "card" not in place else None)
        assert str(case["number"]) not in "".join(told_to(school.clients[who], place) for place in PLACES)
        counts = told_to(school.clients[who], "/incidents/counts")
        assert "illegal" not in counts.replace('"illegal": null', "")
    metrics = school.gateway.get("/metrics")[1]
    assert "schoolgate_candidates_raised 0.0" in metrics
    assert not [word for word in hidden if word in metrics]


def test_whoever_may_not_know_hears_nothing_of_it(school: School, case: dict[str, Any]) -> None:
    following = {who: Events(school.clients[who]) for who in ("hedda", "tess")}
    school.clients["hedda"].get(f"/incidents/{case['id']}/card")
    wait_until(lambda: "incident_card_shown" in following["hedda"].kinds_of(case["id"]))
    assert case["id"] not in following["tess"].text


def test_the_card_says_what_to_do_and_whom_to_call(school: School, case: dict[str, Any]) -> None:
    card = school.clients["lena"].get(f"/incidents/{case['id']}/card")
    assert card["steps"]
    assert card["to_call"]
    assert card["contacts"] == [{"title": "Police of this town", "lines": ["Ask for the desk of online crime."]}]
    assert SECRET not in str(card)


def test_two_open_when_and_how_often_and_never_what(school: School, case: dict[str, Any]) -> None:
    path, purpose = f"/incidents/{case['id']}", school.purpose(case)
    for what in ("metadata", "reveal"):
        with pytest.raises(RefusedRequestError, match="sealed"):
            school.clients["hedda"].post(f"{path}/{what}", purpose)
    for _ in range(2):
        assert not school.clients["hedda"].post(f"{path}/unseal", purpose)["is_open"], "one person is one"
    assert school.clients["lena"].post(f"{path}/unseal", purpose)["is_open"]
    told = school.clients["lena"].post(f"{path}/metadata", purpose)
    assert told["subject"] == school.person(school.pupils[0])
    assert (told["times"], told["confidence"]) == (3, "B")
    assert told["minutes"] in (1, 2)
    assert all(len(each) == 64 for each in told["evidence"])
    assert told["first_at"] <= told["last_at"] <= told["filed_at"]
    assert SECRET not in str(told)
    with pytest.raises(RefusedRequestError, match="sealed"):
        school.coordinator.post(f"{path}/metadata", purpose)
    assert school.clients["hedda"].post(f"{path}/reveal", purpose)["name"] == "Pupil 0"
    kept = [what for (what,) in school.read("SELECT what FROM incident_timeline WHERE incident = ?", case["id"])]
    assert {"observed", "incident_card_shown", "incident_unsealed"} <= set(kept)
    looks = school.read("SELECT person, what FROM accesses WHERE incident = ?", case["id"])
    assert (school.staff.people["lena"], "metadata") in looks
    assert (school.staff.people["hedda"], "subject") in looks


def test_no_letter_is_written_and_what_it_is_about_stays(school: School, case: dict[str, Any]) -> None:
    with pytest.raises(RefusedRequestError, match="sealed"):
        school.act("hedda", case, "reclassify", kind="games", reason="It was only a game.")
    made = school.act("hedda", case, "accept", row="P01", deliberate="unclear", why="The police are asking.")
    assert made["row"] == "P01"
    with pytest.raises(RefusedRequestError, match="sealed"):
        school.clients["hedda"].post(f"/incidents/{case['id']}/letters", {**school.purpose(case), "kind": "parents"})
    for step in school.clients["hedda"].get(f"/incidents/{case['id']}/steps")["items"]:
        assert {owner["name"] for owner in step["owners"]} <= {"Hedda", "Lena", "Cora"}, step["action"]


def test_it_stands_where_it_can_be_erased_and_nowhere_else(school: School, case: dict[str, Any]) -> None:
    assert case
    for table, text in school.everything().items():
        assert SECRET not in text or table == "incident_timeline", table
    plain = school.read("SELECT what, actor, observation, content, evidence, hash FROM incident_timeline")
    assert SECRET not in str(plain)
    folder = school.gateway.folder
    # The list itself, what was asked that day, and the part of the state that can be erased.
    allowed = ("lists/", "state/activity/", f"state/{STATE_NAME}", "state/index", "state/lists", "runtime/")
    holding = [
        str(path.relative_to(folder))
        for path in folder.rglob("*")
        if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert not [path for path in holding if not path.startswith(allowed)], holding
    assert SECRET not in school.gateway.log.read_text()


def years_later(school: School, folder: Path, years: int) -> Incidents:
    """Give the incidents of a copy of the school, so many years later."""
    state = Path(school.gateway.folder) / "state"
    copytree(state / "keys", folder / "keys", dirs_exist_ok=True)
    if not (folder / STATE_NAME).exists():
        with closing(sqlite3.connect(state / STATE_NAME)) as database:
            database.execute("VACUUM INTO ?", (str(folder / STATE_NAME),))
    now = datetime.now(UTC) + timedelta(days=366 * years)
    store = StateStore(folder / STATE_NAME, clock=lambda: now)
    site = SiteInForce(school.gateway.site)
    incidents = build_parts(site, store, Herald(str(folder)), clock=lambda: now).incidents
    return Incidents(
        store,
        incidents.desk.people,
        Pseudonyms(folder / "keys"),
        packs=incidents.desk.packs,
        site=site,
        clock=lambda: now,
        new_id=lambda: "later",
    )


def test_it_is_kept_over_its_time_until_somebody_releases_it(
    school: School, case: dict[str, Any], tmp_path: Path
) -> None:
    hedda = school.clients["hedda"]
    for step in hedda.get(f"/incidents/{case['id']}/steps")["items"]:
        school.act("hedda", case, f"steps/{step['number']}/skip", reason="The police do it.")
    school.act("hedda", case, "close", outcome="The police have it.", lesson="We call them first.")
    later = years_later(school, tmp_path, 10)
    assert later.keep() == 0, "it is evidence"
    held = later.desk.store
    with held.read() as database:
        (filed,) = database.execute("SELECT is_held, erased_at FROM incidents").fetchall()
        ((names,),) = database.execute("SELECT group_concat(personal) FROM incident_timeline WHERE observation <> ''")
    assert (filed["is_held"], filed["erased_at"]) == (1, None)
    assert CRIME in names
    with held.read() as database:
        ((version,),) = database.execute("SELECT version FROM incidents")
    head = school.staff.people["hedda"]
    later.corrections.release(head, case["id"], version=version, reason="The court has ended it.")
    assert later.keep() == 1
    held.close()
    assert SECRET.encode() not in (tmp_path / STATE_NAME).read_bytes(), "erased is erased"


def test_nobody_knows_whose_device_it_was_and_it_is_sealed_all_the_same(school: School, case: dict[str, Any]) -> None:
    assert school.gateway.ask(CRIME, source=ALSO_YEAR5).rcode() == dns.rcode.NXDOMAIN
    wait_until(lambda: len(school.candidates("hedda")) == 1)
    (found,) = school.candidates("hedda")
    assert found["id"] != case["id"]
    assert (found["track"], found["level"], found["subject"]) == ("sealed", "device", "")
