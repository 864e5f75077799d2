"""The pages for everybody, and the form for reports."""

import asyncio
import re
import sqlite3
import threading
import time
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from api_of_test import generous
from block_page_of_test import HTML, PUPIL, BlockPageOfTest
from starlette.applications import Starlette
from starlette.responses import HTMLResponse

from agent.api.security import RateLimit
from agent.block_page.block_app import BASE
from agent.block_page.public_pages import AT_ONCE, PublicPages, public_routes
from agent.incidents.incident_reports import Standing

FORM = {"wish": "tell", "site": "bet.example", "about": "upsetting", "text": "I saw a scary picture on this page."}


@pytest.fixture
def page(tmp_path: Path) -> BlockPageOfTest:
    return BlockPageOfTest(tmp_path)


def receipt_of(response: httpx.Response) -> str:
    (number,) = re.findall(r'class="receipt">.*?<strong>([^<]+)</strong>', response.text, re.DOTALL)
    return str(number)


# --- Many at once


@pytest.mark.parametrize(("method", "name"), [("GET", "blocked"), ("GET", "report"), ("POST", "report")])
def test_so_many_are_made_at_once_and_none_where_everybody_waits(
    page: BlockPageOfTest, monkeypatch: pytest.MonkeyPatch, method: str, name: str
) -> None:
    under_way: set[int] = set()
    most = 0

    def slowly(*_: object, **__: object) -> HTMLResponse:
        nonlocal most
        under_way.add(threading.get_ident())
        most = max(most, len(under_way))
        time.sleep(0.02)
        under_way.discard(threading.get_ident())
        return HTMLResponse("made")

    monkeypatch.setattr(PublicPages, "page", slowly)

    async def converse() -> list[str]:
        transport = httpx.ASGITransport(page.app, client=(PUPIL, 50_000))
        async with httpx.AsyncClient(transport=transport, base_url="http://bet.example") as client:
            asked = [
                client.request(method, f"{BASE}/{name}", headers={"Accept": HTML}, content=b"wish=tell")
                for _ in range(12)
            ]
            return [answer.text for answer in await asyncio.gather(*asked)]

    assert asyncio.run(converse()) == 12 * ["made"]
    assert most == AT_ONCE


# --- Reporting


def test_the_form_is_filled_in_by_the_link(page: BlockPageOfTest) -> None:
    text = page.ask("bet.example", f"{BASE}/report?site=bet.example&about=upsetting").text
    assert 'name="site" value="bet.example"' in text
    assert 'value="upsetting" checked' in text
    wish = page.ask("bet.example", f"{BASE}/report?site=bet.example&wish=open").text
    assert 'name="wish" value="open"' in wish
    assert 'name="about"' not in wish


@pytest.mark.parametrize("written", ["<script>", '"><b>', "x" * 10_000, "\u202e😀", ""])
def test_a_link_that_names_no_site_fills_in_nothing(page: BlockPageOfTest, written: str) -> None:
    response = page.ask("bet.example", f"{BASE}/report", params={"site": written, "about": written})
    assert response.status_code == 200
    assert 'name="site" value=""' in response.text
    assert "checked" in response.text
    assert not written or written not in response.text


def test_a_report_is_taken_and_its_number_shown(page: BlockPageOfTest) -> None:
    response = page.send("report", FORM)
    assert response.status_code == 201
    number = receipt_of(response)
    assert re.fullmatch(r"[A-Z2-9]{4}-[A-Z2-9]{4}-[A-Z2-9]{4}", number)
    assert page.school.parts.incidents.reports.status(number) is Standing.RECEIVED
    assert page.school.kinds()[-1] == "incident_reported"


