"""A browser of test: pages of the console of a `SchoolOfTest`, its forms filled in as a person would."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from html.parser import HTMLParser
from typing import Any

import httpx
from api_of_test import PASSWORD, SchoolOfTest

from agent.api.security import COOKIE
from agent.people.totp import _totp
from rules.roles import Role

Fields = Mapping[str, str | Sequence[str]]
_VOID = frozenset({"input", "br", "meta", "link", "img", "hr", "path", "rect", "wbr"})


class Shown:
    """A page as it came: status, headers, text, and what its forms hold."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.headers = response.headers
        self.html = response.text
        reader = _Reader()
        if "html" in response.headers.get("content-type", ""):
            reader.feed(response.text)
        self.text = " ".join(" ".join(reader.words).split())
        self.forms = reader.forms
        self.links = reader.links
        self.headings = reader.headings

    def form(self, action: str) -> dict[str, list[str]]:
        """Give what a form would send as it stands: hidden fields, values, ticked boxes."""
        found = [fields for each, fields in self.forms if each == action]
        assert found, f"no form sends to {action}; there are {[each for each, _ in self.forms]}"
        return found[0]


class Browser:
    """Somebody at a browser, without JavaScript; it keeps cookies and does not follow redirects by itself."""

    def __init__(self, school: SchoolOfTest, *, language: str = "en") -> None:
        self.school = school
        self.cookies: dict[str, str] = {}
        self.headers = {"Accept": "text/html", "Accept-Language": language}
        self.person = ""

    def get(self, path: str, headers: Mapping[str, str] | None = None, **query: str) -> Shown:
        """Open a page."""
        return self.send("GET", path, headers=headers, **({"params": query} if query else {}))

    def post(self, path: str, fields: Fields, headers: Mapping[str, str] | None = None) -> Shown:
        """Send fields as they are, with nothing from a page."""
        return self.send("POST", path, data=dict(fields), headers=headers)

    def submit(self, shown: Shown, action: str, fields: Fields | None = None, **more: str) -> Shown:
        """Fill in a form of a page and send it; `fields` stand in place of what the page had."""
        return self.post(action, {**shown.form(action), **(fields or {}), **more})

    def follow(self, shown: Shown) -> Shown:
        """Go where a page sends the browser."""
        assert shown.status == 303, (shown.status, shown.text)
        return self.get(shown.headers["location"])

    def send(self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **request: Any) -> Shown:
        """Send a request."""

        async def converse() -> httpx.Response:
            transport = httpx.ASGITransport(self.school.app, client=("127.0.0.1", 40_000))
            async with httpx.AsyncClient(transport=transport, base_url="https://gateway.example") as client:
                cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
                sent = self.headers | ({"Cookie": cookie} if cookie else {}) | dict(headers or {})
                return await client.request(method, path, headers=sent, **request)

        response = asyncio.run(converse())
        for each in response.headers.get_list("set-cookie"):
            name, _, rest = each.partition("=")
            if "max-age=0" in rest.lower():
                self.cookies.pop(name, None)
            else:
                self.cookies[name] = rest.partition(";")[0].strip('"')
        return Shown(response)


def browser_of(school: SchoolOfTest, name: str, *roles: Role, language: str = "en") -> Browser:
    """Open somebody with an account, and give their browser, signed in by the page."""
    with school.store.act() as act:
        person = school.parts.people.open(act, name, roles, actor="system")
        made = school.parts.accounts.create(act, name.lower(), person.id, PASSWORD, actor="system")
    browser = Browser(school, language=language)
    browser.person = person.id
    fields = {"login": name.lower(), "password": PASSWORD}
    if made.totp_secret is not None:
        fields["totp"] = _totp(made.totp_secret).generate(int(school.now.timestamp())).decode()
    done = browser.submit(browser.get("/sign-in"), "/sign-in", fields)
    assert done.status == 303, done.text
    assert COOKIE in browser.cookies
    return browser


class _Reader(HTMLParser):
    """Reads the words, the links and the forms of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []
        self.forms: list[tuple[str, dict[str, list[str]]]] = []
        self._silent = 0
        self._fields: dict[str, list[str]] = {}
        self._area = self._select = self._heading = ""

    def handle_starttag(self, tag: str, attrs: Iterable[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        if tag in ("script", "style"):
            self._silent += 1
        elif tag == "a":
            self.links.append(found.get("href", ""))
        elif tag == "form":
            self._fields = {}
            self.forms.append((found.get("action", ""), self._fields))
        elif tag == "input" and "name" in found:
            is_box = found.get("type") in ("checkbox", "radio")
            if (not is_box or "checked" in found) and found.get("type") not in ("submit", "file"):
                self._fields.setdefault(found["name"], []).append(found.get("value", "on" if is_box else ""))
        elif tag == "textarea":
            self._area = found.get("name", "")
            self._fields.setdefault(self._area, []).append("")
        elif tag == "select":
            self._select = found.get("name", "")
        elif tag == "option" and self._select and ("selected" in found or self._select not in self._fields):
            self._fields[self._select] = [found.get("value", "")]
        elif tag in ("h1", "h2", "h3"):
            self._heading = tag

    def handle_endtag(self, tag: str) -> None:
        if tag in ("script", "style"):
            self._silent -= 1
        elif tag == "textarea":
            self._area = ""
        elif tag == "select":
            self._select = ""
        elif tag in ("h1", "h2", "h3"):
            self._heading = ""

    def handle_data(self, data: str) -> None:
        if self._silent:
            return
        if self._area:
            self._fields[self._area][-1] += data
        if self._heading and data.strip():
            self.headings.append(data.strip())
        self.words.append(data)
