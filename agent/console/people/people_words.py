"""Rights in words: what the holder of a role may do."""

from agent.texts import Texts
from rules.roles import Right


def spell_right(right: Right, texts: Texts) -> str:
    """Say what a right lets somebody do."""
    _ = texts.gettext
    return {
        Right.REQUEST_OVERRIDE: _("ask for something to be opened"),
        Right.DECIDE_OVERRIDE: _("decide what is opened"),
        Right.DECIDE_SENSITIVE_OVERRIDE: _("decide as one of two what is opened of a sensitive category"),
        Right.REVOKE_OVERRIDE: _("end early what was opened"),
        Right.BREAK_GLASS: _("open something at once in an emergency"),
        Right.COUNTERSIGN: _("countersign an emergency"),
        Right.READ_OVERRIDES: _("read every request"),
        Right.REQUEST_SUSPENSION: _("ask for filtering to be off"),
        Right.AGREE_SUSPENSION: _("agree that filtering is off"),
        Right.END_SUSPENSION: _("switch filtering on again"),
        Right.DRAFT_FILTER_CHANGE: _("draft a change of the filter"),
        Right.APPROVE_FILTER_CHANGE: _("approve a change of the filter"),
        Right.READ_INCIDENTS: _("read incidents, as far as they are theirs to read"),
        Right.READ_ACCESSES: _("read who looked at what is kept about somebody"),
        Right.COUNT_INCIDENTS: _("see how many incidents there are"),
        Right.TELL_SIGN_INS: _("let a program tell who signed in"),
        Right.TELL_OBSERVATIONS: _("let a program tell what it saw"),
        Right.MANAGE_DEVICES: _("put laptops on the list and take them off"),
        Right.READ_DEVICES: _("read the list of laptops"),
        Right.USE_MEDIA: _("answer for media of their own"),
        Right.MANAGE_MEDIA: _("keep the list of media"),
        Right.DECIDE_MEDIA_EXCEPTION: _("let a medium pass that nothing protects"),
        Right.READ_RECORD: _("read the record"),
        Right.VERIFY_RECORD: _("have the record verified"),
        Right.EXPORT_RECORD: _("take the record away as a file"),
        Right.SIGN_OFF_RECORD: _("sign that the record was reviewed"),
        Right.ERASE_PERSONAL: _("erase what is personal beside a row of the record"),
        Right.MANAGE_PEOPLE: _("add people, give roles and accounts"),
        Right.READ_PEOPLE: _("read who is at the school and in which role"),
        Right.ISSUE_TOKENS: _("make tokens for programs of their own"),
    }[right]


def spell_source(source: str, texts: Texts) -> str:
    """Say where a person comes from."""
    _ = texts.gettext
    return {
        "hand": _("added by hand"),
        "csv": _("from a CSV file"),
        "oneroster": _("from a OneRoster archive"),
        "site": _("from the site file"),
    }.get(source, source)
