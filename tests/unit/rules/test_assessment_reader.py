"""The written form of what observations are weighed by."""

from datetime import timedelta

import pytest

from rules.assessment import AssessmentRules
from rules.errors import ConfigurationError
from rules.incident_kind import Kind, Risk
from rules.name import DomainName
from rules.pack_reader import parse_pack
from rules.subject import Audience

PACK = """\
pack: p
title: t
source: s
rows:
  illegal: {label: l, section: s, line: 1, tick: unacceptable_illegal, categories: [bad], visibility: partial}
roles: {head: {title: Head, holds: head_teacher, section: s, line: 1, says: Leads.}}
sanctions:
  pupil:
    actions: {refer: {label: Refer, owners: [head], step: refer, within: 1 day}}
    rows:
      P02: {key: a, label: A, line: 1, ticks: [refer], kinds: [gambling], risk: conduct, visibility: partial}
      P10: {key: b, label: B, line: 1, ticks: [refer], kinds: [bullying], risk: contact, visibility: none}
      P11: {key: c, label: C, line: 1, ticks: [refer], kinds: [repeat], risk: conduct, visibility: full, repeat: true}
"""


def assessment(text: str) -> AssessmentRules:
    found = parse_pack(PACK + text, file="p.yaml", categories=["gambling", "helplines", "bad"]).assessment
    assert found is not None
    return found


def test_everything_is_read() -> None:
    rules = assessment(
        "assessment:\n  open_at: 70\n  window: 1 h\n  gap: 3 h\n  pause: 5 minutes\n  row: 5\n"
        "  crowd: 9\n  widespread: 30\n"
        "  memory: 7 days\n"
        "  unattributed: [helplines]\n  background: {labels: [cdn], names: [pixel.test]}\n"
        "  kinds: {gambling: {categories: [gambling], risk: commerce, weight: 20, sites: 2}}\n"
    )
    kind = rules.kind_of("gambling")
    assert kind is not None
    assert (kind.kind, kind.risk, kind.weight, kind.sites) == (Kind.GAMBLING, Risk.COMMERCE, 20, 2)
    assert (rules.open_at, rules.window, rules.row) == (70, timedelta(hours=1), 5)
    assert (rules.gap, rules.pause, rules.memory) == (timedelta(hours=3), timedelta(minutes=5), timedelta(days=7))
    assert (rules.crowd, rules.widespread) == (9, 30)
    assert rules.unattributed == {"helplines"}
    assert rules.background.suffixes == {DomainName("pixel.test")}
    assert rules.statutory == {"bad"}


def test_only_rows_that_can_be_seen_are_proposed_by_a_machine() -> None:
    rules = assessment("assessment: {kinds: {}}\n")
    assert rules.rows == {(Audience.PUPIL, Kind.GAMBLING): ("P02",)}
    assert rules.repeat_rows == {Audience.PUPIL: "P11"}


def test_a_pack_may_leave_it_to_others() -> None:
    assert parse_pack(PACK, file="p.yaml", categories=["bad"]).assessment is None


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("open_at: 101", "assessment.open_at: found 101; expected 1 to 100"),
        ("window: 2", "assessment.window: found '2'; expected at once, or a number and a unit"),
        ("gap: at once", "assessment.gap: found no time; expected some time, such as 2 h"),
        ("unattributed: [help]", "assessment.unattributed[0]: found 'help'"),
        ("background: {names: ['a b']}", "assessment.background.names: found name 1: a character that no host"),
        ("kinds: {fire: {risk: content}}", "assessment.kinds.fire: found the kind fire; expected one of illegal,"),
        ("kinds: {gambling: {risk: money}}", "assessment.kinds.gambling.risk: found 'money'"),
        ("openat: 1", "assessment.openat: found the unknown key openat; expected open_at"),
    ],
)
def test_each_fault_has_a_place_and_a_sentence(text: str, sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        assessment(f"assessment: {{{text}}}\n")
    assert sentence in str(caught.value)
