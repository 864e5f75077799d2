"""What a laptop told, as a head teacher reads it; and that nothing which it told is left out."""

import ast
from pathlib import Path
from typing import Any

import pytest
from facts_of_test import PROGRAM, STICK, WRITES
from hypothesis import given
from hypothesis import strategies as st

import agent.endpoint
import collectors
from agent.endpoint import fact_words
from agent.endpoint.fact_words import FactWords
from agent.endpoint.notice_texts import LANGUAGES, endpoint_texts
from collectors.bypass import Signal, observe_signals
from collectors.observed import KINDS
from collectors.posture import Check, Finding, State

THEO = {"account": "theo", "since": 5.0, "local": True, "active": True}
SESSION = {"account": "theo", "confidence": "A", "why": "signed_in", "addresses": ["127.0.0.1"], "sessions": [THEO]}
NOTICE = {
    "notice": "plain_medium",
    **{name: STICK[name] for name in ("device", "insertion", "uuid", "label", "usb", "crypt")},
    "shown": True,
    "why": "",
    "notified_at": 5.0,
    "grace_until": 9.0,
    "account": "theo",
    "language": "en",
    "text": "…",
    "how": "notify-send",
    "presentation": "",
}
HEARTBEAT = {
    "cpu_average": 0.004,
    "rss_bytes": 61_000_000,
    "seconds": 90_000.0,
    "collectors": {"posture": "ok", "file_writes": "paused"},
    "helper": False,
    "media": 1,
    "depth": 3,
    "quarantined": 1,
}
STATED: dict[str, dict[str, Any]] = {
    **dict.fromkeys(("media_present", "media_inserted", "media_changed", "media_removed", "media_unclean"), STICK),
    "phone_present": STICK,
    "writes": WRITES,
    "program_new": PROGRAM,
    "programs_present": {"place": "volume", "files": 1, "signatures": {}, "left_out": 0, "coverage": "complete"},
    "posture": {"check": "firewall", "state": "on", "why": "", "details": {}, "checked_at": 5.0},
    "bypass": {"kind": "bypass", "signals": 0, "is_weak": True, "found": [], "unseen": {}},
    "resolver": {"on_site": True, "resolvers": [], "encrypted": [], "found": []},
    "filter": {"on_site": True, "seen": "not_ours", "why": "", "open": [], "asked_at": 5.0},
    "session": SESSION,
    "collector_health": {"collector": "posture", "health": "ok", "failures": 0, "why": ""},
    "service_started": {"clean": True, "why": "first"},
    "service_stopped": {"why": "sigterm", "seconds": 3.0},
    "spool_dropped": {"class": 2, "count": 14, "t_first": 5.0, "t_last": 9.0},
    "spool_reset": {"why": "damaged", "epoch_before": "e", "salvaged": 14},
    "event_quarantined": {"number": 3, "kind": "writes", "size_bytes": 9, "reason": "too large"},
    "clock": {"what": "skew", "state": "right", "seconds": 1.0},
    "notice_shown": NOTICE,
    "exception_asked": {
        "account": "theo",
        "words": "Exams",
        "until": "2026-12-18",
        "asked_at": 5.0,
        "media": [STICK],
    },
    "sign_in_answered": {"account": "theo", "aup_version": "2026-09", "accepted": True, "answered_at": 5.0},
    "heartbeat": HEARTBEAT,
}


def say(kind: str, language: str = "en", /, **more: Any) -> str:
    return FactWords(endpoint_texts(language), lambda at: f"@{at:g}").of(kind, {**STATED[kind], **more})


def posture(check: Check, state: State, why: str = "", **details: Any) -> str:
    finding = Finding(check, state, (), why, details)
    return say("posture", check=str(check), state=str(finding.state), why=why, details=details)


def bypass(*signals: Signal, **unseen: str) -> str:
    return say("bypass", **observe_signals(signals, unseen, is_kept=False).facts)