def test_another_language_keeps_what_was_typed_and_sends_nothing(page: BlockPageOfTest) -> None:
    first = page.ask("bet.example", f"{BASE}/report").text
    assert f'formaction="{BASE}/report?lang=fr" formnovalidate name="turn" value="fr"' in first
    form = FORM | {"about": "", "who": "x" * 500, "form_number": number_of_form(page)}
    turned = page.send("report?lang=fr", form | {"turn": "fr"})
    assert turned.status_code == 200
    assert '<html lang="fr">' in turned.text
    assert f'action="{BASE}/report?lang=fr"' in turned.text
    assert form["text"] in turned.text
    assert f'name="form_number" value="{form["form_number"]}"' in turned.text
    assert 'role="alert"' not in turned.text
    assert reported(page) == 0


def test_another_language_keeps_what_was_typed_also_where_it_comes_too_fast(page: BlockPageOfTest) -> None:
    slow = replace(page.pages, looks=RateLimit(rate=1e-6, burst=1))
    app = Starlette(routes=public_routes(slow))

    async def turn() -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return await client.post(f"{BASE}/report?lang=fr", data=FORM | {"turn": "fr"})

    turned = [asyncio.run(turn()) for _ in range(2)]
    assert [each.status_code for each in turned] == [200, 429]
    assert all(FORM["text"] in each.text for each in turned)


def test_the_page_with_the_number_is_not_left_by_choosing_a_language(page: BlockPageOfTest) -> None:
    assert 'class="languages"' not in page.send("report", FORM).text


def number_of_form(page: BlockPageOfTest) -> str:
    found = re.search(r'name="form_number" value="([^"]+)"', page.ask("bet.example", f"{BASE}/report").text)
    assert found is not None
    return found[1]


def reported(page: BlockPageOfTest) -> int:
    return page.school.kinds().count("incident_reported")


def test_a_form_that_is_sent_twice_is_one_report_with_one_receipt(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path, limits=replace(generous(), reports=RateLimit(rate=1e-6, burst=1)))
    form = FORM | {"form_number": number_of_form(page)}
    first, second = (page.send("report", form) for _ in range(2))
    assert [first.status_code, second.status_code] == [201, 201]
    assert receipt_of(first) == receipt_of(second)
    assert reported(page) == 1


def test_other_words_another_form_or_an_hour_later_are_another_report(page: BlockPageOfTest) -> None:
    form = FORM | {"form_number": number_of_form(page)}
    page.send("report", form)
    page.send("report", form | {"text": "Now they write about my brother too."})
    page.send("report", FORM | {"form_number": number_of_form(page)})
    assert reported(page) == 3
    page.school.now += timedelta(hours=1)
    page.send("report", form)
    assert reported(page) == 4


def test_a_form_that_comes_back_with_a_fault_keeps_its_number(page: BlockPageOfTest) -> None:
    number = number_of_form(page)
    again = page.send("report", FORM | {"form_number": number, "about": ""})
    assert again.status_code == 422
    assert f'value="{number}"' in again.text
    assert number_of_form(page) != number


def test_nobody_is_known_to_have_sent_it(page: BlockPageOfTest) -> None:
    page.send("report", FORM | {"name": "Ada"})
    with page.school.store.read() as database:
        (reporter,) = database.execute("SELECT reporter FROM reports").fetchone()
        actor, facts = database.execute("SELECT actor, facts FROM audit WHERE kind = 'incident_reported'").fetchone()
    assert reporter is None
    assert "192.0.2.9" not in f"{actor} {facts}"


