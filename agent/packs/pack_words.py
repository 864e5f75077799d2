"""What stands in packs, in words of a language: spans, kinds of incident, roles, means, registers, places."""

from collections.abc import Iterable

from agent.texts import Texts
from rules.handbook import Citation, Keeper, Means, Start
from rules.incident_kind import Kind
from rules.pack import Tick
from rules.roles import Role
from rules.span import Span, Unit


def spell_span(span: Span, texts: Texts) -> str:
    """Write a span: `72 hours`, `15 school days`, `at once`."""
    if span.amount == 0:
        return texts.gettext("at once")
    if span.unit is Unit.SCHOOL_DAYS:
        days = texts.ngettext("%(number)d school day", "%(number)d school days", span.amount)
        return days % {"number": span.amount}
    return texts.amount(span.amount, span.unit.removesuffix("s"))


def spell_within(span: Span, texts: Texts) -> str:
    """Write by when: `at once`, `within 72 hours`."""
    spelt = spell_span(span, texts)
    return spelt if span.amount == 0 else texts.gettext("within %(time)s") % {"time": spelt}


def spell_place(cites: Citation, texts: Texts) -> str:
    """Write where a document says something."""
    if not cites.line:
        return cites.section
    return texts.gettext("%(section)s, line %(line)d") % {"section": cites.section, "line": cites.line}


def spell_kind(kind: Kind, texts: Texts) -> str:
    """Name a kind of incident, as a part of a sentence."""
    _ = texts.gettext
    return {
        Kind.ILLEGAL: _("what may be illegal"),
        Kind.PORNOGRAPHY: _("pornography"),
        Kind.OFFENSIVE: _("offensive material"),
        Kind.EXTREMISM: _("extremism"),
        Kind.SELF_HARM: _("self-harm"),
        Kind.GROOMING: _("grooming"),
        Kind.BULLYING: _("bullying"),
        Kind.IMAGE_OR_DATA_SHARING: _("sharing of images or personal data"),
        Kind.BYPASS: _("going round the filter"),
        Kind.GAMBLING: _("gambling"),
        Kind.GAMES: _("games"),
        Kind.SOCIAL: _("social networks and messages"),
        Kind.SHOPPING: _("shopping"),
        Kind.FILE_TRANSFER: _("files brought in or sent out"),
        Kind.PIRACY: _("piracy"),
        Kind.NON_EDUCATIONAL: _("sites that are not for learning"),
        Kind.ACCOUNT_SHARING: _("sharing an account"),
        Kind.OTHER_ACCOUNT: _("using somebody else's account"),
        Kind.STAFF_ACCOUNT: _("using a staff account"),
        Kind.MEDIA: _("unencrypted media"),
        Kind.CARELESS_DATA: _("careless handling of personal data"),
        Kind.SECURITY_RULES: _("breaking security rules"),
        Kind.FILTER_OFF: _("filtering off without a record"),
        Kind.DEVICE_SECURITY: _("protection of a laptop"),
        Kind.MALWARE: _("malicious software"),
        Kind.DAMAGE_TO_DATA: _("damage to files"),
        Kind.DAMAGE: _("damage to equipment"),
        Kind.PHONE: _("telephones and cameras"),
        Kind.DISREPUTE: _("harm to the school's good name"),
        Kind.PERSONAL_USE: _("too much private use"),
        Kind.CONTACT_WITH_PUPILS: _("private contact with pupils"),
        Kind.STAFF_CONDUCT: _("conduct of staff"),
        Kind.UNREPORTED: _("not reporting what one came across"),
        Kind.DATA_BREACH: _("data breach"),
        Kind.REPEAT: _("going on after a warning"),
        Kind.OTHER: _("anything else"),
    }[kind]


def spell_kinds(kinds: Iterable[Kind], texts: Texts) -> str:
    """Name kinds of incident, in the order in which they are known."""
    named = frozenset(kinds)
    return texts.join([spell_kind(kind, texts) for kind in Kind if kind in named])


def spell_means(means: Means, texts: Texts) -> str:
    """Say how the product meets a requirement."""
    _ = texts.gettext
    return {
        Means.ENFORCES: _("enforces"),
        Means.MEASURES: _("measures"),
        Means.LOGS: _("logs"),
        Means.REMINDS: _("reminds"),
        Means.PEOPLE: _("people"),
    }[means]


def spell_keeper(keeper: Keeper, texts: Texts) -> str:
    """Say which register of the product holds something."""
    _ = texts.gettext
    return {
        Keeper.INCIDENTS: _("register of incidents"),
        Keeper.WARNINGS: _("register of warnings"),
        Keeper.REFERRALS: _("register of referrals"),
        Keeper.MEDIA: _("register of media"),
        Keeper.SIGN_OUTS: _("register of what was taken out"),
        Keeper.OVERRIDES: _("overrides"),
        Keeper.SUSPENSIONS: _("suspensions"),
        Keeper.FILTER_CHANGES: _("changes of the filter"),
        Keeper.ACCESS: _("register of access"),
        Keeper.ROLES: _("register of roles"),
        Keeper.PEOPLE: _("list of people"),
        Keeper.RECORD: _("the record"),
        Keeper.NONE: _("the school itself"),
    }[keeper]


def spell_role(role: Role, texts: Texts) -> str:
    """Name a role that people hold in the product."""
    _ = texts.gettext
    return {
        Role.PUPIL: _("pupil"),
        Role.TEACHER: _("teacher"),
        Role.STAFF: _("member of staff"),
        Role.CLASS_TEACHER: _("class teacher"),
        Role.KEY_STAGE_LEADER: _("key stage leader"),
        Role.SLT: _("member of the senior leadership team"),
        Role.HEAD_TEACHER: _("head teacher"),
        Role.ICT_COORDINATOR: _("ICT Co-ordinator"),
        Role.NETWORK_MANAGER: _("network manager"),
        Role.TECHNICIAN: _("technician"),
        Role.SAFEGUARDING_LEAD: _("safeguarding lead"),
        Role.DATA_PROTECTION_OFFICER: _("data protection officer"),
        Role.ESAFETY_GOVERNOR: _("e-safety governor"),
        Role.AUDITOR: _("auditor"),
    }[role]


def spell_start(start: Start, texts: Texts) -> str:
    """Say what sets a clock going."""
    _ = texts.gettext
    return {
        Start.AWARENESS: _("since somebody knew"),
        Start.REQUEST: _("since the request"),
        Start.LOSS: _("since the loss"),
        Start.END: _("since the end"),
    }[start]


def spell_tick(tick: Tick, texts: Texts) -> str:
    """Name a column of the table of user actions."""
    _ = texts.gettext
    return {
        Tick.ACCEPTABLE: _("acceptable"),
        Tick.CERTAIN_TIMES: _("acceptable at certain times"),
        Tick.NOMINATED_USERS: _("acceptable for nominated groups"),
        Tick.UNACCEPTABLE: _("unacceptable"),
        Tick.UNACCEPTABLE_ILLEGAL: _("unacceptable and illegal"),
    }[tick]
