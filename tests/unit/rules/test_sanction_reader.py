"""The written form of sanction tables."""

import pytest

from rules.errors import ConfigurationError
from rules.incident_kind import Kind, Risk
from rules.pack_reader import parse_pack
from rules.sanction import SanctionTable, Step

PACK = """\
pack: p
title: t
source: s
roles:
  teacher: {title: Class teacher, holds: class_teacher, section: s, line: 1, says: Knows the class.}
sanctions:
  AUDIENCE:
    actions:
      teacher: {label: Tell the class teacher, owners: [teacher], step: refer, within: 1 school day}
      warning: {label: Warn, owners: [teacher], step: warn, within: 1 week}
    rows:
      P04: {key: social, label: Chats, line: 345, ticks: TICKS, kinds: [social], risk: contact, visibility: partial}
"""


def table(*, audience: str = "pupil", ticks: str = "[warning, teacher]") -> SanctionTable:
    text = PACK.replace("AUDIENCE", audience).replace("TICKS", ticks)
    return parse_pack(text, file="p.yaml", categories=()).sanctions[audience]


def test_a_row_gives_its_steps_in_the_order_of_the_columns() -> None:
    found = table()
    assert [(action.id, action.step) for action in found.actions_of("P04")] == [
        ("teacher", Step.REFER),
        ("warning", Step.WARN),
    ]
    row = found.rows["P04"]
    assert (row.line, row.kinds, row.risk, row.is_repeat) == (345, frozenset({Kind.SOCIAL}), Risk.CONTACT, False)
    assert row.location == "p.yaml:12:7"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"ticks": "[police]"}, "ticks[0]: found 'police'; expected a column of the table, one of teacher, warning"),
        ({"ticks": "[warning, warning]"}, "found a column that is ticked twice; expected each column once"),
        ({"audience": "guest"}, "found a table for guest; expected one for pupil or for staff"),
    ],
)
def test_each_fault_has_a_place_and_a_sentence(change: dict[str, str], sentence: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        table(**change)
    assert sentence in str(caught.value)


def test_a_row_that_stands_twice_is_told() -> None:
    text = PACK.replace("AUDIENCE", "pupil").replace("TICKS", "[]") + "      P04: {}\n"
    with pytest.raises(ConfigurationError, match=r"the key P04 a second time \(first in line 12\)"):
        parse_pack(text, file="p.yaml", categories=())
