"""Who accepted or declined which version of the rules: by pseudonym or by name, for a purpose, and on record."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from incidents_of_test import NOW
from laptops_of_test import MINUTE, Laptop, WeighedLaptops

from agent.fleet.rules_register import RulesRegister
from rules.errors import RefusedRequestError

WHY = "The rules of this year"
NOTHING = timedelta(0)


@pytest.fixture
def laptops(tmp_path: Path) -> Iterator[WeighedLaptops]:
    made = WeighedLaptops(tmp_path)
    yield made
    made.fleet.close()
    made.store.close()


def answer(laptop: Laptop, account: str | None, version: str, *, accepted: bool) -> None:
    facts = {"account": account, "aup_version": version, "accepted": accepted, "how": "notify-send", "language": "nl"}
    laptop.tell(("sign_in_answered", NOTHING, facts))
    laptop.weighed.look(after=MINUTE)


def shown(laptops: WeighedLaptops, **more: Any) -> list[dict[str, Any]]:
    register = RulesRegister(laptops.store, laptops.pseudonyms)
    return [dict(item) for item in register.answers(laptops.ids["head"], purpose=WHY, **more).as_items()]


def test_every_answer_stands_there_the_newest_first(laptops: WeighedLaptops) -> None:
    laptop = laptops.laptop()
    answer(laptop, "teacher", "2026-09", accepted=False)
    answer(laptop, "teacher", "2026-09", accepted=True)
    answer(laptop, "pupil", "2027-01", accepted=True)
    rows = shown(laptops, with_names=True)
    assert [(row["person"], row["version"], row["is_accepted"]) for row in rows] == [
        ("Pupil", "2027-01", True),
        ("Teacher", "2026-09", True),
        ("Teacher", "2026-09", False),
    ]
    assert rows[-1] | {"laptop": "laptop1", "how": "notify-send", "language": "nl", "is_known": True} == rows[-1]
    assert rows[-1]["answered_at"] == NOW.isoformat()


def test_by_pseudonym_unless_names_are_asked_for(laptops: WeighedLaptops) -> None:
    answer(laptops.laptop(), "teacher", "2026-09", accepted=True)
    (row,) = shown(laptops)
    assert row["person"].startswith("p-")
    assert laptops.ids["teacher"] not in str(row)


def test_somebody_whom_nobody_knows_is_called_by_the_account_alone_and_with_names(laptops: WeighedLaptops) -> None:
    answer(laptops.laptop(), "guest-7", "2026-09", accepted=False)
    assert [(row["person"], row["is_known"]) for row in shown(laptops)] == [("", False)]
    assert [(row["person"], row["is_known"]) for row in shown(laptops, with_names=True)] == [("guest-7", False)]
    with laptops.store.act() as act:
        act.database.execute("DELETE FROM personal WHERE content LIKE '%guest%'")
    assert shown(laptops, with_names=True)[0]["person"] == ""


def test_nobody_is_judged_by_it(laptops: WeighedLaptops) -> None:
    answer(laptops.laptop(), "teacher", "2026-09", accepted=False)
    assert (laptops.filed_all(), laptops.notes()) == ([], [])


@pytest.mark.parametrize(
    ("who", "purpose", "why"),
    [("teacher", WHY, "None of your roles reads the register of rules"), ("head", "", "There is no purpose")],
)
def test_who_does_not_get_it(laptops: WeighedLaptops, who: str, purpose: str, why: str) -> None:
    register = RulesRegister(laptops.store, laptops.pseudonyms)
    with pytest.raises(RefusedRequestError, match=why):
        register.answers(laptops.ids[who], purpose=purpose)


def test_that_it_was_handed_out_is_on_record(laptops: WeighedLaptops) -> None:
    shown(laptops)
    with laptops.store.read() as database:
        row = database.execute("SELECT actor, facts FROM audit WHERE kind = 'register_read'").fetchone()
    assert tuple(row) == (laptops.ids["head"], '{"register":"rules","rows":0,"with_names":false}')
