"""Why a list was not taken: a closed set, so that a fault can be a label, with one sentence for people each time."""

from enum import StrEnum
from typing import Final

from rules.errors import ListRejectedError


class Fault(StrEnum):
    """What is wrong with a list or with the way to it."""

    # No copy could be brought here.
    NOT_FOUND = "not_found"
    UNREADABLE = "unreadable"
    NO_SUCH_HOST = "no_such_host"
    NO_CONNECTION = "no_connection"
    NO_TLS = "no_tls"
    HTTP_STATUS = "http_status"
    BAD_REDIRECT = "bad_redirect"
    TIME_OUT = "time_out"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    UNSAFE_ARCHIVE = "unsafe_archive"
    DAMAGED = "damaged"
    INTERNAL = "internal"
    # What was brought is no list.
    EMPTY = "empty"
    HTML = "html"
    BINARY = "binary"
    NO_LIST = "no_list"
    UNKNOWN_FORMAT = "unknown_format"
    NO_CATEGORY = "no_category"
    # It is a list, but not a plausible one.
    TOO_FEW_NAMES = "too_few_names"
    BAD_LINES = "bad_lines"
    SHRANK = "shrank"
    GREW = "grew"
    GUARD_NAME = "guard_name"


# What may be gone by the next try.
TRANSIENT: Final = frozenset({Fault.NO_SUCH_HOST, Fault.NO_CONNECTION, Fault.TIME_OUT, Fault.TRUNCATED})
# What a person may know better than the guard.
FORCEABLE: Final = frozenset({Fault.TOO_FEW_NAMES, Fault.BAD_LINES, Fault.SHRANK, Fault.GREW, Fault.GUARD_NAME})


class ListFaultError(ListRejectedError):
    """A list was not taken, for a reason from the closed set."""

    def __init__(self, fault: Fault, sentence: str, *, transient: bool | None = None) -> None:
        super().__init__(sentence)
        self.fault = fault
        self.sentence = sentence
        self.transient = fault in TRANSIENT if transient is None else transient
