"""The application: the routes put together behind the door, and the document that describes them."""

from collections.abc import AsyncIterator
from functools import cache
from http import HTTPStatus
from typing import Annotated, Any, Final

from fastapi import APIRouter, FastAPI, Header, Query, Request
from fastapi.openapi.utils import get_openapi
from fastapi.responses import JSONResponse, StreamingResponse
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import BaseRoute

from agent.api.access import PREFIX, need_of
from agent.api.account_routes import add_account_routes
from agent.api.confirmation_routes import add_confirmation_routes
from agent.api.device_routes import add_device_routes
from agent.api.endpoint_routes import add_endpoint_routes, tell_refused_device
from agent.api.events import OF_PEOPLE, Event, events_after, stream
from agent.api.explain_routes import add_explain_routes
from agent.api.filter_routes import add_filter_routes
from agent.api.incident_routes import add_incident_routes, may_know
from agent.api.incident_work_routes import add_incident_work_routes
from agent.api.media_routes import add_media_routes
from agent.api.notice_routes import add_notice_routes
from agent.api.observation_routes import add_observation_routes
from agent.api.override_routes import add_override_routes
from agent.api.parts import Door, Parts, WithParts
from agent.api.people_routes import add_people_routes
from agent.api.problems import (
    MEDIA_TYPE,
    ProblemError,
    install_problems,
    problem_response,
    sentence,
    tell_status,
)
from agent.api.record_routes import add_record_routes
from agent.api.register_routes import add_register_routes
from agent.api.report_routes import add_report_routes
from agent.api.security import COOKIE, CSRF_HEADER, Caller, Frame, Guard, GuardedRoute, Known, Limits, usual_limits
from agent.api.session_routes import add_session_routes
from agent.api.status_routes import add_status_routes
from agent.api.suspension_routes import add_suspension_routes
from agent.api.versions import stale
from agent.block_page.public_pages import PublicPages, public_routes
from agent.console.console import console_pages
from agent.console.languages import chosen_before
from agent.console.pages import install, tell_nothing_there
from agent.fleet.device_errors import RefusedDeviceError
from agent.people.attempts import ConflictError, UnknownIdError
from rules.errors import IndexUnusableError
from rules.roles import Right

_PROBLEM: Final = {"content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_RESPONSES: Final[dict[int | str, dict[str, Any]]] = {
    "4XX": {"description": "The request was refused; `detail` says why.", **_PROBLEM},
    "5XX": {"description": "The gateway could not do it; nothing was changed.", **_PROBLEM},
}
# More than a record ever has.
_MAX_NUMBER: Final = 2**62
_PROBLEM_SCHEMA: Final = {
    "type": "object",
    "description": "RFC 9457",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "faults": {
            "type": "array",
            "items": {
                "type": "object",
                "properties": {"where": {"type": "string"}, "why": {"type": "string"}},
            },
        },
    },
}


def create_app(parts: Parts, *, limits: Limits | None = None, names: frozenset[str] = frozenset()) -> FastAPI:
    """Put the interface and the console together.

    Args:
        parts: what they work with.
        limits: how often who may ask; those of a gateway, if none are given.
        names: by which browsers may ask for the gateway, beside its addresses.
    """
    app = FastAPI(title="Schoolgate", version="1", openapi_url=None, docs_url=None, redoc_url=None)
    app.state.parts = parts
    app.state.door = Door(parts)
    limits = limits or usual_limits()
    app.state.guard = Guard(app.state.door, limits, is_ours=parts.fleet.is_ours)
    app.add_middleware(Frame)
    install_problems(app)
    app.add_exception_handler(ConflictError, _tell_conflict)
    app.add_exception_handler(UnknownIdError, _tell_unknown)
    app.add_exception_handler(IndexUnusableError, _tell_unusable)
    app.add_exception_handler(RefusedDeviceError, tell_refused_device)
    # As they are: to include them would be to make each a second time.
    app.router.routes += _routes()
    app.get("/health", include_in_schema=False)(health)
    install(app, parts, console_pages(), names=names)
    app.router.routes += public_routes(PublicPages(parts, limits, chosen_before=chosen_before))
    app.add_exception_handler(HTTPException, _tell_status)
    return app


async def _tell_status(request: Request, error: Exception) -> Response:
    """Tell a person in a page that nothing is there, and a program as everything else is told."""
    assert isinstance(error, HTTPException)
    is_nothing = error.status_code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
    is_page = is_nothing and not request.url.path.startswith("/api/")
    found = await run_in_threadpool(tell_nothing_there, request, error.status_code) if is_page else None
    if found is not None:
        found.headers.update(error.headers or {})
    return found or await tell_status(request, error)


