"""Who is signed in, on recorded systems and on the computer that runs this."""

import struct
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from machines_of_test import recorded
from volumes_of_test import needs_root

from collectors.machine import Machine
from collectors.session import Session, SessionLook, _with_console, parse_logind, read_logind, read_sessions, who

ANNA = Session("anna", 1_700_000_000.0, is_local=True, is_active=True)
BERT = Session("bert", 1_700_000_100.0, is_local=True, is_active=False)
CARL = Session("carl", 1_700_000_200.0, is_local=False, is_active=True)
DORA = Session("dora", None, is_local=False, is_active=True)
CART = Session("Cart07", None, is_local=True, is_active=True)


@pytest.mark.parametrize(
    ("sessions", "expected"),
    [
        pytest.param([], (None, "D", "nobody"), id="nobody"),
        pytest.param([ANNA], ("anna", "A", "signed_in"), id="one-person"),
        pytest.param([ANNA, ANNA], ("anna", "A", "signed_in"), id="one-person-twice"),
        pytest.param([ANNA, BERT], ("anna", "C", "several"), id="one-in-front-one-waiting"),
        pytest.param([ANNA, CARL], ("anna", "C", "several"), id="one-here-one-from-afar"),
        pytest.param([CARL, DORA], (None, "C", "several"), id="nobody-in-front"),
        pytest.param([CARL], ("carl", "B", "from_afar"), id="from-afar-alone"),
        pytest.param([CART], ("Cart07", "C", "shared"), id="shared-account"),
    ],
)
def test_who_it_is_and_how_sure(sessions: list[Session], expected: tuple[str | None, str, str]) -> None:
    assert who(sessions, {"cart07"}) == expected


def test_it_is_told_with_addresses_when_it_changes() -> None:
    sessions, addresses = [ANNA], ["10.20.0.7"]
    look = SessionLook(lambda: sessions, lambda: addresses, shared_accounts=["Cart07"])
    (told,) = look.look()
    assert told.key == "session"
    assert told.facts == {
        "account": "anna",
        "confidence": "A",
        "why": "signed_in",
        "addresses": ["10.20.0.7"],
        "sessions": [{"account": "anna", "since": 1_700_000_000.0, "local": True, "active": True}],
    }
    assert look.look() == ()
    addresses.append("2001:db8::7")
    assert len(look.look()) == 1
    sessions.append(BERT)
    (told,) = look.look()
    assert (told.facts["confidence"], len(told.facts["sessions"])) == ("C", 2)  # type: ignore[arg-type] # a list


LOGIND = """# This is private data. Do not parse.
UID=1000
USER=anna
ACTIVE=1
IS_DISPLAY=1
STATE=active
REMOTE=0
TYPE=wayland
CLASS=user
SEAT=seat0
TTY=tty2
REALTIME=1700000000000000
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(LOGIND, ANNA, id="at-the-screen"),
        pytest.param(LOGIND.replace("USER=anna", "USER=gdm"), None, id="the-screen-before-signing-in"),
        pytest.param(LOGIND.replace("CLASS=user", "CLASS=manager"), None, id="a-manager-is-nobody"),
        pytest.param(LOGIND.replace("STATE=active", "STATE=closing"), None, id="signed-out"),
        pytest.param(
            LOGIND.replace("REMOTE=0", "REMOTE=1").replace("anna", "carl").replace("SEAT=seat0\n", ""),
            Session("carl", 1_700_000_000.0, is_local=False, is_active=True),
            id="from-afar",
        ),
        pytest.param(
            LOGIND.replace("1700000000000000", "soon"),
            Session("anna", None, is_local=True, is_active=True),
            id="no-time",
        ),
        pytest.param("", None, id="empty"),
    ],
)
def test_sessions_of_logind(text: str, expected: Session | None) -> None:
    assert parse_logind(text) == expected


def test_two_sessions_of_logind(tmp_path: Path) -> None:
    waiting = LOGIND.replace("anna", "bert").replace("ACTIVE=1", "ACTIVE=0").replace("STATE=active", "STATE=online")
    files = {"/run/systemd/sessions/2": LOGIND, "/run/systemd/sessions/4": waiting, "/run/systemd/sessions/4.ref": ""}
    sessions = read_sessions(recorded(tmp_path, files))
    assert [(each.account, each.is_active) for each in sessions] == [("anna", True), ("bert", False)]
    assert list(read_logind(recorded(tmp_path / "none"))) == []


def test_the_screen_of_a_mac_belongs_to_one(tmp_path: Path) -> None:
    bert = Session("bert", None, is_local=True, is_active=True)
    machine = recorded(tmp_path, {}, {("/usr/bin/stat", "-f", "%Su", "/dev/console"): "anna\n"}, platform="darwin")
    assert [each.is_active for each in _with_console(machine, [ANNA, bert, CARL])] == [True, False, False]
    silent = recorded(tmp_path, platform="darwin")
    assert [each.is_active for each in _with_console(silent, [ANNA, bert])] == [True, True]


def test_this_computer_can_be_asked() -> None:
    assert all(each.account for each in read_sessions(Machine()))


def utmp(account: bytes, host: bytes = b"") -> bytes:
    """Write one record as login(1) does. Source: utmp(5), on 64-bit Linux."""
    return struct.pack(
        "<hxxi32s4s32s256shhiii16s20x", 7, 1, b"tty2", b"2", account, host, 0, 0, 1, 1_700_000_000, 0, b""
    )


@needs_root
def test_two_people_in_the_real_record_of_sessions(tmp_path: Path) -> None:
    """A mount namespace of its own has another record than the computer that runs this."""
    (tmp_path / "utmp").write_bytes(utmp(b"anna") + utmp(b"carl", b"10.20.0.99") + utmp(b"root"))
    look = (
        "from collectors.machine import Machine\n"
        "from collectors.session import read_sessions\n"
        "print([(each.account, each.since, each.is_local) for each in read_sessions(Machine())])\n"
    )
    script = 'mount -t tmpfs none /run && cp "$1" /run/utmp && exec "$2" -c "$3"'
    words = ["unshare", "-m", "sh", "-c", script, "sh", str(tmp_path / "utmp"), sys.executable, look]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=60)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no other namespace can be made here")
    assert done.stdout == "[('anna', 1700000000.0, True), ('carl', 1700000000.0, False)]\n", done.stderr


@given(st.text(max_size=200), st.text(max_size=30))
def test_no_text_is_an_error(text: str, value: str) -> None:
    parse_logind(text)
    session = parse_logind(f"USER={value}\nREALTIME={value}\n{text}")
    if session is not None:
        (told,) = SessionLook(lambda: [session], tuple).look()
        str(told.facts["account"]).encode("utf-8")
