"""What the checks of all systems have in common."""

import errno
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.posture import Check, Finding, Posture, State, age_in_days, bounded, disk_encryption, own_disks
from collectors.volume import Attach, Bus, Crypt, Evidence, Volume

PROOF = (Evidence("sysfs.dm_uuid", "CRYPT-LUKS2-…"),)


class Clock:
    def __init__(self) -> None:
        self.now = 1_700_000_000.0

    def __call__(self) -> float:
        return self.now


class Firewall:
    def __init__(self, state: State) -> None:
        self.state = state

    def __call__(self) -> Finding:
        return Finding(Check.FIREWALL, self.state, (Evidence("ufw.conf", "ENABLED=yes"),))


def states(posture: Posture) -> dict[str, Any]:
    return {each.key: each.facts["state"] for each in posture.look()}


def test_every_check_is_told_with_evidence_and_time_and_what_cannot_be_checked_is_unknown() -> None:
    told = {each.key: each.facts for each in Posture({Check.FIREWALL: Firewall(State.ON)}, wall=Clock()).look()}
    assert set(told) == set(Check)
    assert told["firewall"] == {
        "check": "firewall",
        "state": "on",
        "why": "",
        "evidence": [{"source": "ufw.conf", "value": "ENABLED=yes", "privilege": "user"}],
        "details": {},
        "checked_at": 1_700_000_000.0,
    }
    assert (told["antivirus"]["state"], told["antivirus"]["why"]) == ("unknown", "not_on_this_system")


def test_what_has_not_changed_is_told_once_a_day() -> None:
    clock, firewall = Clock(), Firewall(State.ON)
    posture = Posture({Check.FIREWALL: firewall}, wall=clock)
    posture.look()
    clock.now += 3600
    assert states(posture) == {}
    firewall.state = State.OFF
    assert states(posture) == {"firewall": "off"}
    clock.now += 86_400
    assert len(states(posture)) == len(Check)
    clock.now -= 5 * 86_400
    assert len(states(posture)) == len(Check), "a clock that was set back"


def test_a_check_that_fails_is_unknown_and_spoils_no_other() -> None:
    def fail() -> Finding:
        raise OSError(errno.EACCES, "/home/anna")

    posture = Posture({Check.UPDATES: fail, Check.FIREWALL: Firewall(State.ON)})
    told = {each.key: each.facts for each in posture.look()}
    assert (told["updates"]["state"], told["updates"]["why"]) == ("unknown", "PermissionError:EACCES")
    assert told["firewall"]["state"] == "on"


@pytest.mark.parametrize(
    ("crypt", "state"),
    [
        (Crypt.ENCRYPTED, State.ON),
        (Crypt.CONVERTING, State.PARTLY),
        (Crypt.SUSPENDED, State.SUSPENDED),
        (Crypt.PLAIN, State.OFF),
        (Crypt.MAYBE_ENCRYPTED, State.UNKNOWN),
        (Crypt.UNKNOWN, State.UNKNOWN),
    ],
)
def test_disks(crypt: Crypt, state: State) -> None:
    finding = disk_encryption(lambda: (crypt, PROOF))
    assert (finding.state, finding.evidence, finding.details) == (state, PROOF, {"crypt": crypt})
    assert bool(finding.why) is (state is State.UNKNOWN)


def volume(point: str, crypt: Crypt, *, is_system: bool = True) -> Volume:
    attach, evidence = Attach.FIXED, (Evidence("sysfs.dm_uuid", point),)
    return Volume("dm-0", attach, Bus.NVME, crypt, evidence, mount_points=(point,), is_system=is_system)


def test_the_worst_of_the_disks_that_matter_counts() -> None:
    root, home = volume("/", Crypt.ENCRYPTED), volume("/home", Crypt.PLAIN)
    boot, stick = volume("/boot", Crypt.PLAIN), volume("/media/x", Crypt.PLAIN, is_system=False)
    points = ("/", "/home")
    assert own_disks(lambda: [root, boot, stick], points)() == (Crypt.ENCRYPTED, root.evidence)
    assert own_disks(lambda: [root, home, boot], points)() == (Crypt.PLAIN, (*root.evidence, *home.evidence))
    assert own_disks(lambda: [root, boot, stick], ())()[0] is Crypt.PLAIN
    assert own_disks(lambda: [stick], points)() == (Crypt.UNKNOWN, ())


def test_disks_that_nobody_asked_about() -> None:
    assert disk_encryption(None).state is State.UNKNOWN


@pytest.mark.parametrize(
    ("then", "age"),
    [(1_000_000.0, 2), (1_000_000.0 + 172_800, 0), (1_000_000.0 + 172_801, None), (0.0, None), (-5.0, None)],
)
def test_ages(then: float, age: int | None) -> None:
    assert age_in_days(then, 1_000_000.0 + 172_800) == age


@given(st.text(st.characters(codec=None)))
def test_what_is_shown_is_text(value: str) -> None:
    bounded(value).encode("utf-8")
    assert len(bounded(value)) <= 200
