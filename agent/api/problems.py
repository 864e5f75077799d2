"""Every error as problem details: one clear sentence, a kind for programs, and never what was sent.

Source: RFC 9457.
"""

from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from agent.logs import log
from rules.errors import RefusedRequestError, SchoolgateError, StorageError

MEDIA_TYPE: Final = "application/problem+json"
# At most so many faults of one request are told apart.
MAX_FAULTS: Final = 20
RETRY_SECONDS: Final = 2

# What a status means here, where nothing more is known.
SENTENCES: Final[Mapping[int, str]] = {
    400: "The request could not be read.",
    404: "There is nothing at this address.",
    405: "This address does not take this method.",
    406: "This address has no answer of the kind that was asked for.",
    413: "The request is too long.",
    415: "The body is of a kind that this address does not take.",
    500: "The request failed by a fault of the gateway; its log says more.",
}


class ProblemError(SchoolgateError):
    """A request ends here, with this status; the text is for the person who asked.

    Args:
        status: an HTTP status of 400 or more.
        kind: what a program tells it by, in words joined by hyphens.
        headers: what the status asks for beside it.
    """

    def __init__(self, status: int, kind: str, detail: str, *, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.kind = kind
        self.detail = detail
        self.headers = dict(headers or {})


class UnknownThingError(ProblemError):
    """Something that the request names is not there, or not for this person to see."""

    def __init__(self, what: str) -> None:
        super().__init__(HTTPStatus.NOT_FOUND, "not-found", f"There is no such {what}.")


def problem_response(
    status: int,
    kind: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    faults: Iterable[Mapping[str, str]] = (),
) -> JSONResponse:
    """Render a problem; `faults` say where in the request each fault is."""
    content: dict[str, Any] = {
        "type": f"urn:schoolgate:problem:{kind}",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
    }
    if found := list(faults):
        content["faults"] = found
    return JSONResponse(content, status, dict(headers or {}), MEDIA_TYPE)


def install_problems(app: FastAPI) -> None:
    """Let every error of an application end as a problem."""
    app.add_exception_handler(ProblemError, _tell_problem)
    app.add_exception_handler(RefusedRequestError, _tell_refused)
    app.add_exception_handler(StorageError, _tell_storage)
    app.add_exception_handler(RequestValidationError, _tell_invalid)
    app.add_exception_handler(HTTPException, tell_status)


async def _tell_problem(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)
    return problem_response(error.status, error.kind, error.detail, headers=error.headers)


async def _tell_refused(_: Request, error: Exception) -> JSONResponse:
    return problem_response(HTTPStatus.CONFLICT, "refused", sentence(str(error)))


async def _tell_storage(_: Request, error: Exception) -> JSONResponse:
    log.error("record_unavailable", reason=str(error))
    detail = "The record cannot be used just now, and nothing was changed; please try again."
    return problem_response(
        HTTPStatus.SERVICE_UNAVAILABLE, "record-unavailable", detail, headers={"Retry-After": str(RETRY_SECONDS)}
    )


async def tell_status(_: Request, error: Exception) -> JSONResponse:
    """Tell what a status means here."""
    assert isinstance(error, HTTPException)
    detail = SENTENCES.get(error.status_code, "The request was refused.")
    kind = HTTPStatus(error.status_code).name.lower().replace("_", "-")
    return problem_response(error.status_code, kind, detail, headers=error.headers)


async def _tell_invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    found = error.errors()
    faults = [{"where": _where(each["loc"]), "why": fault_sentence(str(each["msg"]))} for each in found[:MAX_FAULTS]]
    more = f" There are {len(found) - 1} more faults." if len(found) > 2 else ""
    more = " There is one more fault." if len(found) == 2 else more
    detail = f"{faults[0]['where']}: {faults[0]['why']}{more}"
    return problem_response(HTTPStatus.UNPROCESSABLE_ENTITY, "invalid", detail, faults=faults)


def _where(location: Iterable[Any]) -> str:
    """Give the place of a fault; a key that the sender made up is not repeated at length."""
    return ".".join(str(step)[:60] for step in location)


def fault_sentence(message: str) -> str:
    """Say what the schema of a request found, without its own terms; a value that is counted is a text."""
    message = message.removeprefix("Value error, ").replace(" after validation", "")
    if message.startswith("Value should have"):
        message = message.replace(" item", " character")
    return sentence(message)


def sentence(text: str) -> str:
    """Begin with a capital, unless a site or category is named there, and end with a full stop."""
    text = " ".join(text.split())
    if not text:
        return "The request was refused."
    if not any(mark in text.partition(" ")[0] for mark in "._:"):
        text = text[0].upper() + text[1:]
    return text if text[-1] in ".!?" else f"{text}."


def internal_problem() -> JSONResponse:
    """Say that the fault is ours, and no more."""
    return problem_response(HTTPStatus.INTERNAL_SERVER_ERROR, "internal", SENTENCES[500])
