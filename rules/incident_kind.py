"""The kinds of incident that exist, and what they put a child at risk of."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from rules.subject import Audience


class Kind(StrEnum):
    """What an incident is about."""

    ILLEGAL = "illegal"
    PORNOGRAPHY = "pornography"
    OFFENSIVE = "offensive"
    EXTREMISM = "extremism"
    SELF_HARM = "self_harm"
    GROOMING = "grooming"
    BULLYING = "bullying"
    IMAGE_OR_DATA_SHARING = "image_or_data_sharing"
    BYPASS = "bypass"
    GAMBLING = "gambling"
    GAMES = "games"
    SOCIAL = "social"
    SHOPPING = "shopping"
    FILE_TRANSFER = "file_transfer"
    PIRACY = "piracy"
    NON_EDUCATIONAL = "non_educational"
    ACCOUNT_SHARING = "account_sharing"
    OTHER_ACCOUNT = "other_account"
    STAFF_ACCOUNT = "staff_account"
    MEDIA = "media"
    CARELESS_DATA = "careless_data"
    SECURITY_RULES = "security_rules"
    FILTER_OFF = "filter_off"
    DEVICE_SECURITY = "device_security"
    MALWARE = "malware"
    DAMAGE_TO_DATA = "damage_to_data"
    DAMAGE = "damage"
    PHONE = "phone"
    DISREPUTE = "disrepute"
    PERSONAL_USE = "personal_use"
    CONTACT_WITH_PUPILS = "contact_with_pupils"
    STAFF_CONDUCT = "staff_conduct"
    UNREPORTED = "unreported"
    DATA_BREACH = "data_breach"
    REPEAT = "repeat"
    OTHER = "other"


class Risk(StrEnum):
    """The four areas of risk that schools know by their initials."""

    CONTENT = "content"
    CONTACT = "contact"
    CONDUCT = "conduct"
    COMMERCE = "commerce"


# Who is at risk comes before who did something: these go to the safeguarding lead first.
SAFEGUARDING = frozenset({Kind.GROOMING, Kind.SELF_HARM, Kind.EXTREMISM, Kind.BULLYING, Kind.IMAGE_OR_DATA_SHARING})

# What they put a child at risk of, where no row of a table says it.
AT_RISK_OF: Mapping[Kind, Risk] = MappingProxyType(
    {
        Kind.GROOMING: Risk.CONTACT,
        Kind.SELF_HARM: Risk.CONTENT,
        Kind.EXTREMISM: Risk.CONTENT,
        Kind.BULLYING: Risk.CONTACT,
        Kind.IMAGE_OR_DATA_SHARING: Risk.CONTACT,
    }
)

# Where an account is in use at two devices, somebody else may be using it: what that is, by whose account it is.
USED_BY_ANOTHER: Mapping[Audience, Kind] = MappingProxyType(
    {Audience.PUPIL: Kind.OTHER_ACCOUNT, Audience.STAFF: Kind.STAFF_ACCOUNT}
)