def test_who_wants_a_site_open_needs_to_say_only_what_for(page: BlockPageOfTest) -> None:
    form = {"wish": "open", "site": "bet.example", "text": "We look at odds in maths."}
    assert page.send("report", form).status_code == 201


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"text": ""}, "Please write a few words", id="nothing-written"),
        pytest.param({"text": "😀 !!"}, "Please write a few words", id="no-words"),
        pytest.param({"text": "y" * 4_001}, "That is 4001 characters long.", id="too-much"),
        pytest.param({"text": "a bad\x07 letter in it"}, "There is a character", id="what-cannot-be-kept"),
        pytest.param({"about": ""}, "Please choose what it is about.", id="nothing-chosen"),
        pytest.param({"about": "illegal"}, "Please choose what it is about.", id="something-that-is-no-choice"),
        pytest.param({"who": "w" * 301}, "at most 300", id="a-name-too-long"),
        pytest.param({"keeps": "../../etc/passwd"}, "Please write only what it is called", id="a-path"),
        pytest.param({"keeps": "a\nb\nc\nd\ne\nf"}, "Please write only what it is called", id="six-things"),
    ],
)
def test_nothing_typed_is_lost_where_something_is_missing(
    page: BlockPageOfTest, changes: dict[str, str], sentence: str
) -> None:
    form = FORM | {"who": "somebody in 6b", "name": "Ada"} | changes
    response = page.send("report", form)
    assert response.status_code == 422
    assert sentence in response.text
    for value in (form[name] for name in ("site", "text", "who", "name")):
        assert value.partition("\n")[0][:300].replace("\x07", "") in response.text.replace("\x07", "")
    assert 'aria-invalid="true"' in response.text
    assert "incident_reported" not in page.school.kinds()


def test_what_was_typed_comes_back_as_text(page: BlockPageOfTest) -> None:
    written = '</textarea><script>alert("1")</script> \u202etext'
    response = page.send("report", FORM | {"text": written, "about": "", "who": '"><b>'})
    assert "<script" not in response.text
    assert "&lt;/textarea&gt;&lt;script&gt;" in response.text
    assert "&#34;&gt;&lt;b&gt;" in response.text


def test_marks_and_emoji_in_the_words_of_a_child_are_kept(page: BlockPageOfTest) -> None:
    assert (
        page.send("report", FORM | {"text": "It was scary 😱 \u200f\u05de\u05e4\u05d7 and I closed it."}).status_code
        == 201
    )
    assert page.send("report", FORM | {"text": "こわい動画を見てしまいました。" * 200}).status_code == 201


def test_too_many_reports_wait_and_keep_their_words(tmp_path: Path) -> None:
    limits = replace(generous(), reports=RateLimit(rate=1e-6, burst=2))
    page = BlockPageOfTest(tmp_path, limits=limits)
    assert [page.send("report", FORM).status_code for _ in range(3)] == [201, 201, 429]
    response = page.send("report", FORM)
    assert "your words are still here" in response.text
    assert FORM["text"] in response.text


def test_a_record_that_cannot_be_written_keeps_the_words(
    page: BlockPageOfTest, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with closing(sqlite3.connect(tmp_path / "state.db")) as database:
        database.execute("CREATE TRIGGER full BEFORE INSERT ON reports BEGIN SELECT RAISE(ABORT, 'full'); END")
    response = page.send("report", FORM)
    assert response.status_code == 503
    assert "Your words are still here" in response.text
    assert FORM["text"] in response.text
    told = "".join(capfd.readouterr())
    assert "report_not_kept" in told
    assert FORM["text"] not in told


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "http://elsewhere.example"}, id="another-site"),
        pytest.param({"Origin": "null"}, id="nobody-says-where"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="a-browser-that-says-so"),
    ],
)
def test_a_page_of_another_site_reports_nothing(page: BlockPageOfTest, headers: dict[str, str]) -> None:
    response = page.send("report", FORM, headers=headers)
    assert response.status_code == 403
    assert FORM["text"] in response.text
    assert "incident_reported" not in page.school.kinds()


def test_our_own_page_reports(page: BlockPageOfTest) -> None:
    headers = {"Origin": "http://bet.example", "Sec-Fetch-Site": "same-origin"}
    assert page.send("report", FORM, headers=headers).status_code == 201


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(b"text=" + b"x" * 200_000, id="too-long"),
        pytest.param(b"&".join(b"f%d=1" % number for number in range(100)), id="a-hundred-fields"),
    ],
)
def test_a_form_without_bounds_is_not_read(page: BlockPageOfTest, body: bytes) -> None:
    response = page.ask("bet.example", f"{BASE}/report", method="POST", content=body)
    assert response.status_code == 413
    assert "Please write less." in response.text


