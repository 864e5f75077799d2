"""Outcomes: one counter for each audience, verdict, category and response code, in words from closed sets.

An outcome is a place in a flat list, so that counting one query is adding one to one number.
"""

from dataclasses import dataclass
from typing import Final

from rules.event import NAME_TAG, SEARCH_TAG
from rules.subject import Audience

AUDIENCES: Final = (*Audience, "unknown")
VERDICTS: Final = ("allowed", "blocked", "rewritten", "refused", "malformed", "local")
RCODES: Final = ("NOERROR", "NXDOMAIN", "SERVFAIL", "FORMERR", "NOTIMP", "REFUSED", "BADVERS", "other")

NO_CATEGORY: Final = "none"
# A name that a policy of the site mentions, and a service with a safe mode: tags, but not categories.
SITE_NAME: Final = "site_name"
SAFE_SEARCH: Final = "safe_search"
OTHER: Final = "other"
# The ids of rules/categories.yaml in its order, written out so that a worker need not read YAML to start.
CATEGORY_IDS: Final = (
    "illegal_csam",
    "criminal_activity",
    "extreme_pornography",
    "hate_speech",
    "pornography",
    "nudity",
    "dating",
    "discrimination",
    "violence",
    "self_harm",
    "weapons",
    "drugs",
    "alcohol_tobacco",
    "gambling",
    "games",
    "games_educational",
    "shopping",
    "file_sharing",
    "piracy",
    "social_networks",
    "video",
    "chat",
    "webmail",
    "blogs",
    "forums",
    "artificial_intelligence",
    "proxy",
    "vpn",
    "encrypted_dns",
    "tor",
    "remote_access",
    "malware",
    "phishing",
    "hacking",
    "cults",
    "url_shorteners",
    "advertising",
    "helplines",
    "system_updates",
    "health_education",
    "for_children",
    "school_essentials",
)
CATEGORIES: Final = (NO_CATEGORY, *CATEGORY_IDS, SITE_NAME, SAFE_SEARCH, OTHER)
CATEGORY_SLOTS: Final = 64
OUTCOMES: Final = len(AUDIENCES) * len(VERDICTS) * CATEGORY_SLOTS * len(RCODES)

_AUDIENCE_INDEX: Final[dict[str | None, int]] = {
    **{audience: place for place, audience in enumerate(AUDIENCES)},
    None: AUDIENCES.index("unknown"),
}
_VERDICT_INDEX: Final = {verdict: place for place, verdict in enumerate(VERDICTS)}
_CATEGORY_INDEX: Final[dict[str | None, int]] = {
    **{category: place for place, category in enumerate(CATEGORIES)},
    None: 0,
}
# By number: NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS.
_RCODE_INDEX: Final = {0: 0, 1: 3, 2: 2, 3: 1, 4: 4, 5: 5, 16: 6}
_OTHER_RCODE: Final = RCODES.index("other")


def rcode_index(rcode: int) -> int:
    """Give the place of a response code within an outcome; NOERROR is 0, so it can be added to one."""
    return _RCODE_INDEX.get(rcode, _OTHER_RCODE)


def category_index(tag: str | None) -> int:
    """Give the place of a tag; names of the site and search services share one place each."""
    place = _CATEGORY_INDEX.get(tag)
    if place is not None:
        return place
    if tag is not None and tag.startswith(NAME_TAG):
        return _CATEGORY_INDEX[SITE_NAME]
    if tag is not None and tag.startswith(SEARCH_TAG):
        return _CATEGORY_INDEX[SAFE_SEARCH]
    return _CATEGORY_INDEX[OTHER]


def outcome(audience: str | None, verdict: str, tag: str | None, rcode: int) -> int:
    """Give the place of a counter; no audience is a client that is in none of the networks."""
    group = _AUDIENCE_INDEX[audience] * len(VERDICTS) + _VERDICT_INDEX[verdict]
    return (group * CATEGORY_SLOTS + category_index(tag)) * len(RCODES) + rcode_index(rcode)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a place among the outcomes means, in words from closed sets."""

    audience: str
    verdict: str
    category: str
    rcode: str


def read_outcome(place: int) -> Outcome:
    """Say what a place means, the inverse of `outcome`."""
    rest, rcode = divmod(place, len(RCODES))
    rest, category = divmod(rest, CATEGORY_SLOTS)
    audience, verdict = divmod(rest, len(VERDICTS))
    return Outcome(
        str(AUDIENCES[audience]),
        VERDICTS[verdict],
        CATEGORIES[category] if category < len(CATEGORIES) else OTHER,
        RCODES[rcode],
    )
