"""Who a person is in the school, and what that lets them do: the one table of rights.

Rights open a door; they never make two people out of one. Whoever asks for something is not among those who decide
about it, whatever roles they hold: that is checked where the decision is (`rules.override`, `rules.suspension`).
Nobody has a right to change the record, because there is no such right.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What a person is in the school; one person may be several."""

    PUPIL = "pupil"
    TEACHER = "teacher"
    STAFF = "staff"
    CLASS_TEACHER = "class_teacher"
    KEY_STAGE_LEADER = "key_stage_leader"
    SLT = "slt"
    HEAD_TEACHER = "head_teacher"
    ICT_COORDINATOR = "ict_coordinator"
    NETWORK_MANAGER = "network_manager"
    TECHNICIAN = "technician"
    SAFEGUARDING_LEAD = "safeguarding_lead"
    DATA_PROTECTION_OFFICER = "data_protection_officer"
    ESAFETY_GOVERNOR = "esafety_governor"
    AUDITOR = "auditor"

    @property
    def in_words(self) -> str:
        """The role in words, for a sentence."""
        return _TITLES.get(self, self.value.replace("_", " "))


_TITLES: Final = {
    Role.SLT: "member of the senior leadership team",
    Role.ICT_COORDINATOR: "ICT Co-ordinator",
    Role.ESAFETY_GOVERNOR: "e-safety governor",
}


def parse_role(text: str) -> Role | None:
    """Read a role as people write it (`ICT Co-ordinator`, `network manager`); nothing where it is none."""
    word = text.strip().casefold().replace("-", "").replace(" ", "_")
    return Role(word) if word in tuple(Role) else None


class Right(StrEnum):
    """One thing that a person may do."""

    REQUEST_OVERRIDE = "request_override"
    DECIDE_OVERRIDE = "decide_override"
    # One of the two approvals that a sensitive category needs.
    DECIDE_SENSITIVE_OVERRIDE = "decide_sensitive_override"
    REVOKE_OVERRIDE = "revoke_override"
    BREAK_GLASS = "break_glass"
    COUNTERSIGN = "countersign"
    READ_OVERRIDES = "read_overrides"
    REQUEST_SUSPENSION = "request_suspension"
    AGREE_SUSPENSION = "agree_suspension"
    END_SUSPENSION = "end_suspension"
    DRAFT_FILTER_CHANGE = "draft_filter_change"
    APPROVE_FILTER_CHANGE = "approve_filter_change"
    READ_INCIDENTS = "read_incidents"
    # Who looked at what is kept about somebody, whatever it was about.
    READ_ACCESSES = "read_accesses"
    # How many incidents there are, never one of them.
    COUNT_INCIDENTS = "count_incidents"
    # For machines, in whose tokens these stand: who signed in where, and what they saw.
    TELL_SIGN_INS = "tell_sign_ins"
    TELL_OBSERVATIONS = "tell_observations"
    # Laptops with the endpoint service: which may tell something, and what they are like now.
    MANAGE_DEVICES = "manage_devices"
    READ_DEVICES = "read_devices"
    # Media: one's own, everybody's at the desk, and which may be used although nothing protects them.
    USE_MEDIA = "use_media"
    MANAGE_MEDIA = "manage_media"
    DECIDE_MEDIA_EXCEPTION = "decide_media_exception"
    READ_RECORD = "read_record"
    VERIFY_RECORD = "verify_record"
    EXPORT_RECORD = "export_record"
    # To review it, too: rows without who did what to whom, but for those about the filter and the record itself.
    SIGN_OFF_RECORD = "sign_off_record"
    # What stands beside a row, never the row itself.
    ERASE_PERSONAL = "erase_personal"
    MANAGE_PEOPLE = "manage_people"
    READ_PEOPLE = "read_people"
    ISSUE_TOKENS = "issue_tokens"


_ASKING: Final = frozenset({Right.REQUEST_OVERRIDE, Right.USE_MEDIA})
_LEADING: Final = frozenset({Right.READ_OVERRIDES, Right.REQUEST_SUSPENSION, Right.END_SUSPENSION})
_APPROVING: Final = frozenset(
    {
        Right.DECIDE_OVERRIDE,
        Right.REVOKE_OVERRIDE,
        Right.BREAK_GLASS,
        Right.COUNTERSIGN,
        Right.AGREE_SUSPENSION,
        Right.APPROVE_FILTER_CHANGE,
        Right.VERIFY_RECORD,
        Right.MANAGE_PEOPLE,
        Right.READ_PEOPLE,
    }
)
_RECORD: Final = frozenset({Right.READ_RECORD, Right.VERIFY_RECORD, Right.EXPORT_RECORD})
_INCIDENTS: Final = frozenset({Right.READ_INCIDENTS, Right.COUNT_INCIDENTS})
_DEVICES: Final = frozenset({Right.MANAGE_DEVICES, Right.READ_DEVICES})
_MEDIA: Final = frozenset({Right.MANAGE_MEDIA, Right.DECIDE_MEDIA_EXCEPTION})
_TELLING: Final = frozenset({Right.TELL_SIGN_INS, Right.TELL_OBSERVATIONS})