@pytest.mark.parametrize("body", [b"", b"\xff\xfe=%ff&text=%80", b"text", b"=&=&=", b"wish=open"])
def test_octets_that_are_no_form(page: BlockPageOfTest, body: bytes) -> None:
    assert page.ask("bet.example", f"{BASE}/report", method="POST", content=body).status_code == 422


# --- Receipts


def test_what_became_of_it(page: BlockPageOfTest) -> None:
    number = receipt_of(page.send("report", FORM))
    for written in (number, number.lower(), number.replace("-", " ")):
        assert "We have it. Nobody has looked at it yet." in page.send("receipt", {"receipt": written}).text


@pytest.mark.parametrize("written", ["", "ABCD-EFGH-JKLM", "<script>", "x" * 5000, "'; DROP TABLE reports"])
def test_a_number_that_nobody_was_given(page: BlockPageOfTest, written: str) -> None:
    response = page.send("receipt", {"receipt": written})
    assert response.status_code == 404
    assert "There is no message with this number." in response.text
    assert "<script" not in response.text


def test_nobody_can_guess_one_and_whoever_tries_keeps_nobody_from_reporting(tmp_path: Path) -> None:
    limits = replace(generous(), receipts=RateLimit(rate=1e-6, burst=2))
    page = BlockPageOfTest(tmp_path, limits=limits)
    found = [page.send("receipt", {"receipt": f"ABCD-EFGH-JKL{n}"}).status_code for n in range(40)]
    assert found == [404, 404, *[429] * 38]
    assert page.send("report", FORM).status_code == 201


def test_all_who_look_together_are_bounded_too(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path, limits=replace(generous(), all_receipts=RateLimit(rate=1e-6, burst=1)))
    assert [page.send("receipt", {"receipt": "ABCD-EFGH-JKLM"}).status_code for _ in range(2)] == [404, 429]


# --- Elsewhere


def test_another_application_can_have_the_pages_at_its_own_addresses(page: BlockPageOfTest) -> None:
    app = Starlette(routes=public_routes(PublicPages(page.school.parts, generous(), "")))

    async def get(path: str) -> httpx.Response:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return await client.get(path, headers={"Accept": HTML})

    for name in ("recorded", "blocked", "notice", "report", "receipt"):
        response = asyncio.run(get(f"/{name}"))
        assert response.status_code == 200
        assert BASE not in response.text
        (style,) = re.findall(r'rel="stylesheet" href="([^"]+)"', response.text)
        assert asyncio.run(get(style)).status_code == 200


@pytest.mark.parametrize(("query", "language"), [("", "ja"), ("?lang=fr", "fr"), ("?lang=xx", "ja")])
def test_the_address_names_the_language_before_what_was_chosen_elsewhere(
    page: BlockPageOfTest, query: str, language: str
) -> None:
    app = Starlette(routes=public_routes(replace(page.pages, chosen_before=lambda _: "ja")))

    async def get() -> str:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return (await client.get(f"{BASE}/report{query}", headers={"Accept-Language": "nl"})).text

    assert f'<html lang="{language}">' in asyncio.run(get())


def test_looking_has_a_pace(page: BlockPageOfTest) -> None:
    pages = replace(page.pages, looks=RateLimit(rate=1e-6, burst=1))
    app = Starlette(routes=public_routes(pages))

    async def get() -> int:
        transport = httpx.ASGITransport(app, client=("203.0.113.9", 1))
        async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
            return (await client.get(f"{BASE}/recorded")).status_code

    assert [asyncio.run(get()) for _ in range(2)] == [200, 429]