VPN, WAY_OUT = Signal("program_vpn", "openvpn"), Signal("tunnel_way_out", "wg0", is_weak=False)
FOREIGN = {"signal": "resolver_not_ours", "what": "9.9.9.9", "weak": True}
DOH = {"signal": "encrypted_dns", "what": "firefox policy", "weak": True}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (bypass(), "Nothing that goes round the filter was seen on this laptop"),
        (
            bypass(programs="PermissionError:EACCES"),
            (
                "Nothing that goes round the filter was seen on this laptop; could not be seen: programs that run"
                " (access was refused (PermissionError:EACCES))"
            ),
        ),
        (
            bypass(VPN),
            (
                "Weak signs of a way round the filter, each of which may be harmless: openvpn runs, a VPN"
                " program, which may be idle"
            ),
        ),
        (
            bypass(WAY_OUT, Signal("new_sign", "x")),
            "Signs of a way round the filter: what this laptop sends leaves through a tunnel (wg0); new_sign x",
        ),
        (
            say("bypass", signals=30, is_weak=False, found=[{"signal": "listener", "what": "9050", "weak": True}]),
            (
                "Signs of a way round the filter: a program waits at port 9050, as those for getting round"
                " filters do; not listed: 29"
            ),
        ),
        (say("resolver"), "Whom this laptop asks for names was not compared with whom the school asks"),
        (say("resolver", resolvers=["192.0.2.1"]), "Names are asked of the school's filter (192.0.2.1)"),
        (
            say("resolver", resolvers=["127.0.0.1", "::1"], found=[DOH]),
            (
                "Names are asked of this laptop itself (127.0.0.1, ::1), which asks another in turn; names are asked"
                " in encrypted form (firefox policy)"
            ),
        ),
        (
            say("resolver", resolvers=["9.9.9.9"], found=[FOREIGN]),
            "Names are asked of 9.9.9.9, which is not the school's",
        ),
        (say("filter"), "Somebody else than the school's filter answers this laptop"),
        (
            say("filter", seen="answered_by_us", open=["file_sharing"]),
            "The school's filter answers this laptop; open that should be closed: file sharing",
        ),
        (
            say("filter", seen="could_not_tell", why="timed_out"),
            "Nobody knows whether the school's filter answers: the question got no answer (it took too long)",
        ),
        (say("session"), "theo is signed in at this screen, since @5, at 127.0.0.1"),
        (say("session", why="from_afar", sessions=[]), "theo is signed in from another computer, at 127.0.0.1"),
        (
            say("session", why="several", sessions=[THEO, {**THEO, "account": "dora"}]),
            "Several people are signed in; theo is at the screen; dora since @5; theo since @5; at 127.0.0.1",
        ),
        (
            say("session", why="several", account=None),
            "Several people are signed in; who uses the laptop is not said, theo since @5, at 127.0.0.1",
        ),
        (say("session", why="nobody", account=None, sessions=[], addresses=[]), "Nobody is signed in"),
        (
            say("session", why="nobody", account=None, sessions=[]),
            "Nobody is signed in, the laptop is at 127.0.0.1",
        ),
        (say("session", why="by_face", sessions=[], addresses=[]), "by_face theo"),
        (posture(Check.FIREWALL, State.ON), "Firewall: on"),
        (
            posture(Check.FIREWALL, State.UNKNOWN, "needs_root"),
            "Firewall: could not be checked; that needs more rights than the service has",
        ),
        (
            posture(Check.UPDATES, State.ON, restart_due=True, age_days=1),
            "Updates by themselves: on, a restart is due, last looked for a day ago",
        ),
        (
            posture(Check.ANTIVIRUS, State.NOT_FOUND),
            "Protection from viruses: none that is known here was found; there may be another",
        ),
        (
            posture(Check.ANTIVIRUS, State.ON, age_days=None),
            "Protection from viruses: on, last learnt of new viruses nobody knows when",
        ),
        (
            posture(Check.ANTIVIRUS, State.ON, defender_age_days=0, odd_fact=3),
            "Protection from viruses: on, Microsoft Defender last learnt of new viruses within a day, odd fact 3",
        ),
        (posture(Check.DISK_ENCRYPTION, State.OFF, crypt="plain"), "The laptop's own disk: not encrypted"),
        (
            posture(Check.DISK_ENCRYPTION, State.PARTLY, crypt="claimed_hardware"),
            "The laptop's own disk: encrypts by itself, as its maker says",
        ),
        (posture(Check.DISK_ENCRYPTION, State.ON), "The laptop's own disk: encrypted"),
        (
            posture(Check.DISK_ENCRYPTION, State.UNKNOWN, "maybe_encrypted", crypt="maybe_encrypted"),
            "The laptop's own disk: could not be checked; may be encrypted, which cannot be told from outside",
        ),
        (posture(Check.SCREEN_LOCK, State.ON, delay_seconds=300), "Lock of the screen: on, after 5 min"),
        (
            posture(Check.PASSWORD_POLICY, State.PARTLY, min_length=6, max_age_days=None, lockout=True),
            (
                "Rules for passwords: on in part, the shortest has 6 characters, never has to be changed,"
                " guessing locks the account"
            ),
        ),
        (
            posture(Check.PASSWORD_POLICY, State.ON, min_length=None, max_age_days=90, lockout=False),
            "Rules for passwords: on, to be changed every 90 days, guessing locks nothing",
        ),
        (say("posture", check="moon", state="full", why="odd"), "moon: full (odd)"),
        (say("collector_health"), "Protection of this laptop: works"),
        (
            say("collector_health", collector="file_writes", health="paused", failures=3, why="timed_out"),
            "What is written to them: fails, and is left alone for an hour: it took too long (times in a row: 3)",
        ),
        (say("service_started", why="killed"), "The service began: after it was killed"),
        (say("service_stopped"), "The service ended (sigterm)"),
        (say("spool_dropped"), "Events given up because there was no room: 14, from @5 to @9"),
        (say("spool_reset"), "What waits had to begin anew: it was damaged; events that were saved: 14"),
        (
            say("event_quarantined"),
            "An event was put aside, for the gateway could not take it: writes (too large)",
        ),
        (say("clock"), "The clock of this laptop is right"),
        (say("clock", state="wrong", seconds=4000.0), "The clock of this laptop is slow by 67 min"),
        (say("clock", state="wrong", seconds=-400.0), "The clock of this laptop is fast by 7 min"),
        (say("clock", what="step", seconds=-7200.0), "The clock of this laptop was set back by 2 h"),
        (say("clock", what="step", seconds=40.0), "The clock of this laptop was set forward by 40 s"),
        (
            say("notice_shown"),
            "Notice about USB stick PUPILS (DataTraveler): not encrypted; shown to theo; @5; there is time until @9",
        ),
        (
            say("notice_shown", shown=False, why="no_helper", grace_until=None, notice="new"),
            (
                "Notice about USB stick PUPILS (DataTraveler): not encrypted; not shown: no helper runs in a"
                " session; new"
            ),
        ),
        (
            say("exception_asked"),
            "theo asked for an exception until 2026-12-18: Exams; USB stick PUPILS (DataTraveler, 32 GB)",
        ),
        (say("sign_in_answered"), "theo accepted the rules, version 2026-09, @5"),
        (say("sign_in_answered", accepted=False), "theo declined the rules, version 2026-09, @5"),
        (
            say("heartbeat"),
            (
                "The service has run for 25 h; 0.40% of a processor on average, 61 MB of memory; What is written to"
                " them: fails, and is left alone for an hour; no helper runs to show notices; media plugged in: 1;"
                " events that wait: 3; put aside: 1"
            ),
        ),
        (
            say("heartbeat", collectors={}, helper=True, depth=0, quarantined=0),
            (
                "The service has run for 25 h; 0.40% of a processor on average, 61 MB of memory; a helper shows"
                " notices; media plugged in: 1"
            ),
        ),
    ],
)
def test_what_was_told(said: str, expected: str) -> None:
    assert said == expected


