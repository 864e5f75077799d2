"""How much of what a policy is about can be known by watching."""

from enum import StrEnum


class Visibility(StrEnum):
    """How much of a row somebody who sees names and devices can know."""

    FULL = "full"
    PARTIAL = "partial"
    NONE = "none"
