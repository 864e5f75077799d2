"""What people say at a laptop stands where it would stand if they had said it at the gateway."""

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import STICK, WeighedLaptops

from rules.medium import ExceptionState

NOTHING = timedelta(0)
ASKED: dict[str, Any] = {
    "account": "teacher",
    "words": "Photographs of the school trip",
    "until": (NOW.date() + timedelta(days=7)).isoformat(),
    "media": [{name: STICK[name] for name in ("device", "insertion", "uuid", "label", "usb", "crypt")}],
}


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def noted(laptops: WeighedLaptops, kind: str) -> list[tuple[str, str, dict[str, Any]]]:
    with laptops.store.read() as database:
        query = "SELECT actor, subject, facts FROM audit WHERE kind = ? ORDER BY number"
        return [(row[0], row[1], json.loads(row[2])) for row in database.execute(query, (kind,))]


def test_who_needs_a_stick_as_it_is_asks_for_an_exception(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("exception_asked", NOTHING, ASKED))
    laptops.look()
    laptops.look()
    ((number, by, state),) = exceptions(laptops)
    assert (by, state) == (laptops.ids["teacher"], ExceptionState.WAITING)
    assert noted(laptops, "media_exception_asked")[0][2] == {
        "exception": number,
        "state": "waiting",
        "until_on": ASKED["until"],
        "is_from_laptop": True,
    }


def exceptions(laptops: WeighedLaptops) -> list[tuple[int, str, str]]:
    with laptops.store.read() as database:
        return [tuple(row) for row in database.execute("SELECT number, asked_by, state FROM media_exceptions")]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        pytest.param({"account": "guest"}, "Nobody is known by the account", id="nobody-we-know"),
        pytest.param({"account": None}, "Nobody is known by the account", id="no-account"),
        pytest.param({"media": []}, "No medium with a serial number", id="nothing-plugged-in"),
        pytest.param({"media": [{"usb": None}, 7]}, "No medium with a serial number", id="nothing-to-know-it-by"),
        pytest.param({"until": "Friday"}, "'Friday' is no date", id="no-date"),
        pytest.param({"until": "2031-01-01"}, "allows none beyond", id="longer-than-the-school-allows"),
        pytest.param({"words": ""}, "purpose", id="for-nothing"),
    ],
)
def test_what_cannot_be_asked_is_on_record_with_why(
    laptops: WeighedLaptops, changes: dict[str, Any], says: str
) -> None:
    laptops.laptop().tell(("exception_asked", NOTHING, {**ASKED, **changes}))
    laptops.look()
    assert exceptions(laptops) == []
    ((_, subject, facts),) = noted(laptops, "media_exception_not_asked")
    assert subject == "laptop1"
    assert says in facts["reason"]


@pytest.mark.parametrize("accepted", [True, False])
def test_the_answer_to_the_rules_is_on_record(laptops: WeighedLaptops, *, accepted: bool) -> None:
    more = {"how": "notify-send", "language": "nl", "text": "Do you accept the rules?"}
    facts = {"account": "SCHOOL\\teacher", "aup_version": "2026", "accepted": accepted, **more}
    laptops.laptop().tell(("sign_in_answered", NOTHING, facts))
    laptops.look()
    ((actor, subject, said),) = noted(laptops, "rules_answered")
    assert (actor, subject) == (laptops.ids["teacher"], "laptop1")
    assert (said.pop("event"), len(said.pop("hash"))) == (f"laptop1/{'0' * 31}1/1", 32)
    assert said == {
        "version": "2026",
        "accepted": accepted,
        "at": NOW.isoformat(),
        "how": "notify-send",
        "language": "nl",
    }


def test_the_account_of_somebody_unknown_stands_where_it_can_be_erased(laptops: WeighedLaptops) -> None:
    laptops.laptop().tell(("sign_in_answered", NOTHING, {"account": "guest-7", "aup_version": "2026"}))
    laptops.look()
    ((actor, _, said),) = noted(laptops, "rules_answered")
    assert (actor, said["accepted"], "guest" in str(said)) == ("system", False, False)
    with laptops.store.read() as database:
        query = "SELECT content FROM personal JOIN audit USING (number) WHERE kind = 'rules_answered'"
        assert [row[0] for row in database.execute(query)] == ['{"account":"guest-7"}']