RIGHTS: Final[Mapping[Role, frozenset[Right]]] = MappingProxyType(
    {
        Role.PUPIL: frozenset(),
        Role.TEACHER: _ASKING,
        Role.STAFF: _ASKING,
        Role.CLASS_TEACHER: _ASKING,
        Role.KEY_STAGE_LEADER: _ASKING | {Right.READ_OVERRIDES},
        Role.SLT: _ASKING | _LEADING | {Right.COUNT_INCIDENTS},
        Role.HEAD_TEACHER: _ASKING | _LEADING | _APPROVING | _INCIDENTS | _RECORD | _MEDIA | {Right.ERASE_PERSONAL},
        Role.ICT_COORDINATOR: _ASKING
        | _LEADING
        | _APPROVING
        | _INCIDENTS
        | _TELLING
        | _DEVICES
        | _MEDIA
        | {
            Right.DECIDE_SENSITIVE_OVERRIDE,
            Right.DRAFT_FILTER_CHANGE,
            Right.READ_RECORD,
            Right.ISSUE_TOKENS,
        },
        Role.NETWORK_MANAGER: _ASKING
        | _LEADING
        | _APPROVING
        | _TELLING
        | _DEVICES
        | _MEDIA
        | {Right.DRAFT_FILTER_CHANGE, Right.ISSUE_TOKENS},
        Role.TECHNICIAN: _LEADING
        | {
            Right.DRAFT_FILTER_CHANGE,
            Right.READ_PEOPLE,
            Right.READ_DEVICES,
            Right.USE_MEDIA,
            Right.MANAGE_MEDIA,
        },
        Role.SAFEGUARDING_LEAD: _ASKING
        | _INCIDENTS
        | {
            Right.DECIDE_SENSITIVE_OVERRIDE,
            Right.REVOKE_OVERRIDE,
            Right.COUNTERSIGN,
            Right.READ_OVERRIDES,
            Right.END_SUSPENSION,
            Right.DRAFT_FILTER_CHANGE,
        },
        Role.DATA_PROTECTION_OFFICER: _RECORD | {Right.READ_ACCESSES, Right.COUNT_INCIDENTS},
        # Filter changes, and in numbers what was asked for, are what governors review and sign.
        Role.ESAFETY_GOVERNOR: frozenset({Right.VERIFY_RECORD, Right.SIGN_OFF_RECORD, Right.COUNT_INCIDENTS}),
        Role.AUDITOR: _RECORD,
    }
)

# What those have who count and review, and are told of nobody.
REVIEWING: Final = RIGHTS[Role.ESAFETY_GOVERNOR]


def _roles_with(*rights: Right) -> frozenset[Role]:
    return frozenset(role for role, held in RIGHTS.items() if not held.isdisjoint(rights))


APPROVERS: Final = _roles_with(Right.DECIDE_OVERRIDE)
# A sensitive category is opened by one of each, as two different people.
SENSITIVE_APPROVERS: Final = (Role.SAFEGUARDING_LEAD, Role.ICT_COORDINATOR)
# E-Safety policy, "Technical": filtering is switched off by a process that one of these agreed.
SUSPENSION_AUTHORITIES: Final = frozenset({Role.HEAD_TEACHER, Role.ICT_COORDINATOR})
# Whoever can change what others get, or read what is kept about them, signs in with a second factor.
PRIVILEGED: Final = _roles_with(
    Right.DECIDE_OVERRIDE,
    Right.DECIDE_SENSITIVE_OVERRIDE,
    Right.REVOKE_OVERRIDE,
    Right.DRAFT_FILTER_CHANGE,
    Right.READ_INCIDENTS,
    Right.READ_ACCESSES,
    Right.READ_RECORD,
    Right.SIGN_OFF_RECORD,
    Right.MANAGE_PEOPLE,
    Right.ISSUE_TOKENS,
)
MANAGERS: Final = _roles_with(Right.MANAGE_PEOPLE)
# What only asks for a lesson of one's own, or reads what is on record; no incident is read by it. Whoever watches who
# looked at what is told first of breaches, and reads those.
_HARMLESS: Final = _ASKING | _RECORD | {Right.READ_OVERRIDES, Right.READ_PEOPLE, Right.COUNT_INCIDENTS}
# Whoever could make up a holder of these alone would be both of the two people whom a change of the filter takes, the
# one who drafts or asks as well as the one who decides, or would read what is kept about others. So what one person
# gives of them takes effect when a second one has confirmed it.
DECIDING: Final = _roles_with(*(right for right in Right if right not in _HARMLESS))


def rights_of(roles: Iterable[Role]) -> frozenset[Right]:
    """Unite the rights of all roles that a person holds."""
    return frozenset().union(*(RIGHTS[role] for role in roles))
