"""What looks odd in a pack, in a sentence of a language."""

from typing import assert_never

from agent.packs.pack_words import spell_role
from agent.texts import Texts
from rules.pack_lint import Finding, NoAction, NoOwner, RepeatWithoutWarning, StaffWeaker, VacantRole
from rules.sanction import Step


def spell_finding(finding: Finding, texts: Texts) -> str:
    """Say what looks odd."""
    _ = texts.gettext
    match finding:
        case NoOwner():
            return _("Nobody is to do what the column %(column)s says.") % {"column": finding.column}
        case NoAction():
            return _("Row %(row)s ticks no action, so nobody would do anything.") % {"row": finding.row}
        case RepeatWithoutWarning():
            return _spell_repeat(finding, texts)
        case StaffWeaker():
            return _spell_weaker(finding, texts)
        case VacantRole():
            return _spell_vacancy(finding, texts)
        case _:
            assert_never(finding)


def _spell_weaker(finding: StaffWeaker, texts: Texts) -> str:
    text = texts.gettext(
        "Row %(row)s of the staff ticks %(ticked)d of %(columns)d actions and %(missing)s, unlike row %(twin)s of the"
        " pupils, which is about the same and ticks %(twin_ticked)d of %(twin_columns)d."
    )
    return text % {
        "row": finding.row,
        "ticked": finding.ticked,
        "columns": finding.columns,
        "missing": texts.join([_spell_missing(step, texts) for step in finding.missing]),
        "twin": finding.twin,
        "twin_ticked": finding.twin_ticked,
        "twin_columns": finding.twin_columns,
    }


def _spell_repeat(finding: RepeatWithoutWarning, texts: Texts) -> str:
    if not finding.others:
        text = texts.gettext(
            "Row %(row)s is for going on after a warning, but no row of its table ticks one, so nothing would ever"
            " lead to it."
        )
        return text % {"row": finding.row}
    text = texts.ngettext(
        "Row %(row)s is for going on after a warning, and ticks no warning itself; of the other rows only %(others)s"
        " ticks one.",
        "Row %(row)s is for going on after a warning, and ticks no warning itself; of the other rows only %(others)s"
        " tick one.",
        len(finding.others),
    )
    return text % {"row": finding.row, "others": texts.join(finding.others)}


def _spell_missing(step: Step, texts: Texts) -> str:
    """Say what a row leaves out, as the rest of a sentence about it."""
    _ = texts.gettext
    return {
        Step.REFER: _("refers to nobody"),
        Step.INFORM: _("informs nobody"),
        Step.TECHNICAL: _("brings in no technical support"),
        Step.RESTRICT: _("takes no access away"),
        Step.WARN: _("does not warn"),
        Step.SANCTION: _("has no sanction"),
    }[step]


def _spell_vacancy(finding: VacantRole, texts: Texts) -> str:
    role = spell_role(finding.role, texts)
    titles = list(dict.fromkeys(title.in_language(texts.language) for title in finding.titles))
    if [title.casefold() for title in titles] == [role.casefold()]:
        return texts.gettext("Nobody at the school has the role of %(role)s.") % {"role": role}
    text = texts.gettext("Nobody at the school has the role of %(role)s, which this policy calls %(titles)s.")
    return text % {"role": role, "titles": texts.join(titles)}
