"""What each page asks of whoever opens it: the one table, beside that of the interface, read before anything else.

A page that is not in the table cannot be made. A page shows less to those who may see less of it; the parts of a page
ask for the rights that the routes of the interface ask for.
"""

from collections.abc import Mapping
from typing import Final

from agent.api.access import MAX_FILE_BYTES, NEEDS, Need
from rules.roles import Right

MAX_FORM_BYTES: Final = 64 * 1024


def _page(*rights: Right, max_body_bytes: int = MAX_FORM_BYTES) -> Need:
    """Give the need of a page for people with one of these rights; without any, for everybody who is signed in."""
    return Need(frozenset(rights), is_for_people=True, max_body_bytes=max_body_bytes)


def _as(method: str, path: str) -> Need:
    """Give the need of a page that does what a route of the interface does."""
    return _page(*NEEDS[method, path].rights)


_OPEN: Final = Need(is_open=True, max_body_bytes=MAX_FORM_BYTES)
# What somebody does with their own account alone.
_OWN: Final = Need(is_for_people=True, is_for_waiting=True, max_body_bytes=MAX_FORM_BYTES)

# What is decided about one incident, each on a page of its own.
_MOVES: Final = (
    "accept", "reclassify", "dismiss", "merge", "split", "close", "reopen", "correct", "name-subject", "hold",
    "release",
)  # fmt: skip
# What is decided in the queue itself, about a group at once.
_QUEUE_MOVES: Final = ("accept", "dismiss", "reclassify")
_READING: Final = _as("GET", "/incidents")
_BOTH: Final = ("GET", "POST")
_LAPTOP_MOVES: Final = ("approve", "refuse", "revoke", "owner")
# What is done with a medium, each on a page of its own.
_MEDIUM_MOVES: Final = ("change", "purge", "attest", "dispose", "find", "sign-out", "exceptions")

_REGISTERS: Final = tuple(route for route in NEEDS if route[1].startswith("/registers/"))

