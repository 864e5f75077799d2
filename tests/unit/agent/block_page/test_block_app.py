"""What is answered on the block address, whatever is sent there."""

import asyncio
import re
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

import httpx
import pytest
from api_of_test import generous
from block_page_of_test import GAMBLING, HTML, PUPIL, STRANGER, TEACHER, BlockPageOfTest
from starlette.types import Message

from agent.api.security import RateLimit
from agent.block_page.block_app import BASE, create_block_app
from agent.block_page.block_looks import BlockLooks
from rules.category import LANGUAGES
from rules.errors import IndexUnusableError

GOLDEN = Path(__file__).parents[3] / "golden"
LAW = "criminal-activity.canary.schoolgate.test"


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> BlockPageOfTest:
    return BlockPageOfTest(tmp_path_factory.mktemp("page"))


def words(response: httpx.Response) -> str:
    """Give what a person reads."""
    return " ".join(re.sub(r"<[^>]+>", " ", response.text.replace("<wbr>", "").partition("<main>")[2]).split())


# --- The page


def test_the_page_says_what_why_and_who_can_help(page: BlockPageOfTest) -> None:
    response = page.ask(path="/odds?x=1")
    assert response.status_code == 403
    text = words(response)
    for part in (
        "This site is not open at school",
        GAMBLING,
        "It is about playing for money.",
        "Subject: Gambling",
        "Your teacher, or: room 7.",
        "School counsellor in room 4",
        "Childline 0800 1111",
        "it is never recorded that you go there",
    ):
        assert part in text
    assert f'href="{BASE}/report?site={GAMBLING}&amp;about=upsetting"' in response.text
    assert f'href="{BASE}/report?site={GAMBLING}&amp;wish=open"' in response.text
    assert f'href="https://filter.school.example:8443/overrides/ask?name={GAMBLING}"' in response.text


def test_no_cache_and_no_connection_keeps_it(page: BlockPageOfTest) -> None:
    response = page.ask()
    assert response.headers["cache-control"] == "no-store"
    assert response.headers["connection"] == "close"
    assert "set-cookie" not in response.headers


@pytest.mark.parametrize("path", ["/", f"{BASE}/recorded", f"{BASE}/report", f"{BASE}/nothing", "/favicon.ico"])
def test_the_headers_of_everything(page: BlockPageOfTest, path: str) -> None:
    headers = page.ask(path=path).headers
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script" not in policy
    assert "unsafe" not in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    # With `no-referrer` a browser would call the origin of our own form null.
    assert headers["referrer-policy"] == "same-origin"
    assert "server" not in headers


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_page_has_a_script_or_a_style_in_it_and_each_is_small(page: BlockPageOfTest, language: str) -> None:
    style = page.ask(path=re.findall(r'rel="stylesheet" href="([^"]+)"', page.ask().text)[0])
    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert "immutable" in style.headers["cache-control"]
    for path in ("/", *(f"{BASE}/{name}" for name in ("recorded", "blocked", "notice", "report", "receipt"))):
        response = page.ask(path=path, language=language)
        assert f'<html lang="{language}">' in response.text
        assert "<script" not in response.text
        assert "style=" not in response.text
        assert "http://" not in response.text
        assert len(response.content) + len(style.content) < 30_000


def test_the_timetable_says_until_when(page: BlockPageOfTest) -> None:
    text = words(page.ask("games-educational.canary.schoolgate.test"))
    assert "This site is not open right now" in text
    assert "It opens again: Monday 2 March 2026, 12:10." in text


def test_what_the_law_forbids_has_a_page_that_says_no_more(page: BlockPageOfTest) -> None:
    response = page.ask(LAW)
    text = words(response)
    assert "This site is not allowed by law" in text
    assert "Subject" not in text
    assert "Criminal" not in text
    assert "overrides/ask" not in response.text
    assert "wish=open" not in response.text


def test_what_nobody_can_ask_for_is_not_offered_to_teachers(page: BlockPageOfTest) -> None:
    response = page.ask("malware.canary.schoolgate.test", address=TEACHER)
    assert "This site may harm your computer." in words(response)
    assert "overrides/ask" not in response.text


def test_who_may_need_somebody_reads_of_that_first(page: BlockPageOfTest) -> None:
    text = words(page.ask("self-harm.canary.schoolgate.test"))
    assert text.index("Childline") < text.index("What can you do?")


def test_a_name_that_is_open_by_now_says_so(page: BlockPageOfTest) -> None:
    response = page.ask("fine.example", "/lesson")
    assert (response.status_code, response.headers["retry-after"]) == (503, "60")
    assert "Your school does not block this site" in words(response)
    assert '<a class="button" href="">' in response.text
    assert '<a class="button" href="/">' in page.ask("fine.example", f"{BASE}/why").text


def test_a_school_that_says_little_has_a_page_all_the_same(tmp_path: Path) -> None:
    little = """  contact: room 7
  console: https://filter.school.example:8443/
  helplines: School counsellor in room 4
"""
    response = BlockPageOfTest(tmp_path, change=(little, "")).ask()
    assert "Your teacher." in words(response)
    assert "overrides/ask" not in response.text


