"""The registers of overrides and suspensions: by pseudonym or by name, for a purpose, and on record."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from granting import MORNING, REASON, Granting

from agent.people.pseudonyms import Pseudonyms
from agent.requests.request_registers import RequestRegisters
from agent.requests.suspensions import AskedSuspension
from rules.errors import RefusedRequestError

PURPOSE = "The governors meet on Thursday."


@pytest.fixture
def school(tmp_path: Path) -> Iterator[Granting]:
    with Granting.opened(tmp_path) as opened:
        yield opened


@pytest.fixture
def registers(school: Granting, tmp_path: Path) -> RequestRegisters:
    return RequestRegisters(school.store, Pseudonyms(tmp_path / "keys"))


def test_overrides_by_pseudonym(school: Granting, registers: RequestRegisters) -> None:
    made = school.overrides.request("teacher", school.written())
    school.overrides.approve("manager", made.override.id, version=1)
    (item,) = registers.overrides("head", purpose=PURPOSE).as_items()
    assert (item["state"], item["names"], item["groups"]) == ("approved", "bet.example", "year5")
    assert str(item["requester"]).startswith("p-")
    assert item["approvers"] != item["requester"]
    assert school.facts() == {"register": "overrides", "rows": 1, "with_names": False}
    assert school.kinds()[-1] == "register_read"


def test_overrides_by_name(school: Granting, registers: RequestRegisters) -> None:
    school.overrides.request("teacher", school.written())
    (item,) = registers.overrides("head", purpose=PURPOSE, with_names=True).as_items()
    assert (item["requester"], item["approvers"], item["times_used"]) == ("teacher", "", None)


def test_suspensions(school: Granting, registers: RequestRegisters) -> None:
    asked = AskedSuspension(
        groups=("year5",), until_at=MORNING + timedelta(minutes=30), reason=REASON, is_for_school=False
    )
    made = school.suspensions.request("head", asked)
    (item,) = registers.suspensions("head", purpose=PURPOSE, with_names=True).as_items()
    assert (item["id"], item["requester"], item["agreed_by"]) == (made.suspension.id, "head", "")
    assert (item["groups"], item["is_for_school"], item["ended_at"]) == ("year5", False, None)


@pytest.mark.parametrize(
    ("person", "purpose", "told"),
    [
        pytest.param("teacher", PURPOSE, "None of your roles reads the register", id="without-the-right"),
        pytest.param("gone", PURPOSE, "Nobody at this school is known by that id", id="somebody-who-has-left"),
        pytest.param("head", "", "There is no purpose", id="no-purpose"),
    ],
)
def test_who_gets_none(school: Granting, registers: RequestRegisters, person: str, purpose: str, told: str) -> None:
    for give in (registers.overrides, registers.suspensions):
        with pytest.raises(RefusedRequestError, match=told):
            give(person, purpose=purpose)
        assert school.kinds()[-1] == "rule_refused"
