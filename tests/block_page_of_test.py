"""The block page of a school of test: the whole application, with the policy of a site and a clock that stands."""

import asyncio
from pathlib import Path
from typing import Any

import httpx
from api_of_test import SchoolOfTest, generous

from agent.api.security import Limits, RateLimit
from agent.block_page.block_app import BASE, create_block_app
from agent.block_page.block_looks import BlockLooks
from agent.block_page.public_pages import PublicPages
from agent.sites.config import parse_site

HTML = "text/html,application/xhtml+xml;q=0.9,*/*;q=0.8"
PUPIL, TEACHER, STRANGER = "192.0.2.9", "198.51.100.9", "203.0.113.9"
GAMBLING = "gambling.canary.schoolgate.test"
SITE = """\
school:
  name: School of Test
  timezone: Europe/London
  contact: room 7
  console: https://filter.school.example:8443/
  helplines: School counsellor in room 4
packs: [uk-esafety]
networks:
  classrooms: {audience: pupil, cidrs: [192.0.2.0/24, "2001:db8::/64"]}
  staff-room: {audience: staff, cidrs: [198.51.100.0/24]}
groups: {office: {devices: [198.51.100.7]}, reception: {devices: [192.0.2.44]}}
schedules: {lunch: {windows: [{days: mon-fri, from: "12:10", to: "13:00"}]}}
rows:
  gaming_educational: [{schedule: lunch}, {audience: staff, tick: acceptable}]
  shopping_commerce: {nominated: [office]}
policies:
  more: {block: [self_harm], audiences: [pupil]}
  own: {block: {names: [own.example, xn--caf-dma.example, xn--80ak6aa92e.example]}}
  youngest: {allow_only: [for_children], groups: [reception]}
lists: {}
answers: {blocked: page, page_ipv4: 192.0.2.1}
listeners: {api: "127.0.0.1:8443", block_page: "127.0.0.1:8080"}
"""


class BlockPageOfTest:
    """A school whose blocked names lead to its block page."""

    def __init__(
        self, folder: Path, *, change: tuple[str, str] = ("", ""), limits: Limits | None = None, burst: int = 10**6
    ) -> None:
        self.school = SchoolOfTest(folder)
        self.site = self.school.site = parse_site(SITE.replace(*change), path=folder / "site.yaml").site
        self.pages = PublicPages(self.school.parts, limits or generous(), BASE)
        self.looks = BlockLooks(lambda: self.site, clock=lambda: self.school.now)
        self.app = create_block_app(self.pages, self.looks, pace=RateLimit(rate=1e-6, burst=burst))

    def ask(
        self,
        host: str = GAMBLING,
        path: str = "/",
        *,
        method: str = "GET",
        address: str = PUPIL,
        language: str = "en",
        headers: dict[str, str] | None = None,
        **request: Any,
    ) -> httpx.Response:
        """Ask as a browser at an address does."""

        async def converse() -> httpx.Response:
            transport = httpx.ASGITransport(self.app, client=(address, 50_000))
            said = {"Host": host, "Accept": HTML, "Accept-Language": language} | (headers or {})
            async with httpx.AsyncClient(transport=transport, base_url="http://page.example") as client:
                return await client.request(method, path, headers=said, **request)

        return asyncio.run(converse())

    def send(self, page: str, form: dict[str, str], **request: Any) -> httpx.Response:
        """Send a form."""
        return self.ask("bet.example", f"{BASE}/{page}", method="POST", data=form, **request)