# --- Languages


@pytest.mark.parametrize("language", LANGUAGES)
def test_what_a_child_reads(page: BlockPageOfTest, language: str) -> None:
    texts = page.ask(language=language).text.replace("<wbr>", "").partition("<main>")[2]
    lines = (" ".join(re.sub(r"<[^>]+>", " ", line).split()) for line in texts.split("\n"))
    golden = GOLDEN / f"block_page.{language}.txt"
    assert "\n".join(line for line in lines if line) + "\n" == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("fr", "pas ouvert à l\u2019école"),
        ("nl", "Deze site is niet open op school"),
        ("ja", "このサイトは、学校では見られません"),
        ("de", "This site is not open at school"),
    ],
)
def test_the_browser_says_in_which_language(page: BlockPageOfTest, language: str, heading: str) -> None:
    response = page.ask(language=language)
    assert heading in response.text
    assert response.headers["vary"] == "Accept-Language"


def test_another_language_is_a_link_that_needs_no_cookie(page: BlockPageOfTest) -> None:
    assert f'href="{BASE}/why?lang=fr"' in page.ask().text
    french = page.ask(path=f"{BASE}/why?lang=fr")
    assert french.status_code == 403
    assert GAMBLING in french.text
    assert f'href="{BASE}/recorded?lang=fr"' in french.text


@pytest.mark.parametrize("chosen", ["../x", "<b>", "de", "x" * 500])
def test_what_is_no_language_is_nowhere_on_the_page(page: BlockPageOfTest, chosen: str) -> None:
    response = page.ask(path=f"{BASE}/why", params={"lang": chosen})
    assert '<html lang="en">' in response.text
    assert chosen not in response.text or chosen == "de"


# --- Who asks


def test_only_the_networks_of_the_school_get_a_page(page: BlockPageOfTest) -> None:
    for path in ("/", f"{BASE}/recorded", f"{BASE}/report"):
        response = page.ask(path=path, address=STRANGER)
        assert (response.status_code, response.text) == (403, "This page is for the networks of the school.\n")


def test_each_is_told_what_holds_for_them(page: BlockPageOfTest) -> None:
    learning = "games-educational.canary.schoolgate.test"
    assert page.ask(learning, address=PUPIL).status_code == 403
    assert page.ask(learning, address=TEACHER).status_code == 503


def test_who_asks_without_end_has_to_wait_and_nobody_else(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path, burst=3)
    # What the parts of a page ask for counts for nothing.
    assert {page.ask(headers={"Accept": "image/*"}).status_code for _ in range(5)} == {403}
    assert [page.ask().status_code for _ in range(4)] == [403, 403, 403, 429]
    assert int(page.ask().headers["retry-after"]) > 0
    assert page.ask(address=TEACHER).status_code == 403


# --- What is sent


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Accept": "image/avif,image/webp,*/*;q=0.8"}, id="an-image"),
        pytest.param({"Accept": "*/*"}, id="a-script"),
        pytest.param({"Accept": HTML, "Sec-Fetch-Dest": "iframe"}, id="a-frame-of-another-page"),
        pytest.param({"Accept": HTML, "Sec-Fetch-Dest": "empty"}, id="a-program-that-asks-for-text"),
    ],
)
def test_where_no_person_reads_the_answer_is_short(page: BlockPageOfTest, headers: dict[str, str]) -> None:
    response = page.ask(path="/favicon.ico", headers=headers)
    assert (response.status_code, response.text) == (403, "This is not open at this school.\n")
    assert response.headers["content-type"] == "text/plain; charset=utf-8"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_a_form_of_a_blocked_site_is_not_taken(page: BlockPageOfTest, method: str) -> None:
    response = page.ask(method=method, content=b"x" * 100_000)
    assert response.status_code == 403
    assert '"https://www.childline.org.uk/"' in response.text


@pytest.mark.parametrize(("method", "status"), [("CONNECT", 405), ("TRACE", 405), ("BREW", 405), ("OPTIONS", 403)])
def test_other_methods(page: BlockPageOfTest, method: str, status: int) -> None:
    response = page.ask(method=method)
    assert response.status_code == status
    assert "<html" not in response.text
    assert "access-control-allow-origin" not in response.headers


def test_a_head_is_a_page_without_its_text(page: BlockPageOfTest) -> None:
    response = page.ask(method="HEAD")
    assert (response.status_code, response.content) == (403, b"")
    assert int(response.headers["content-length"]) > 1000
    assert page.ask(method="HEAD", path=f"{BASE}/recorded").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        pytest.param("<script>alert(1)</script>", id="html"),
        pytest.param('"><img src=x>.example', id="a-quote"),
        pytest.param("a" * 10_000, id="ten-thousand-characters"),
        pytest.param("192.0.2.80", id="our-own-address"),
        pytest.param("", id="none"),
        pytest.param("{{7*7}}.example", id="a-template"),
        pytest.param("%(site)s", id="a-placeholder"),
    ],
)
def test_a_host_that_names_no_site_leads_to_the_front_page(page: BlockPageOfTest, host: str) -> None:
    response = page.ask(host)
    assert response.status_code == 200
    assert "The filter of the school" in response.text
    assert not host or host not in response.text
    assert "49.example" not in response.text
    assert page.ask(host, "/any/where").status_code == 404


