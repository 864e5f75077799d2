"""What each route asks of whoever uses it: the one table, read before anything else of a request is.

A route that is not in the table cannot be made, so nothing is open because somebody forgot it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules.roles import Right

PREFIX: Final = "/api/v1"
MAX_BODY_BYTES: Final = 1024 * 1024
# A OneRoster archive of a large school, in base64.
MAX_FILE_BYTES: Final = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Need:
    """Who may use a route.

    Args:
        rights: one of these is enough; without any, being known is enough.
        is_open: nobody has to be known.
        is_for_people: a program's token is not taken, whatever its scopes.
        max_body_bytes: how long what they send may be.
    """

    rights: frozenset[Right] = frozenset()
    is_open: bool = False
    is_for_people: bool = False
    max_body_bytes: int = MAX_BODY_BYTES


def _one_of(*rights: Right) -> Need:
    return Need(frozenset(rights))


def _person_with(*rights: Right) -> Need:
    return Need(frozenset(rights), is_for_people=True)


# Which of the two a decision takes is for the rules to say: it depends on what is asked for.
_DECIDING: Final = _one_of(Right.DECIDE_OVERRIDE, Right.DECIDE_SENSITIVE_OVERRIDE)
_IMPORTING: Final = Need(frozenset({Right.MANAGE_PEOPLE}), max_body_bytes=MAX_FILE_BYTES)
# Whoever changes the filter, and whoever reviews how it is changed.
_READING_FILTER: Final = _one_of(
    Right.DRAFT_FILTER_CHANGE, Right.APPROVE_FILTER_CHANGE, Right.READ_OVERRIDES, Right.READ_RECORD
)
OPEN: Final = Need(is_open=True)
KNOWN: Final = Need()

NEEDS: Final[Mapping[tuple[str, str], Need]] = {
    ("POST", "/session"): OPEN,
    ("DELETE", "/session"): Need(is_for_people=True),
    ("GET", "/me"): KNOWN,
    # Each part of it by the rights that it takes.
    ("GET", "/status"): KNOWN,
    ("GET", "/schedules"): KNOWN,
    ("POST", "/me/password"): Need(is_for_people=True),
    ("POST", "/me/authenticator"): Need(is_for_people=True),
    ("POST", "/accounts"): _person_with(Right.MANAGE_PEOPLE),
    ("DELETE", "/accounts/{login}"): _person_with(Right.MANAGE_PEOPLE),
    ("GET", "/openapi.json"): KNOWN,
    ("POST", "/overrides/preview"): _one_of(Right.REQUEST_OVERRIDE, Right.BREAK_GLASS),
    ("POST", "/overrides"): _one_of(Right.REQUEST_OVERRIDE, Right.BREAK_GLASS),
    ("GET", "/overrides"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_OVERRIDE),
    ("GET", "/overrides/{id}"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_OVERRIDE),
    ("POST", "/overrides/{id}/approve"): _DECIDING,
    ("POST", "/overrides/{id}/narrow"): _DECIDING,
    ("POST", "/overrides/{id}/refuse"): _DECIDING,
    ("POST", "/overrides/{id}/withdraw"): _one_of(Right.REQUEST_OVERRIDE),
    ("POST", "/overrides/{id}/revoke"): _one_of(Right.REVOKE_OVERRIDE, Right.REQUEST_OVERRIDE),
    ("POST", "/overrides/{id}/countersign"): _one_of(Right.COUNTERSIGN),
    ("POST", "/suspensions"): _one_of(Right.REQUEST_SUSPENSION),
    ("GET", "/suspensions"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_SUSPENSION),
    ("GET", "/suspensions/{id}"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_SUSPENSION),
    ("POST", "/suspensions/{id}/agree"): _one_of(Right.AGREE_SUSPENSION),
    ("POST", "/suspensions/{id}/refuse"): _one_of(Right.AGREE_SUSPENSION),
    ("POST", "/suspensions/{id}/withdraw"): _one_of(Right.REQUEST_SUSPENSION),
    ("POST", "/suspensions/{id}/end"): _one_of(Right.END_SUSPENSION, Right.REQUEST_SUSPENSION),
    ("POST", "/filter/preview"): _one_of(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/filter/versions"): _one_of(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/filter/versions"): _READING_FILTER,
    ("GET", "/filter/versions/{id}"): _READING_FILTER,
    ("GET", "/filter/versions/{id}/dry-run"): _one_of(Right.DRAFT_FILTER_CHANGE, Right.APPROVE_FILTER_CHANGE),
    ("POST", "/filter/versions/{id}/approve"): _one_of(Right.APPROVE_FILTER_CHANGE),
    ("POST", "/filter/versions/{id}/refuse"): _one_of(Right.APPROVE_FILTER_CHANGE),
    ("POST", "/filter/versions/{id}/withdraw"): _one_of(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/filter/versions/{id}/roll-back"): _one_of(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/people"): _one_of(Right.READ_PEOPLE),
    ("GET", "/people/rights"): _one_of(Right.READ_PEOPLE),
    ("POST", "/people/import/preview"): _IMPORTING,
    ("POST", "/people/import"): _IMPORTING,
    ("POST", "/people"): _person_with(Right.MANAGE_PEOPLE),
    ("GET", "/people/{id}"): _one_of(Right.READ_PEOPLE),
    ("PUT", "/people/{id}/roles"): _person_with(Right.MANAGE_PEOPLE),
    ("PUT", "/people/{id}/classes"): _person_with(Right.MANAGE_PEOPLE),
    ("POST", "/people/{id}/close"): _person_with(Right.MANAGE_PEOPLE),
    # Whoever asks for a class names it; that says nothing of who is in it.
    ("GET", "/classes"): _one_of(Right.READ_PEOPLE, Right.REQUEST_OVERRIDE),
    ("GET", "/audit"): _one_of(Right.READ_RECORD),
    ("GET", "/audit/verify"): _one_of(Right.VERIFY_RECORD),
    ("GET", "/audit/export"): _one_of(Right.EXPORT_RECORD),
    ("GET", "/audit/anchors"): _one_of(Right.VERIFY_RECORD),
    ("POST", "/audit/{number}/erase"): _person_with(Right.ERASE_PERSONAL),
    ("POST", "/audit/sign-offs"): _person_with(Right.SIGN_OFF_RECORD),
    ("POST", "/tokens"): _person_with(Right.ISSUE_TOKENS),
    ("GET", "/tokens"): _one_of(Right.ISSUE_TOKENS),
    ("DELETE", "/tokens/{id}"): _person_with(Right.ISSUE_TOKENS),
    ("GET", "/notifications"): _one_of(Right.READ_PEOPLE),
    ("POST", "/notifications/test"): _person_with(Right.MANAGE_PEOPLE),
    ("GET", "/events"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_OVERRIDE, Right.REQUEST_SUSPENSION),
}
