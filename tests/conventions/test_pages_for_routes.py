"""What a person may do by the interface they may do by a page: each route has one, or a reason why it has none."""

from collections.abc import Mapping

import pytest

from agent.api.access import NEEDS, Need
from agent.console.page_needs import PAGES
from rules.roles import RIGHTS, Role

# Which page does what a route does, where it stands at another address.
ELSEWHERE: dict[str, str] = {
    "POST /session": "POST /sign-in",
    "DELETE /session": "POST /sign-out",
    "GET /me": "GET /account",
    "POST /me/password": "POST /account/password",
    "POST /me/authenticator": "POST /account/authenticator",
    "POST /me/reports": "POST /incidents/report",
    "POST /accounts": "POST /people/{id}/account",
    "DELETE /accounts/{login}": "POST /people/{id}/account/close",
    "POST /people/import/preview": "POST /people/import",
    "POST /people/import": "POST /people/import/apply",
    "POST /people": "POST /people/add",
    "PUT /people/{id}/roles": "POST /people/{id}/roles",
    "PUT /people/{id}/classes": "POST /people/{id}/classes",
    "DELETE /tokens/{id}": "POST /tokens/{id}/revoke",
    "POST /overrides": "POST /overrides/ask",
    "POST /overrides/{id}/narrow": "POST /overrides/{id}/approve",
    "POST /suspensions": "POST /suspensions/ask",
    "POST /filter/preview": "POST /filter/change",
    "POST /filter/versions": "POST /filter/change",
    "GET /filter/versions": "GET /filter",
    "GET /filter/versions/{id}": "GET /filter/{id}",
    "GET /filter/versions/{id}/dry-run": "GET /filter/{id}/what-if",
    "POST /filter/versions/{id}/approve": "POST /filter/{id}/approve",
    "POST /filter/versions/{id}/refuse": "POST /filter/{id}/refuse",
    "POST /filter/versions/{id}/withdraw": "POST /filter/{id}/withdraw",
    "POST /filter/versions/{id}/roll-back": "POST /filter/{id}/roll-back",
    "GET /audit": "GET /record",
    "GET /audit/verify": "POST /record/verify",
    "GET /audit/export": "POST /record/export",
    "GET /audit/anchors": "GET /record/anchors",
    "POST /audit/sign-offs": "POST /record/sign-offs",
    "POST /audit/{number}/erase": "POST /record/{number}/erase",
    "GET /incidents/groups": "GET /incidents",
    "GET /incidents/counts": "GET /governor",
    "POST /incidents/accept": "POST /queue/{id}/accept",
    "POST /incidents/dismiss": "POST /queue/{id}/dismiss",
    "POST /incidents/undo": "POST /queue/undo",
    "POST /incidents/{id}/undo": "POST /queue/undo",
    "GET /incidents/{id}/card": "GET /incidents/{id}",
    "GET /incidents/{id}/steps": "GET /incidents/{id}",
    "GET /incidents/{id}/warnings": "GET /incidents/{id}",
    "POST /incidents/{id}/steps": "POST /incidents/{id}/steps/add",
    "POST /incidents/{id}/steps/{number}/done": "POST /tasks/{id}/{number}/done",
    "POST /incidents/{id}/steps/{number}/skip": "POST /tasks/{id}/{number}/skip",
    "POST /incidents/{id}/steps/{number}/restrict": "POST /tasks/{id}/{number}/restrict",
    "GET /incidents/steps": "GET /tasks",
    "GET /incidents/{id}/restrictions": "GET /tasks/{id}/{number}",
    "POST /incidents/restrictions/{id}/end": "POST /incidents/{id}/restrictions/{restriction}/end",
    "GET /incidents/letters/{id}": "GET /incidents/{id}/letters/{letter}",
    "POST /incidents/letters/{id}/sent": "POST /incidents/{id}/letters/{letter}/sent",
    "POST /incidents/warnings/{id}/withdraw": "POST /incidents/{id}/warnings/{warning}/withdraw",
    "DELETE /devices/tokens/{id}": "POST /devices/tokens/{id}/end",
    "POST /media": "POST /media/register",
    "POST /media/lost": "POST /media/lost/report",
}  # fmt: skip
# Which have none, and why.
WITHOUT: dict[str, str] = {
    "GET /status": "for programs that watch; each part of it stands on the page of the day",
    "GET /schedules": "fills a choice of the forms that take a schedule",
    "GET /classes": "fills a choice of the forms that take a class",
    "GET /openapi.json": "describes the interface to those who write programs",
    "GET /events": "keeps open pages up to date",
    "POST /sign-ins": "for programs that know who signed in where",
    "POST /observations": "for programs that observe",
    "GET /reports/form": "the page for everybody stands beside the console, on the block address",
    "POST /reports": "the page for everybody stands beside the console, on the block address",
    "GET /reports/{receipt}": "the page for everybody stands beside the console, on the block address",
}


def routes() -> list[str]:
    return [f"{method} {path}" for method, path in NEEDS]


def need_of(written: str, table: Mapping[tuple[str, str], Need]) -> Need:
    method, _, path = written.partition(" ")
    return table[method, path]


def may(role: Role, need: Need) -> bool:
    return need.is_open or not need.rights or not need.rights.isdisjoint(RIGHTS[role])


def pages() -> set[str]:
    return {f"{method} {path}" for method, path in PAGES}


def test_each_route_has_a_page_or_a_reason() -> None:
    known = pages() | set(ELSEWHERE) | set(WITHOUT)
    assert [each for each in routes() if each not in known] == []


def test_nothing_stands_here_in_vain() -> None:
    assert set(ELSEWHERE) | set(WITHOUT) <= set(routes())
    assert set(ELSEWHERE).isdisjoint(WITHOUT)
    assert [each for each in WITHOUT if each in pages()] == []
    assert [page for page in ELSEWHERE.values() if page not in pages()] == []


@pytest.mark.parametrize("route", [each for each in routes() if each not in WITHOUT])
def test_whoever_may_use_a_route_may_use_its_page(route: str) -> None:
    page = ELSEWHERE.get(route, route)
    need, of_page = need_of(route, NEEDS), need_of(page, PAGES)
    assert [role for role in Role if may(role, need) and not may(role, of_page)] == []
