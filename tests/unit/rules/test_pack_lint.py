"""What looks wrong in a pack."""

import pytest

from rules.pack_lint import lint
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.roles import Role

PACK = """\
pack: p
title: t
source: s
roles:
  teacher: {title: Form tutor, holds: class_teacher, section: s, line: 1, says: Knows the class.}
  police: {title: Police, outside: true, section: s, line: 1, says: Are called.}
sanctions:
  pupil: &
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: [teacher], step: warn, within: 1 day}
    rows:
      P15: {key: offensive, label: Offensive, line: 1, ticks: [refer, warning], kinds: [offensive], risk: content,
            visibility: partial}
      P11: {key: again, label: Again, line: 2, ticks: [REPEAT], kinds: [repeat], risk: conduct, visibility: full,
            repeat: true}
  staff:
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: [teacher], step: warn, within: 1 day}
    rows:
      S15: {key: offensive, label: Offensive, line: 3, ticks: STAFF, kinds: [offensive], risk: content,
            visibility: partial}
""".replace(" &\n", "\n")


def pack(*, repeat: str = "warning", staff: str = "[refer, warning]") -> Pack:
    return parse_pack(PACK.replace("REPEAT", repeat).replace("STAFF", staff), file="p.yaml", categories=())


def test_a_pack_as_it_should_be_has_no_findings() -> None:
    assert lint(pack(), held={Role.CLASS_TEACHER}) == ()


@pytest.mark.parametrize(
    ("odd", "code", "sentence"),
    [
        (pack(staff="[]"), "no_action", "p.yaml:22:7: Row S15 ticks no action, so nobody would do anything."),
        (pack(staff="[refer]"), "staff_weaker", "ticks 1 actions, and row P15 of the pupils"),
        (pack(repeat="refer"), "repeat_without_warning", "Row P11 is for going on after a warning, and ticks no"),
    ],
)
def test_each_oddity_is_told_with_its_place(odd: Pack, code: str, sentence: str) -> None:
    found = {finding.code: str(finding) for finding in lint(odd)}
    assert sentence in found[code]


def test_a_role_that_nobody_holds_is_told_and_one_outside_the_school_is_not() -> None:
    assert [str(finding) for finding in lint(pack(), held=())] == [
        "p.yaml:5:3: Nobody at the school is class teacher, which this policy calls Form tutor."
    ]
