"""How an entry of a timeline reads: no JSON, no machine's instants, nothing twice."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from agent.commands.cli_timeline import FINDINGS, content_of
from agent.commands.cli_times import Clock
from agent.fleet import device_signs
from rules.silence import Silence

CASE = {"kind": "media", "place": "on_site", "confidence": "B"}
EVIDENCE = json.dumps(
    [
        {"source": "udev.ID_FS_TYPE", "value": "ext4", "privilege": "user"},
        {"source": "sysfs.removable", "value": "1", "privilege": "user"},
    ]
)
PROOF = [{"event": "e1", "kind": "writes", "at": "2026-11-21T21:54:00+00:00", "hash": "ab", "batch": "cd"}]


def read(personal: dict[str, Any] | None = None, **content: Any) -> str:
    return content_of({"content": content, "personal": personal}, CASE, Clock("Europe/London"))


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        pytest.param({"source": "endpoint", "times": 2}, "source endpoint, times 2", id="plain"),
        pytest.param({"evidence": EVIDENCE}, "evidence udev.ID_FS_TYPE ext4, sysfs.removable 1", id="evidence"),
        pytest.param({"evidence": "mdatp: off"}, "evidence mdatp: off", id="evidence-in-words"),
        pytest.param({"evidence": '["x"]'}, 'evidence ["x"]', id="evidence-that-is-none"),
        pytest.param(
            {"proof": json.dumps(PROOF * 5)}, "proved by 5 signed events (--json shows them)", id="proof-of-five"
        ),
        pytest.param({"proof": json.dumps(PROOF)}, "proved by 1 signed event (--json shows them)", id="proof"),
        pytest.param({"proof": "{"}, "proof {", id="proof-that-is-none"),
        pytest.param(
            {"open_since": "2026-11-21T21:54:03.123456+00:00"}, "open since Sat 2026-11-21 21:54", id="instant"
        ),
        pytest.param({"words": "The T-shirt"}, "words The T-shirt", id="text-with-a-t"),
        pytest.param({"crypt": "plain"}, "not encrypted", id="crypt"),
        pytest.param({"crypt": "rot13"}, "crypt rot13", id="crypt-not-known"),
        pytest.param({"notice": "shown"}, "notice shown", id="notice"),
        pytest.param({"notice": "no_helper"}, "notice not shown: no helper runs in a session", id="no-notice"),
        pytest.param(
            {"found": "program_vpn: openvpn; weather: rain"},
            "openvpn runs, a VPN program, which may be idle; found weather: rain",
            id="signs",
        ),
        pytest.param(
            {"size_bytes": 32_000_000_000, "bytes": 3_000_000, "grace_seconds": 3600},
            "size 32 GB, 3.0 MB written, time to take it out 60 min",
            id="amounts",
        ),
        pytest.param(
            {"signature": "none", "program_from": "volume"}, "signed by nobody, program from volume", id="program"
        ),
        pytest.param({"finding": "key_changed"}, "it came with another key than before", id="finding"),
        pytest.param({"finding": "new_one", "why": "not_written"}, "finding new one, why not written", id="codes"),
        pytest.param({"is_weak": True, "has_container": True, "mounted": False}, "weak, container", id="yes-and-no"),
        pytest.param({"rows": ["P02", "P10"], "of": {"a_b": 1}}, "rows P02/P10, of a b 1", id="parts"),
        pytest.param({"why": "", "names": [], "account": None}, "", id="nothing"),
    ],
)
def test_a_fact(facts: dict[str, Any], words: str) -> None:
    assert read(**facts) == words


def test_what_the_head_of_the_case_says_is_not_said_again() -> None:
    assert read(kind="media", place="on_site", confidence="B", times=1) == "times 1"
    assert read(kind="bypass", place="off_site", confidence="C") == "kind bypass, place off site, confidence C"


def test_what_is_personal_stands_beside_the_rest() -> None:
    assert read({"label": "PUPILS"}, times=1) == "times 1, label PUPILS"
    assert read(None, times=1) == "times 1"


def test_what_a_laptop_is_found_to_be_has_words() -> None:
    source = Path(device_signs.__file__).read_text(encoding="utf-8")
    written = set(re.findall(r'"finding": "(\w+)"', source)) | {f"disk_{state}" for state in device_signs._BAD}
    assert set(FINDINGS) == written | set(Silence)