@cache
def _routes() -> list[BaseRoute]:
    """Make the routes, which know no gateway: what they work with comes with each request."""
    router = APIRouter(prefix=PREFIX, route_class=GuardedRoute, responses=_RESPONSES)
    add_session_routes(router)
    add_status_routes(router)
    add_account_routes(router)
    add_override_routes(router)
    add_suspension_routes(router)
    add_explain_routes(router)
    add_filter_routes(router)
    add_confirmation_routes(router)
    add_people_routes(router)
    add_record_routes(router)
    add_notice_routes(router)
    add_observation_routes(router)
    add_report_routes(router)
    add_incident_work_routes(router)
    add_incident_routes(router)
    add_register_routes(router)
    router.get("/events", response_class=StreamingResponse, responses={200: {"content": {"text/event-stream": {}}}})(
        follow
    )
    router.get("/openapi.json", include_in_schema=False)(document)
    add_device_routes(router)
    add_media_routes(router)
    of_devices = APIRouter(route_class=GuardedRoute, responses=_RESPONSES)
    add_endpoint_routes(of_devices)
    return [*router.routes, *of_devices.routes]


async def _tell_conflict(_: Request, error: Exception) -> JSONResponse:
    problem = stale(sentence(str(error)))
    return problem_response(problem.status, problem.kind, problem.detail)


async def _tell_unknown(_: Request, error: Exception) -> JSONResponse:
    return problem_response(HTTPStatus.NOT_FOUND, "not-found", sentence(str(error)))


async def _tell_unusable(*_: object) -> JSONResponse:
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE, "lists-unavailable", "The compiled lists cannot be read just now."
    )


async def health() -> dict[str, str]:
    """Say that somebody is there, and nothing else: this is for everybody."""
    return {"status": "ok"}


async def document(request: Request) -> JSONResponse:
    """Give the OpenAPI document."""
    return JSONResponse(openapi(request.app))


def openapi(app: FastAPI) -> dict[str, Any]:
    """Describe the interface, with what no route says of itself: how one is known, and how errors look."""
    described = get_openapi(
        title=app.title,
        version=app.version,
        routes=app.routes,
        description=f"People sign in and send `{CSRF_HEADER}` with what changes anything; programs send a token.",
    )
    components = described.setdefault("components", {})
    components.setdefault("schemas", {})["Problem"] = _PROBLEM_SCHEMA
    components["securitySchemes"] = {
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
        "token": {"type": "http", "scheme": "bearer"},
    }
    for path, operations in described["paths"].items():
        for method, operation in operations.items():
            need = need_of(method.upper(), path)
            schemes = ["session"] if need.is_for_people else ["session", "token"]
            operation["security"] = [] if need.is_open or need.is_of_device else [{scheme: []} for scheme in schemes]
            if need.rights:
                rights = ", ".join(sorted(need.rights))
                operation["description"] = f"{operation.get('description', '')}\n\nTakes one of: {rights}.".strip()
    return described


async def follow(
    request: Request,
    caller: Known,
    parts: WithParts,
    last_event_id: Annotated[str | None, Header(max_length=20, pattern=r"^[0-9]+$")] = None,
    after: Annotated[int | None, Query(ge=0, le=_MAX_NUMBER)] = None,
) -> StreamingResponse:
    """Follow what happens to what one may know of; `Last-Event-ID` asks for what was missed.

    `after` does the same for whoever cannot send that header at first, as no browser can; the header goes before it.

    Who follows in more than four places loses the oldest of them, with a last event named `replaced`.
    """
    if not parts.hub.has_room(caller.person):
        raise ProblemError(
            HTTPStatus.SERVICE_UNAVAILABLE,
            "too-many-listeners",
            "Too many programs follow the events already; please try again later.",
            headers={"Retry-After": "30"},
        )
    door: Door = request.app.state.door
    missed_since = min(int(last_event_id), _MAX_NUMBER) if last_event_id else after
    return StreamingResponse(_events(parts, door, caller, missed_since), media_type="text/event-stream")


async def _events(parts: Parts, door: Door, caller: Caller, missed_since: int | None) -> AsyncIterator[bytes]:
    def missed() -> list[Event]:
        if missed_since is None:
            return []
        with parts.store.read() as database:
            return events_after(database, missed_since)

    async def may_see(event: Event) -> bool:
        if event.kind in OF_PEOPLE:
            return Right.READ_PEOPLE in caller.rights
        if event.is_incident:
            may_read = Right.READ_INCIDENTS in caller.rights
            return may_read and await run_in_threadpool(may_know, parts, caller.person, event.subject)
        return Right.READ_OVERRIDES in caller.rights or event.requester == caller.person

    async def is_welcome() -> bool:
        return await run_in_threadpool(door.is_still_welcome, caller)

    # The place is taken here and not before: a client that is gone by now never gets so far.
    with parts.hub.listening(caller.person) as listener:
        if listener is not None:
            replayed = await run_in_threadpool(missed)
            async for written in stream(listener, replayed, may_see=may_see, is_welcome=is_welcome):
                yield written
