"""What a teacher opened for a class holds at the laptop at which a pupil of the class signs in, and for no longer."""

import signal
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta

import pytest
from conftest import RunningGateway, Upstream, addresses, wait_until
from laptops_of_test import session
from living_school import MINUTE, School, open_school
from signed_in import REASON, YEAR5
from signed_laptops import Laptop, laptop_of

from agent.assembly import STATE_NAME
from agent.gateway.control import ask_gateway
from agent.storage.seat_rows import SeatRow, write_seats
from agent.storage.state import StateStore
from rules.roles import Role

PEOPLE = {"nadia": Role.NETWORK_MANAGER, "tess": Role.CLASS_TEACHER}
# Two addresses of classes that are no class's own.
STAFF = "127.0.0.2"
HERE, ELSEWHERE = "127.0.1.40", "127.0.1.41"
NAME = "casino.example"
# A seat is looked at every few seconds.
SOON = 30.0
NOTHING = timedelta(0)


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    with ExitStack() as stack:
        opened = open_school(tmp_path_factory.mktemp("seats") / "site", upstream, stack, people=PEOPLE, pupils=1)
        yield opened


def is_open(school: School, source: str) -> bool:
    return school.dig(NAME, source=source) == "NOERROR"


def sign_in(laptop: Laptop, who: str | None, *, at: str) -> None:
    laptop.tell(("session", NOTHING, session(who, address=at)))


def waiting(school: School) -> int:
    (found,) = school.read("SELECT count(*) FROM seats")
    return int(found[0])


def test_an_override_for_a_class_follows_its_pupil_to_a_laptop_and_leaves_with_the_pupil(school: School) -> None:
    (pupil,) = school.pupils
    laptop = laptop_of(school, address=HERE)
    sign_in(laptop, pupil, at=HERE)
    wait_until(lambda: waiting(school) == 1, seconds=SOON)
    assert not is_open(school, HERE), "nothing was granted yet"
    asked = {
        "names": [NAME],
        "groups": ["5B"],
        "reason": REASON,
        "until_at": (datetime.now(UTC) + 45 * MINUTE).isoformat(),
    }
    made = school.clients["tess"].post("/overrides", asked)
    school.clients["nadia"].post(f"/overrides/{made['id']}/approve", {}, version=made["version"])
    wait_until(lambda: is_open(school, YEAR5))
    wait_until(lambda: is_open(school, HERE))
    assert not is_open(school, ELSEWHERE)
    assert school.dig("hate.example", source=HERE) == school.dig("hate.example", source=ELSEWHERE) == "NXDOMAIN"
    kept = " ".join(map(str, school.read("SELECT * FROM seats")))
    assert "year5" in kept
    assert pupil not in kept

    sign_in(laptop, None, at=HERE)
    wait_until(lambda: not is_open(school, HERE), seconds=SOON)
    assert waiting(school) == 0
    assert is_open(school, YEAR5)

    sign_in(laptop, pupil, at=HERE)
    wait_until(lambda: is_open(school, HERE), seconds=SOON)
    # Another device has the address now, whoever uses it.
    laptop_of(school, address=HERE).beat()
    wait_until(lambda: not is_open(school, HERE), seconds=SOON)
    assert waiting(school) == 0

    sign_in(laptop, pupil, at=ELSEWHERE)
    assert not is_open(school, ELSEWHERE), "the laptop is not heard from there"
    laptop.address = ELSEWHERE
    sign_in(laptop, pupil, at=ELSEWHERE)
    wait_until(lambda: is_open(school, ELSEWHERE), seconds=SOON)
    assert not is_open(school, HERE)


@pytest.mark.alone
def test_workers_let_a_seat_go_at_its_end_without_anybody_who_tells_them(own_gateway: RunningGateway) -> None:
    own_gateway.start()

    def is_open(name: str = "shop.example") -> bool:
        return bool(addresses(own_gateway.ask(name, source=STAFF)))

    assert not is_open()
    until_at = datetime.now(UTC) + timedelta(seconds=4)
    seat = SeatRow(STAFF, frozenset({"office"}), None, datetime.now(UTC), until_at)
    state = own_gateway.folder / "state" / STATE_NAME
    with closing(StateStore(state, clock=lambda: datetime.now(UTC))) as store, store.act() as act:
        write_seats(act, [seat])
    assert ask_gateway(str(own_gateway.folder / "runtime"), {"do": "policy"})["ok"]
    assert is_open()
    gateway = own_gateway.process
    assert gateway is not None
    gateway.send_signal(signal.SIGSTOP)
    time.sleep(max(0.0, (until_at - datetime.now(UTC)).total_seconds()))
    assert wait_until(lambda: not is_open(), seconds=2) < 1