def test_every_kind_has_words() -> None:
    assert set(STATED) == KINDS
    assert set(fact_words.KNOWN) == KINDS | {"media"}


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != "en"])
@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_has_words_in_every_language(kind: str, language: str) -> None:
    assert say(kind, language) != say(kind)
    assert say(kind, language, sky="blue").endswith("sky blue")


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_a_fact_that_the_words_do_not_know_is_shown(kind: str) -> None:
    assert say(kind, sky="blue") == f"{say(kind)}; sky blue"


def test_a_kind_that_the_words_do_not_know_is_shown_as_it_is() -> None:
    words = FactWords(endpoint_texts("en"), str)
    assert words.of("sky_seen", {"colour": "blue", "is_clear": True}) == "sky seen: colour blue, is clear yes"
    assert words.of("sky_seen", {}) == "sky seen: "


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_facts_that_are_not_as_they_should_be_are_shown_as_they_are(kind: str) -> None:
    words = FactWords(endpoint_texts("en"), str)
    assert words.of(kind, {"sky": "blue"}).endswith("sky blue")


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


@given(st.sampled_from(sorted(KINDS)), st.data())
def test_whatever_a_laptop_tells_there_are_words(kind: str, data: st.DataObject) -> None:
    names = st.sampled_from(fact_words.KNOWN[kind].split())
    facts = {**STATED[kind], **data.draw(st.dictionaries(names, VALUES, max_size=4))}
    assert FactWords(endpoint_texts("en"), str).of(kind, facts)


# Which kinds a module tells of.
MODULES = {
    "collectors/volume.py": ("media",),
    "collectors/posture.py": ("posture",),
    "collectors/bypass.py": ("bypass",),
    "collectors/resolver_settings.py": ("resolver",),
    "collectors/school_filter.py": ("filter",),
    "collectors/session.py": ("session",),
    "collectors/file_writes.py": ("writes",),
    "collectors/new_programs.py": ("program_new", "programs_present"),
    "collectors/probe.py": ("collector_health",),
    "agent/endpoint/service_state.py": ("service_started", "service_stopped"),
    "agent/endpoint/skew.py": ("clock",),
    "agent/endpoint/notice.py": ("notice_shown", "exception_asked", "sign_in_answered"),
    "agent/endpoint/spool_file.py": ("spool_dropped", "event_quarantined"),
    "agent/endpoint/event_spool.py": ("spool_reset",),
}
# What a notice tells a helper, and nobody else.
TO_HELPERS = {"number", "bus"}


@pytest.mark.parametrize("module", MODULES)
def test_every_fact_that_a_module_tells_is_known(module: str) -> None:
    root = Path(collectors.__file__).parents[1]
    assert root == Path(agent.endpoint.__file__).parents[2]
    parsed = ast.parse((root / module).read_text(encoding="utf-8"))
    told = {
        key.value
        for node in ast.walk(parsed)
        if isinstance(node, ast.AnnAssign | ast.Assign | ast.Return)
        and isinstance(node.value, ast.Dict)
        and (isinstance(node, ast.Return) or "facts" in ast.unparse(node))
        for key in node.value.keys
        if isinstance(key, ast.Constant)
    }
    known = {name for kind in MODULES[module] for name in fact_words.KNOWN[kind].split()}
    assert told
    assert told - known - TO_HELPERS == set()
