"""What is decided about: one question, by somebody, at one instant, about a name with known tags."""

from dataclasses import dataclass
from datetime import datetime

from rules.subject import Profile

NAME_TAG = "name:"
SEARCH_TAG = "search:"
# What names have, beside their category, that programs ask to learn whether they may go round the resolver.
WAY_ROUND_TAG = "asks:way_round"


@dataclass(frozen=True, slots=True)
class Event:
    """One query, as far as policies may look at it.

    `tags` holds everything that a policy can address and that applies to the name: category ids
    (`gambling`), `name:` tags for names that a policy of the site mentions (`name:example.test`, also for
    every name below it), and `search:` tags for services with a safe mode (`search:youtube`).
    `at` is aware UTC.
    """

    at: datetime
    profile: Profile
    tags: frozenset[str] = frozenset()
