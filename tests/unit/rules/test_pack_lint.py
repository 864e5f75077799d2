"""What looks wrong in a pack."""

import pytest

from rules.pack_lint import Finding, NoAction, NoOwner, RepeatWithoutWarning, StaffWeaker, VacantRole, lint
from rules.pack_reader import parse_pack
from rules.policy_pack import Pack
from rules.roles import Role
from rules.sanction import Step
from rules.words import words

PACK = """\
pack: p
title: t
source: s
roles:
  teacher: {title: Form tutor, holds: class_teacher, section: s, line: 1, says: Knows the class.}
  police: {title: Police, outside: true, section: s, line: 1, says: Are called.}
sanctions:
  pupil:
    actions:
      refer: {label: Refer, owners: [teacher], step: refer, within: 1 day}
      warning: {label: Warn, owners: OWNERS, step: warn, within: 1 day}
    rows:
      P15: {key: offensive, label: Offensive, line: 1, ticks: PUPIL, kinds: [offensive], risk: content,
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
"""


def pack(
    *,
    repeat: str = "warning",
    staff: str = "[refer, warning]",
    pupil: str = "[refer, warning]",
    owners: str = "[teacher]",
) -> Pack:
    written = {"REPEAT": repeat, "STAFF": staff, "PUPIL": pupil, "OWNERS": owners}
    text = PACK
    for word, value in written.items():
        text = text.replace(word, value)
    return parse_pack(text, file="p.yaml", categories=())


def test_a_pack_as_it_should_be_has_no_findings() -> None:
    assert lint(pack(), held={Role.CLASS_TEACHER}) == ()


@pytest.mark.parametrize(
    ("odd", "finding"),
    [
        (pack(staff="[]"), NoAction("p.yaml:22:7", "S15")),
        (pack(staff="[refer]"), StaffWeaker("p.yaml:22:7", "S15", 1, 2, (Step.WARN,), "P15", 2, 2)),
        (pack(repeat="refer"), RepeatWithoutWarning("p.yaml:15:7", "P11", ("P15",))),
        (pack(repeat="refer", pupil="[refer]"), RepeatWithoutWarning("p.yaml:15:7", "P11", ())),
        (pack(owners="[]"), NoOwner("p.yaml:11:7", "warning")),
    ],
)
def test_each_oddity_is_found_at_its_place(odd: Pack, finding: Finding) -> None:
    assert finding in lint(odd)


def test_a_role_that_nobody_holds_is_found_and_one_outside_the_school_is_not() -> None:
    assert lint(pack(), held=()) == (VacantRole("p.yaml:5:3", Role.CLASS_TEACHER, (words(en="Form tutor"),)),)


def test_what_staff_have_no_column_for_makes_no_row_weaker() -> None:
    text = PACK.replace("OWNERS", "[teacher]").replace("REPEAT", "warning").replace("PUPIL", "[refer, warning]")
    before, staff, after = text.replace("STAFF", "[refer]").partition("  staff:\n")
    without = after.replace("      warning: {label: Warn, owners: [teacher], step: warn, within: 1 day}\n", "")
    assert without != after
    assert lint(parse_pack(before + staff + without, file="p.yaml", categories=())) == ()


def test_several_titles_of_one_office_are_told_once_and_people_without_an_office_are_not() -> None:
    text = """\
pack: p
title: t
source: s
roles:
  one: {title: Deputy, holds: slt, section: s, says: One.}
  two: {title: Assistant, holds: slt, section: s, says: Two.}
  head: {title: Head teacher, holds: head_teacher, section: s, says: Three.}
  pupil: {title: Pupils, holds: pupil, section: s, says: Four.}
  clerk: {title: Clerk, section: s, says: Five.}
"""
    found = lint(parse_pack(text, file="p.yaml", categories=()), held=())
    assert [finding.role for finding in found if isinstance(finding, VacantRole)] == [Role.SLT, Role.HEAD_TEACHER]
    assert isinstance(found[0], VacantRole)
    assert list(map(str, found[0].titles)) == ["Deputy", "Assistant"]
