"""What each route asks of whoever uses it: the one table, read before anything else of a request is.

A route that is not in the table cannot be made, so nothing is open because somebody forgot it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from rules.roles import Right

PREFIX: Final = "/api/v1"
# Where laptops come; what stands under it is no part of what people use.
ENDPOINT_PREFIX: Final = "/endpoint/v1"
MAX_BODY_BYTES: Final = 1024 * 1024
# A OneRoster archive of a large school, in base64.
MAX_FILE_BYTES: Final = 16 * 1024 * 1024
# What a laptop sends, compressed, and what it says to enrol: `agent.endpoint` has the same bounds.
MAX_BATCH_BYTES: Final = 512 * 1024
MAX_DEVICE_BYTES: Final = 16 * 1024
# Nobody is known yet who signs in.
MAX_SIGN_IN_BYTES: Final = 16 * 1024
# The words of a report in any script, with room for how JSON writes them.
MAX_REPORT_BYTES: Final = 64 * 1024


@dataclass(frozen=True, slots=True)
class Need:
    """Who may use a route.

    Args:
        rights: one of these is enough; without any, being known is enough.
        is_open: nobody has to be known.
        is_for_people: a program's token is not taken, whatever its scopes.
        is_for_waiting: an account that waits to be confirmed is enough.
        is_report: who it is needs not be known, and it takes a pace of its own.
        is_of_device: no session and no token: the route asks for the signature of a laptop, or for the proof of a
            token where it enrols; only addresses of the school are let in, and the body is not looked at before.
        max_body_bytes: how long what they send may be.
    """

    rights: frozenset[Right] = frozenset()
    is_open: bool = False
    is_for_people: bool = False
    is_for_waiting: bool = False
    is_report: bool = False
    is_of_device: bool = False
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
    Right.DRAFT_FILTER_CHANGE,
    Right.APPROVE_FILTER_CHANGE,
    Right.READ_OVERRIDES,
    Right.READ_RECORD,
    Right.SIGN_OFF_RECORD,
)
# People alone: who looks says for what, and programs have no purpose. The rest is for the service to say.
_READING_INCIDENTS: Final = _person_with(Right.READ_INCIDENTS)
# Steps are done by whom the table names, whatever else they may read.
_PERSON: Final = Need(is_for_people=True)
OPEN: Final = Need(is_open=True)
KNOWN: Final = Need()
# Anybody reports, also who has no account.
_REPORT: Final = Need(is_open=True, is_report=True, max_body_bytes=MAX_REPORT_BYTES)
_DEVICE: Final = Need(is_of_device=True, max_body_bytes=MAX_DEVICE_BYTES)
_BATCHES: Final = Need(is_of_device=True, max_body_bytes=MAX_BATCH_BYTES)
_READING_DEVICES: Final = _one_of(Right.READ_DEVICES)
_MANAGING_DEVICES: Final = _person_with(Right.MANAGE_DEVICES)
# Whose a medium is, and who decides, is for the services to say; a program answers for none.
_USING_MEDIA: Final = _person_with(Right.USE_MEDIA)
_MANAGING_MEDIA: Final = _person_with(Right.MANAGE_MEDIA)
_READING_LOST: Final = _person_with(Right.USE_MEDIA, Right.READ_RECORD)
# What somebody does with their own account alone.
_OWN: Final = Need(is_for_people=True, is_for_waiting=True)

NEEDS: Final[Mapping[tuple[str, str], Need]] = {
    ("POST", "/session"): Need(is_open=True, max_body_bytes=MAX_SIGN_IN_BYTES),
    ("DELETE", "/session"): _OWN,
    ("GET", "/me"): Need(is_for_waiting=True),
    # Each part of it by the rights that it takes.
    ("GET", "/status"): KNOWN,
    ("GET", "/schedules"): KNOWN,
    ("POST", "/me/password"): _OWN,
    ("POST", "/me/authenticator"): _OWN,
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
    ("GET", "/explain"): _one_of(Right.REQUEST_OVERRIDE, Right.DRAFT_FILTER_CHANGE, Right.READ_OVERRIDES),
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
    ("GET", "/people/waiting"): _one_of(Right.READ_PEOPLE),
    ("POST", "/people/{id}/confirm"): _person_with(Right.MANAGE_PEOPLE),
    ("POST", "/people/{id}/refuse"): _person_with(Right.MANAGE_PEOPLE),
    ("GET", "/people/{id}"): _one_of(Right.READ_PEOPLE),
    ("PUT", "/people/{id}/roles"): _person_with(Right.MANAGE_PEOPLE),
    ("PUT", "/people/{id}/classes"): _person_with(Right.MANAGE_PEOPLE),
    ("POST", "/people/{id}/close"): _person_with(Right.MANAGE_PEOPLE),
    # Whoever asks for a class names it; that says nothing of who is in it.
    ("GET", "/classes"): _one_of(Right.READ_PEOPLE, Right.REQUEST_OVERRIDE),
    # Whoever signs it off reads it without names.
    ("GET", "/audit"): _one_of(Right.READ_RECORD, Right.SIGN_OFF_RECORD),
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
    ("GET", "/incidents"): _READING_INCIDENTS,
    ("GET", "/incidents/groups"): _READING_INCIDENTS,
    ("GET", "/incidents/counts"): _one_of(Right.COUNT_INCIDENTS, Right.READ_INCIDENTS),
    ("POST", "/incidents/accept"): _READING_INCIDENTS,
    ("POST", "/incidents/dismiss"): _READING_INCIDENTS,
    ("POST", "/incidents/undo"): _READING_INCIDENTS,
    ("GET", "/incidents/{id}"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/accept"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/reclassify"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/dismiss"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/undo"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/merge"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/split"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/close"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/reopen"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/correct"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/name-subject"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/hold"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/release"): _READING_INCIDENTS,
    # Whoever has to inform or warn somebody has to know whom.
    ("POST", "/incidents/{id}/reveal"): _PERSON,
    ("POST", "/incidents/{id}/export"): _READING_INCIDENTS,
    ("GET", "/incidents/steps"): _PERSON,
    ("GET", "/incidents/{id}/steps"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/steps"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/steps/{number}/done"): _PERSON,
    ("POST", "/incidents/{id}/steps/{number}/skip"): _READING_INCIDENTS,
    ("GET", "/incidents/{id}/restrictions"): _PERSON,
    ("POST", "/incidents/{id}/steps/{number}/restrict"): _PERSON,
    ("POST", "/incidents/restrictions/{id}/end"): _PERSON,
    ("GET", "/incidents/{id}/letters"): _PERSON,
    ("POST", "/incidents/{id}/letters"): _PERSON,
    ("GET", "/incidents/letters/{id}"): _PERSON,
    ("POST", "/incidents/letters/{id}/sent"): _PERSON,
    ("GET", "/incidents/{id}/warnings"): _READING_INCIDENTS,
    ("POST", "/incidents/warnings/{id}/withdraw"): _READING_INCIDENTS,
    ("GET", "/incidents/{id}/card"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/unseal"): _READING_INCIDENTS,
    ("POST", "/incidents/{id}/metadata"): _READING_INCIDENTS,
    ("GET", "/registers/incidents"): _READING_INCIDENTS,
    ("GET", "/registers/warnings"): _READING_INCIDENTS,
    ("GET", "/registers/referrals"): _READING_INCIDENTS,
    ("GET", "/registers/overrides"): _person_with(Right.READ_OVERRIDES),
    ("GET", "/registers/suspensions"): _person_with(Right.READ_OVERRIDES),
    ("GET", "/registers/media"): _person_with(Right.MANAGE_MEDIA, Right.READ_RECORD),
    ("GET", "/registers/sign-outs"): _person_with(Right.MANAGE_MEDIA, Right.READ_RECORD),
    ("GET", "/registers/rules"): _person_with(Right.READ_RECORD, Right.MANAGE_DEVICES),
    ("GET", "/registers/access"): _person_with(Right.READ_INCIDENTS, Right.READ_ACCESSES),
    ("GET", "/registers/roles"): _person_with(Right.READ_PEOPLE, Right.READ_RECORD, Right.READ_INCIDENTS),
    ("POST", "/sign-ins"): _one_of(Right.TELL_SIGN_INS),
    ("POST", "/observations"): _one_of(Right.TELL_OBSERVATIONS),
    ("GET", "/reports/form"): OPEN,
    ("POST", "/reports"): _REPORT,
    ("GET", "/reports/{receipt}"): OPEN,
    ("POST", "/me/reports"): Need(is_for_people=True, max_body_bytes=MAX_REPORT_BYTES),
    ("GET", "/devices"): _READING_DEVICES,
    ("GET", "/devices/tokens"): _READING_DEVICES,
    ("POST", "/devices/tokens"): _MANAGING_DEVICES,
    ("DELETE", "/devices/tokens/{id}"): _MANAGING_DEVICES,
    ("GET", "/devices/{id}"): _READING_DEVICES,
    ("POST", "/devices/{id}/approve"): _MANAGING_DEVICES,
    ("POST", "/devices/{id}/refuse"): _MANAGING_DEVICES,
    ("POST", "/devices/{id}/revoke"): _MANAGING_DEVICES,
    ("POST", "/devices/{id}/owner"): _MANAGING_DEVICES,
    ("GET", "/media"): _USING_MEDIA,
    ("POST", "/media"): _USING_MEDIA,
    ("GET", "/media/sign-outs"): _USING_MEDIA,
    ("POST", "/media/sign-outs/{number}/allow"): _MANAGING_MEDIA,
    ("POST", "/media/sign-outs/{number}/refuse"): _MANAGING_MEDIA,
    ("POST", "/media/sign-outs/{number}/withdraw"): _USING_MEDIA,
    ("GET", "/media/exceptions"): _USING_MEDIA,
    ("POST", "/media/exceptions/{number}/allow"): _person_with(Right.DECIDE_MEDIA_EXCEPTION),
    ("POST", "/media/exceptions/{number}/refuse"): _person_with(Right.DECIDE_MEDIA_EXCEPTION),
    ("POST", "/media/exceptions/{number}/withdraw"): _USING_MEDIA,
    ("GET", "/media/lost"): _READING_LOST,
    ("POST", "/media/lost"): _USING_MEDIA,
    ("GET", "/media/lost/{number}"): _READING_LOST,
    ("POST", "/media/erasures"): _person_with(Right.ERASE_PERSONAL),
    ("GET", "/media/{number}"): _USING_MEDIA,
    ("POST", "/media/{number}/change"): _USING_MEDIA,
    ("POST", "/media/{number}/purge"): _USING_MEDIA,
    ("POST", "/media/{number}/attest"): _USING_MEDIA,
    ("POST", "/media/{number}/dispose"): _MANAGING_MEDIA,
    ("POST", "/media/{number}/find"): _MANAGING_MEDIA,
    ("POST", "/media/{number}/sign-out"): _USING_MEDIA,
    ("POST", "/media/{number}/sign-in"): _USING_MEDIA,
    ("POST", "/media/{number}/exceptions"): _USING_MEDIA,
    ("GET", "/events"): _one_of(Right.READ_OVERRIDES, Right.REQUEST_OVERRIDE, Right.REQUEST_SUSPENSION),
}

# What laptops ask, by the whole address.
DEVICE_NEEDS: Final[Mapping[tuple[str, str], Need]] = {
    ("POST", f"{ENDPOINT_PREFIX}/enrol"): _DEVICE,
    ("GET", f"{ENDPOINT_PREFIX}/enrolment"): _DEVICE,
    ("POST", f"{ENDPOINT_PREFIX}/rotate"): _DEVICE,
    ("GET", f"{ENDPOINT_PREFIX}/policy"): _DEVICE,
    ("POST", f"{ENDPOINT_PREFIX}/batches"): _BATCHES,
}


def need_of(method: str, address: str) -> Need:
    """Give what a route needs, by its whole address.

    Raises:
        KeyError: neither table knows it.
    """
    return DEVICE_NEEDS.get((method, address)) or NEEDS[method, address.removeprefix(PREFIX)]
