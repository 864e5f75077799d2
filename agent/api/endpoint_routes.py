"""What laptops with the endpoint service ask: to enrol, whether they are let in, and that what they saw is stored.

A signature stands in the place of a session; what is sent is idempotent, so repeating it does nothing. No answer here
makes a laptop forget its key or what it has kept, and none is a command.
"""

from http import HTTPStatus
from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.concurrency import run_in_threadpool

from agent.api.access import ENDPOINT_PREFIX
from agent.api.parts import Parts, WithParts
from agent.api.problems import ProblemError, problem_response, sentence
from agent.api.security import Guard
from agent.fleet.device_errors import RefusedDeviceError
from agent.storage.fleet_rows import Device

_RETRY_SECONDS: Final = 5


def add_endpoint_routes(router: APIRouter) -> None:
    """Add the routes of this file; the router has no prefix."""
    router.post(f"{ENDPOINT_PREFIX}/enrol")(enrol)
    router.get(f"{ENDPOINT_PREFIX}/enrolment")(show_standing)
    router.post(f"{ENDPOINT_PREFIX}/rotate")(rotate)
    router.get(f"{ENDPOINT_PREFIX}/policy")(show_policy)
    router.post(f"{ENDPOINT_PREFIX}/batches")(take_batch)


async def enrol(request: Request, parts: WithParts) -> Response:
    """Enrol a laptop by a token, whose secret it does not send."""
    _guard(request).check_enrolment(request)
    return _signed(await run_in_threadpool(parts.fleet.enrol, await request.body()))


async def show_standing(request: Request, parts: WithParts) -> Response:
    """Say whether a laptop is let in by now."""
    answer = parts.fleet.standing(request.headers, path=request.url.path)
    return _signed(answer)


async def rotate(request: Request, parts: WithParts) -> Response:
    """Put a new key in the place of the one that signs for it."""
    body = await request.body()
    # By the key before, too: the answer may have been lost.
    signer = parts.fleet.devices.signer(request.headers, method=request.method, path=request.url.path, body=body)
    _guard(request).check_rotation(signer.device.id)
    return _signed(await run_in_threadpool(parts.fleet.rotate, request.headers, body, path=request.url.path))


async def show_policy(request: Request, parts: WithParts) -> Response:
    """Give the policy in force, signed by the policy key."""
    _known(parts, request, b"")
    return _signed(parts.fleet.policy.signed())


async def take_batch(request: Request, parts: WithParts) -> Response:
    """Store a batch of events, and say so once it is on the disk."""
    body = await request.body()
    device = _known(parts, request, body)
    _guard(request).check_device(device.id)
    if request.headers.get("content-encoding", "").strip().lower() != "deflate":
        detail = "Expected a batch that is compressed with deflate (zlib)."
        raise ProblemError(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, "not-deflate", detail)
    address = request.client.host if request.client else ""
    return _signed(await parts.fleet.take(device, request.headers, body, address=address))


def _known(parts: Parts, request: Request, body: bytes) -> Device:
    devices = parts.fleet.devices
    return devices.active_signer(request.headers, method=request.method, path=request.url.path, body=body)


def _guard(request: Request) -> Guard:
    guard: Guard = request.app.state.guard
    return guard


def _signed(content: bytes) -> Response:
    return Response(content, media_type="application/json")


async def tell_refused_device(request: Request, error: Exception) -> Response:
    """Answer a laptop that was refused; whoever is not known is told so a bounded number of times."""
    assert isinstance(error, RefusedDeviceError)
    headers = {}
    try:
        if error.status == HTTPStatus.UNAUTHORIZED:
            _guard(request).check_unknown_device(request)
        elif error.status == HTTPStatus.SERVICE_UNAVAILABLE:
            headers = {"Retry-After": str(_RETRY_SECONDS)}
    except ProblemError as paced:
        return problem_response(paced.status, paced.kind, paced.detail, headers=paced.headers)
    return problem_response(error.status, error.kind, sentence(str(error)), headers=headers)