@pytest.mark.parametrize("octets", ["bet\u202e.example".encode(), "😀.example".encode(), b"\xff\xfe.example"])
def test_octets_that_no_host_has(page: BlockPageOfTest, octets: bytes) -> None:
    response = page.ask(headers={"Host": octets})  # type: ignore[dict-item] # as it goes over the wire
    assert response.status_code == 200


def test_a_name_is_decoded_only_where_it_deceives_nobody(page: BlockPageOfTest) -> None:
    coffee = page.ask("xn--caf-dma.example").text
    assert '<bdi dir="ltr">café.<wbr>example</bdi>' in coffee
    assert '<bdi dir="ltr">xn--caf-dma.example</bdi>' in coffee
    apple = page.ask("xn--80ak6aa92e.example").text
    assert '<bdi dir="ltr">xn--80ak6aa92e.<wbr>example</bdi>' in apple
    assert "аррӏе" not in apple  # noqa: RUF001 (the letters in question)


@pytest.mark.parametrize(
    ("target", "text"),
    [
        pytest.param(f"http://{GAMBLING}/odds", "It is about playing for money.", id="a-blocked-name"),
        pytest.param("http://fine.example/", "Your school does not block this site", id="an-open-name"),
        pytest.param("http://<b>/", "The filter of the school", id="no-name"),
        pytest.param("nonsense", "The filter of the school", id="no-address"),
    ],
)
def test_a_target_that_is_a_whole_address_goes_before_the_host(page: BlockPageOfTest, target: str, text: str) -> None:
    sent: list[Message] = []

    async def converse() -> None:
        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Message) -> None:
            sent.append(message)

        host = b"" if target == "nonsense" else b"own.example"
        headers = [(b"host", host), (b"accept", HTML.encode())]
        scope = {
            "type": "http",
            "method": "GET",
            "path": target,
            "raw_path": target.encode(),
            "query_string": b"",
            "headers": headers,
            "client": (PUPIL, 50_000),
            "server": ("192.0.2.80", 80),
            "scheme": "http",
            "root_path": "",
            "http_version": "1.1",
        }
        await page.app(scope, receive, send)

    asyncio.run(converse())
    assert text in b"".join(message.get("body", b"") for message in sent).decode()


def test_what_is_not_there_is_not_there(page: BlockPageOfTest) -> None:
    for path in (f"{BASE}/nothing", f"{BASE}/", f"{BASE}/style/abc/page.css", f"{BASE}/style/../page.css"):
        assert page.ask(path=path).status_code in (403, 404)


# --- Nothing is kept


def test_that_somebody_saw_it_is_recorded_nowhere(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    page = BlockPageOfTest(tmp_path)
    before = page.school.kinds()
    for path in ("/", "/secret-path", f"{BASE}/recorded", f"{BASE}/report?site=bet.example"):
        page.ask(path=path)
    assert page.school.kinds() == before
    assert "".join(capfd.readouterr()) == ""
    with closing(sqlite3.connect(tmp_path / "state.db")) as database:
        text = "\n".join(database.iterdump())
    assert GAMBLING not in text
    assert PUPIL not in text


class _Damaged(BlockLooks):
    def explain(self, *_: object) -> NoReturn:
        raise IndexUnusableError("the lists are damaged")


def test_lists_that_cannot_be_read_end_in_a_sentence_and_a_log_without_names(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    page = BlockPageOfTest(tmp_path)
    page.app = create_block_app(page.pages, _Damaged(lambda: page.site, clock=lambda: page.school.now))
    response = page.ask()
    assert (response.status_code, response.text) == (503, "This page cannot be shown just now.\n")
    assert page.ask(path=f"{BASE}/report").status_code == 200
    told = "".join(capfd.readouterr())
    assert "block_page_failed" in told
    assert GAMBLING not in told
    assert PUPIL not in told


# Of one network, in which a device takes addresses as it likes.
ONE_NETWORK = ("2001:db8::1", "2001:db8::ffff:1")


def once() -> RateLimit:
    return RateLimit(rate=1e-6, burst=1)


def test_addresses_of_one_network_have_one_pace_at_the_block_page(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path, burst=1)
    assert [page.ask(address=each).status_code for each in ONE_NETWORK] == [403, 429]


def test_addresses_of_one_network_look_with_one_pace(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path)
    page.pages = replace(page.pages, looks=once())
    page.app = create_block_app(page.pages, page.looks)
    looked = [page.ask("bet.example", f"{BASE}/notice", address=each).status_code for each in ONE_NETWORK]
    assert looked == [200, 429]


def test_addresses_of_one_network_ask_after_reports_with_one_pace(tmp_path: Path) -> None:
    page = BlockPageOfTest(tmp_path, limits=replace(generous(), receipts=once()))
    sent = [page.send("receipt", {"receipt": "ABCD-EFGH-JKLM"}, address=each) for each in ONE_NETWORK]
    assert [each.status_code for each in sent] == [404, 429]