PAGES: Final[Mapping[tuple[str, str], Need]] = {
    # The frame: signing in, one's own account.
    ("GET", "/"): _OWN,
    ("GET", "/sign-in"): _OPEN,
    # It brings along what a form of any page held, sealed.
    ("POST", "/sign-in"): Need(is_open=True, max_body_bytes=8 * MAX_FORM_BYTES),
    ("POST", "/sign-out"): _OWN,
    ("GET", "/language"): _OPEN,
    ("GET", "/account"): _OWN,
    ("POST", "/account/password"): _OWN,
    ("POST", "/account/authenticator"): _OWN,
    # The Co-ordinator's day.
    ("GET", "/day"): _page(Right.DRAFT_FILTER_CHANGE, Right.APPROVE_FILTER_CHANGE, Right.REQUEST_SUSPENSION),
    # The incident queue.
    ("GET", "/incidents"): _as("GET", "/incidents"),
    ("GET", "/queue/new"): _as("GET", "/incidents/groups"),
    ("POST", "/queue/undo"): _as("POST", "/incidents/undo"),
    ("GET", "/queue/{id}"): _as("GET", "/incidents/groups"),
    **{(method, f"/queue/{{id}}/{move}"): _READING for method in _BOTH for move in _QUEUE_MOVES},
    # Teaching and requests.
    ("GET", "/teaching"): _page(Right.REQUEST_OVERRIDE),
    ("GET", "/teaching/check"): _page(Right.REQUEST_OVERRIDE),
    ("GET", "/overrides"): _as("GET", "/overrides"),
    ("GET", "/overrides/ask"): _page(Right.REQUEST_OVERRIDE),
    ("POST", "/overrides/ask"): _page(Right.REQUEST_OVERRIDE),
    ("GET", "/overrides/emergency"): _page(Right.BREAK_GLASS),
    ("POST", "/overrides/emergency"): _page(Right.BREAK_GLASS),
    ("POST", "/overrides/preview"): _as("POST", "/overrides/preview"),
    ("GET", "/overrides/{id}"): _as("GET", "/overrides/{id}"),
    ("GET", "/overrides/{id}/evidence"): _as("GET", "/overrides/{id}"),
    ("POST", "/overrides/{id}/approve"): _as("POST", "/overrides/{id}/approve"),
    ("POST", "/overrides/{id}/refuse"): _as("POST", "/overrides/{id}/refuse"),
    ("POST", "/overrides/{id}/withdraw"): _as("POST", "/overrides/{id}/withdraw"),
    ("POST", "/overrides/{id}/revoke"): _as("POST", "/overrides/{id}/revoke"),
    ("POST", "/overrides/{id}/countersign"): _as("POST", "/overrides/{id}/countersign"),
    ("GET", "/suspensions"): _as("GET", "/suspensions"),
    ("GET", "/suspensions/ask"): _as("POST", "/suspensions"),
    ("POST", "/suspensions/ask"): _as("POST", "/suspensions"),
    ("GET", "/suspensions/{id}"): _as("GET", "/suspensions/{id}"),
    ("POST", "/suspensions/{id}/agree"): _as("POST", "/suspensions/{id}/agree"),
    ("POST", "/suspensions/{id}/refuse"): _as("POST", "/suspensions/{id}/refuse"),
    ("POST", "/suspensions/{id}/withdraw"): _as("POST", "/suspensions/{id}/withdraw"),
    ("POST", "/suspensions/{id}/end"): _as("POST", "/suspensions/{id}/end"),
    # One incident.
    ("GET", "/incidents/report"): _page(),
    ("POST", "/incidents/report"): _page(),
    ("GET", "/incidents/{id}"): _page(Right.READ_INCIDENTS),
    ("GET", "/incidents/{id}/look"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/look"): _page(Right.READ_INCIDENTS),
    ("GET", "/incidents/{id}/export"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/export"): _page(Right.READ_INCIDENTS),
    ("GET", "/incidents/{id}/unseal"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/unseal"): _page(Right.READ_INCIDENTS),
    ("GET", "/incidents/{id}/metadata"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/metadata"): _page(Right.READ_INCIDENTS),
    **{(method, f"/incidents/{{id}}/{move}"): _page(Right.READ_INCIDENTS) for method in _BOTH for move in _MOVES},
    ("GET", "/incidents/{id}/steps/add"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/steps/add"): _page(Right.READ_INCIDENTS),
    ("GET", "/incidents/{id}/warnings/{warning}/withdraw"): _page(Right.READ_INCIDENTS),
    ("POST", "/incidents/{id}/warnings/{warning}/withdraw"): _page(Right.READ_INCIDENTS),
    # For whoever has a step to do, too, without reading the incident; of which is for the service to say.
    ("GET", "/tasks"): _page(),
    ("GET", "/tasks/{id}/{number}"): _page(),
    ("GET", "/tasks/{id}/{number}/done"): _page(),
    ("POST", "/tasks/{id}/{number}/done"): _page(),
    ("GET", "/tasks/{id}/{number}/skip"): _page(Right.READ_INCIDENTS),
    ("POST", "/tasks/{id}/{number}/skip"): _page(Right.READ_INCIDENTS),
    ("GET", "/tasks/{id}/{number}/restrict"): _page(),
    ("POST", "/tasks/{id}/{number}/restrict"): _page(),
    ("GET", "/incidents/{id}/restrictions/{restriction}/end"): _page(),
    ("POST", "/incidents/{id}/restrictions/{restriction}/end"): _page(),
    ("GET", "/incidents/{id}/reveal"): _page(),
    ("POST", "/incidents/{id}/reveal"): _page(),
    ("GET", "/incidents/{id}/letters"): _page(),
    ("POST", "/incidents/{id}/letters"): _page(),
    ("GET", "/incidents/{id}/letters/{letter}"): _page(),
    ("POST", "/incidents/{id}/letters/{letter}"): _page(),
    ("GET", "/incidents/{id}/letters/{letter}/sent"): _page(),
    ("POST", "/incidents/{id}/letters/{letter}/sent"): _page(),
    # Registers, the record, the governor.
    ("GET", "/registers"): _page(*(right for route in _REGISTERS for right in NEEDS[route].rights)),
    **{("GET", address): _as("GET", address) for _, address in _REGISTERS},
    **{("POST", address): _as("GET", address) for _, address in _REGISTERS},
    **{("POST", f"{address}/csv"): _as("GET", address) for _, address in _REGISTERS},
    ("GET", "/record"): _as("GET", "/audit"),
    ("GET", "/record/anchors"): _as("GET", "/audit/anchors"),
    ("GET", "/record/{number}"): _as("GET", "/audit"),
    ("POST", "/record/verify"): _as("GET", "/audit/verify"),
    ("POST", "/record/export"): _as("GET", "/audit/export"),
    ("POST", "/record/sign-offs"): _as("POST", "/audit/sign-offs"),
    ("POST", "/record/{number}/erase"): _as("POST", "/audit/{number}/erase"),
    ("GET", "/governor"): _page(Right.COUNT_INCIDENTS, Right.SIGN_OFF_RECORD),
    # People, laptops, media.
    ("GET", "/people"): _as("GET", "/people"),
    ("POST", "/people"): _as("GET", "/people"),
    ("GET", "/people/waiting"): _as("GET", "/people/waiting"),
    ("POST", "/people/waiting"): _as("GET", "/people/waiting"),
    ("GET", "/people/rights"): _as("GET", "/people/rights"),
    ("GET", "/people/add"): _as("POST", "/people"),
    ("POST", "/people/add"): _as("POST", "/people"),
    ("GET", "/people/import"): _as("POST", "/people/import/preview"),
    ("POST", "/people/import"): _page(Right.MANAGE_PEOPLE, max_body_bytes=MAX_FILE_BYTES),
    ("POST", "/people/import/apply"): _page(Right.MANAGE_PEOPLE),
    ("GET", "/people/{id}"): _as("GET", "/people/{id}"),
    ("POST", "/people/{id}/roles"): _as("PUT", "/people/{id}/roles"),
    ("POST", "/people/{id}/classes"): _as("PUT", "/people/{id}/classes"),
    ("POST", "/people/{id}/close"): _as("POST", "/people/{id}/close"),
    ("POST", "/people/{id}/confirm"): _as("POST", "/people/{id}/confirm"),
    ("POST", "/people/{id}/refuse"): _as("POST", "/people/{id}/refuse"),
    ("POST", "/people/{id}/account"): _as("POST", "/accounts"),
    ("POST", "/people/{id}/account/close"): _as("DELETE", "/accounts/{login}"),
    ("GET", "/tokens"): _as("GET", "/tokens"),
    ("POST", "/tokens"): _as("POST", "/tokens"),
    ("POST", "/tokens/{id}/revoke"): _as("DELETE", "/tokens/{id}"),
    ("GET", "/notifications"): _as("GET", "/notifications"),
    ("POST", "/notifications/test"): _as("POST", "/notifications/test"),
    ("GET", "/devices"): _as("GET", "/devices"),
    ("POST", "/devices"): _as("GET", "/devices"),
    ("GET", "/devices/tokens"): _as("GET", "/devices/tokens"),
    ("POST", "/devices/tokens"): _as("POST", "/devices/tokens"),
    ("POST", "/devices/tokens/{id}/end"): _as("DELETE", "/devices/tokens/{id}"),
    ("GET", "/devices/{id}"): _as("GET", "/devices/{id}"),
    **{("POST", f"/devices/{{id}}/{move}"): _as("POST", f"/devices/{{id}}/{move}") for move in _LAPTOP_MOVES},
    ("GET", "/media"): _as("GET", "/media"),
    ("GET", "/media/register"): _as("POST", "/media"),
    ("POST", "/media/register"): _as("POST", "/media"),
    ("GET", "/media/sign-outs"): _as("GET", "/media/sign-outs"),
    ("GET", "/media/sign-outs/{number}"): _as("GET", "/media/sign-outs"),
    ("GET", "/media/exceptions"): _as("GET", "/media/exceptions"),
    ("GET", "/media/exceptions/{number}"): _as("GET", "/media/exceptions"),
    **{
        ("POST", f"{path}/{{number}}/{move}"): _as("POST", f"{path}/{{number}}/{move}")
        for path in ("/media/sign-outs", "/media/exceptions")
        for move in ("allow", "refuse", "withdraw")
    },
    ("GET", "/media/lost"): _as("GET", "/media/lost"),
    ("GET", "/media/lost/report"): _as("POST", "/media/lost"),
    ("POST", "/media/lost/report"): _as("POST", "/media/lost"),
    ("GET", "/media/lost/{number}"): _as("GET", "/media/lost/{number}"),
    ("GET", "/media/erasures"): _as("POST", "/media/erasures"),
    ("POST", "/media/erasures"): _as("POST", "/media/erasures"),
    ("POST", "/media/erasures/look"): _as("POST", "/media/erasures"),
    ("GET", "/media/{number}"): _as("GET", "/media/{number}"),
    **{
        (method, f"/media/{{number}}/{move}"): _as("POST", f"/media/{{number}}/{move}")
        for method in _BOTH
        for move in _MEDIUM_MOVES
    },
    ("POST", "/media/{number}/sign-in"): _as("POST", "/media/{number}/sign-in"),
    # Explaining, changing the filter.
    # Setting up.
    ("GET", "/setup"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/test"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/draft"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/draft/drop"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/school"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/school"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/networks"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/networks"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/lists"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/lists"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/upstreams"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/upstreams"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/setup/listeners"): _page(Right.DRAFT_FILTER_CHANGE),
    ("POST", "/setup/listeners"): _page(Right.DRAFT_FILTER_CHANGE),
    ("GET", "/explain"): _as("GET", "/explain"),
    ("GET", "/filter"): _as("GET", "/filter/versions"),
    ("GET", "/filter/change"): _as("POST", "/filter/versions"),
    ("POST", "/filter/change"): _as("POST", "/filter/versions"),
    ("GET", "/filter/{id}"): _as("GET", "/filter/versions/{id}"),
    ("GET", "/filter/{id}/what-if"): _as("GET", "/filter/versions/{id}/dry-run"),
    ("POST", "/filter/{id}/approve"): _as("POST", "/filter/versions/{id}/approve"),
    ("POST", "/filter/{id}/refuse"): _as("POST", "/filter/versions/{id}/refuse"),
    ("POST", "/filter/{id}/withdraw"): _as("POST", "/filter/versions/{id}/withdraw"),
    ("POST", "/filter/{id}/roll-back"): _as("POST", "/filter/versions/{id}/roll-back"),
    # For everybody, without an account.
}

# The way through the console, each shown to those who may open it.
NAVIGATION: Final[tuple[str, ...]] = (
    "/day",
    "/teaching",
    "/incidents",
    "/tasks",
    "/overrides",
    "/suspensions",
    "/governor",
    "/explain",
    "/filter",
    "/people",
    "/devices",
    "/media",
    "/registers",
    "/record",
    "/setup",
)

# Where somebody begins: the first of these that they may open.
BEGINNINGS: Final[tuple[str, ...]] = ("/day", "/teaching", "/incidents", "/governor", "/record", "/tasks")
