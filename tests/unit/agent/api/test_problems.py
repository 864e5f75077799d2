"""Every error of the interface is problem details: one sentence, a kind, and nothing that was sent. RFC 9457."""

import asyncio
from typing import Annotated, Any

import httpx
import pytest
from fastapi import FastAPI, Query
from pydantic import BaseModel, Field

from agent.api.problems import MEDIA_TYPE, ProblemError, UnknownThingError, fault_sentence, install_problems, sentence
from rules.errors import RefusedRequestError, StorageError


class Form(BaseModel):
    login: Annotated[str, Field(max_length=8)]
    password: Annotated[str, Field(min_length=10)]
    age: int


ERRORS: dict[str, Exception] = {
    "refused": RefusedRequestError("the requester is never the approver"),
    "storage": StorageError("/var/lib/schoolgate/state.db: the state is locked by another program."),
    "problem": ProblemError(428, "no-version", "Say which version you saw.", headers={"X-Test": "1"}),
    "unknown": UnknownThingError("override"),
}


def application() -> FastAPI:
    app = FastAPI(openapi_url=None)
    install_problems(app)

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        raise ERRORS[name]

    @app.post("/form")
    def take(form: Form) -> str:
        return form.login

    @app.get("/page")
    def page(limit: Annotated[int, Query(le=10)]) -> int:
        return limit

    return app


def ask(method: str, path: str, **request: Any) -> httpx.Response:
    async def converse() -> httpx.Response:
        transport = httpx.ASGITransport(application())
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return await client.request(method, path, **request)

    return asyncio.run(converse())


@pytest.mark.parametrize(
    ("path", "status", "kind", "detail"),
    [
        pytest.param("/raise/refused", 409, "refused", "The requester is never the approver.", id="a-rule-refuses"),
        pytest.param(
            "/raise/storage",
            503,
            "record-unavailable",
            "The record cannot be used just now, and nothing was changed; please try again.",
            id="the-record-fails-without-its-path",
        ),
        pytest.param("/raise/problem", 428, "no-version", "Say which version you saw.", id="a-problem-of-the-door"),
        pytest.param("/raise/unknown", 404, "not-found", "There is no such override.", id="an-unknown-thing"),
        pytest.param("/nowhere", 404, "not-found", "There is nothing at this address.", id="an-unknown-address"),
        pytest.param("/form", 405, "method-not-allowed", "This address does not take this method.", id="a-method"),
    ],
)
def test_an_error_is_told(path: str, status: int, kind: str, detail: str) -> None:
    response = ask("GET", path)
    assert response.status_code == status
    assert response.headers["content-type"] == MEDIA_TYPE
    problem = response.json()
    assert problem.pop("title")
    assert problem == {"type": f"urn:schoolgate:problem:{kind}", "status": status, "detail": detail}


def test_a_problem_brings_its_headers() -> None:
    assert ask("GET", "/raise/problem").headers["x-test"] == "1"
    assert ask("GET", "/raise/storage").headers["retry-after"] == "2"
    assert ask("GET", "/form").headers["allow"] == "POST"


def test_every_fault_has_its_place_and_nothing_that_was_sent() -> None:
    response = ask("POST", "/form", json={"login": "someone-else", "password": "hunter2", "age": "old"})
    problem = response.json()
    assert response.status_code == 422
    assert response.headers["content-type"] == MEDIA_TYPE
    assert [fault["where"] for fault in problem["faults"]] == ["body.login", "body.password", "body.age"]
    assert problem["detail"].startswith("body.login: ")
    assert problem["detail"].endswith("There are 2 more faults.")
    for secret in ("hunter2", "someone-else", "old"):
        assert secret not in response.text


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"null", b"[1,2", b"\xff\xfe", b'{"login": 1}', b"NaN"],
    ids=["nothing", "half", "null", "list", "octets", "a-number", "not-a-number"],
)
def test_a_body_that_is_none_is_told(content: bytes) -> None:
    response = ask("POST", "/form", content=content, headers={"Content-Type": "application/json"})
    assert response.status_code in (400, 422)
    assert response.headers["content-type"] == MEDIA_TYPE
    assert response.json()["detail"].endswith(".")


def test_a_parameter_is_told() -> None:
    assert ask("GET", "/page?limit=11").json()["faults"][0]["where"] == "query.limit"


def test_so_many_faults_are_told_and_no_more() -> None:
    body = {f"key{number}": number for number in range(1000)}
    assert len(ask("POST", "/form", json=body).json()["faults"]) <= 20


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("found 3 words; expected a sentence", "Found 3 words; expected a sentence."),
        ("Already said.", "Already said."),
        ("two\nlines ", "Two lines."),
        ("", "The request was refused."),
        ("bet.example stays blocked", "bet.example stays blocked."),
        ("hate_speech is no category", "hate_speech is no category."),
    ],
    ids=["a-clause", "a-sentence", "lines", "nothing", "a-name", "a-category"],
)
def test_a_sentence(text: str, told: str) -> None:
    assert sentence(text) == told


@pytest.mark.parametrize(
    ("message", "told"),
    [
        (
            "Value should have at least 8 items after validation, not 3",
            "Value should have at least 8 characters, not 3.",
        ),
        ("List should have at least 1 item after validation, not 0", "List should have at least 1 item, not 0."),
        ("Value error, expected one of them", "Expected one of them."),
    ],
    ids=["a-text", "a-list", "ours"],
)
def test_what_a_schema_says(message: str, told: str) -> None:
    assert fault_sentence(message) == told
