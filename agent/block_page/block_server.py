"""Where the block page is served: sockets of its own beside those of the interface, bounded as they are.

That no page can be shown is said in the log and keeps nobody from the interface: names stay blocked without it.
"""

import asyncio
import socket
import ssl
from collections.abc import Generator
from contextlib import contextmanager, suppress
from typing import Final

import uvicorn
from starlette.types import ASGIApp

from agent.api.bounded_connections import BoundedConnection
from agent.api.parts import Parts
from agent.api.security import Limits
from agent.block_page.block_app import BASE, create_block_app
from agent.block_page.block_looks import BlockLooks
from agent.block_page.public_pages import PublicPages
from agent.filter_changing.site_in_force import SiteInForce
from agent.logs import log
from agent.sites.site import Endpoint, Listeners

MAX_CONNECTIONS: Final = 300
# Every answer ends its connection; nobody needs many at once.
MAX_OF_ADDRESS: Final = 60
HEAD_SECONDS: Final = 10.0
STOP_SECONDS: Final = 1


class PageConnection(BoundedConnection):
    """One connection to the block page."""

    max_open = MAX_CONNECTIONS + 100
    max_of_address = MAX_OF_ADDRESS
    head_seconds = HEAD_SECONDS


class PageServer(uvicorn.Server):
    """A server that ends with the one beside it; signals are for that one."""

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Leave signals to whoever has them."""
        yield


def page_config(app: ASGIApp, *, certificate: str | None = None, key: str | None = None) -> uvicorn.Config:
    """Say how the page is served: nothing that says what serves it, no log of who asks, bounded in everything.

    Raises:
        OSError: the certificate or its key cannot be read, or is none (`ssl.SSLError`).
    """
    config = uvicorn.Config(
        app,
        http=PageConnection,
        ws="none",
        lifespan="off",
        log_config=None,
        # What somebody sends who speaks no HTTP is worth no line.
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=MAX_CONNECTIONS,
        timeout_keep_alive=1,
        timeout_graceful_shutdown=STOP_SECONDS,
        ssl_certfile=certificate,
        ssl_keyfile=key,
        # A key that asks for words would wait for somebody at a terminal that nobody has.
        ssl_keyfile_password="" if certificate else None,
    )
    config.load()
    if config.ssl is not None:
        config.ssl.minimum_version = ssl.TLSVersion.TLSv1_2
    return config


class BlockServers:
    """The servers of the block page; none where the site has no place for it, or the place cannot be had."""

    def __init__(self, listeners: Listeners, app: ASGIApp) -> None:
        self.sockets: list[socket.socket] = []
        self._servers: list[PageServer] = []
        if listeners.block_page is not None:
            self._open("block_page", listeners.block_page, app)
        if listeners.block_page_https is not None:
            certificate, key = listeners.block_page_certificate, listeners.block_page_key
            self._open("block_page_https", listeners.block_page_https, app, certificate=certificate, key=key)

    def _open(
        self, name: str, endpoint: Endpoint, app: ASGIApp, *, certificate: str | None = None, key: str | None = None
    ) -> None:
        try:
            config = page_config(app, certificate=certificate, key=key)
        except OSError as error:
            reason = f"{certificate} and {key} cannot be used ({error.strerror or error})"
            log.error("block_page_not_shown", reason=f"listeners.{name}: {reason}")
            return
        family = socket.AF_INET6 if ":" in endpoint.address else socket.AF_INET
        try:
            listening = socket.create_server((endpoint.address, endpoint.port), family=family, backlog=512)
        except OSError as error:
            reason = f"{endpoint} cannot be listened on ({error.strerror or error})"
            log.error("block_page_not_shown", reason=f"listeners.{name}: {reason}")
            return
        self.sockets.append(listening)
        self._servers.append(PageServer(config))

    async def serve(self) -> None:
        """Serve until cancelled."""
        served = [
            asyncio.create_task(server.serve([listening]))
            for server, listening in zip(self._servers, self.sockets, strict=True)
        ]
        try:
            await asyncio.gather(*served)
        except asyncio.CancelledError:
            for server in self._servers:
                server.should_exit = True
            with suppress(asyncio.CancelledError):
                await asyncio.wait(served, timeout=STOP_SECONDS + 2)
            raise
        finally:
            self.close()

    def close(self) -> None:
        """Give the places back."""
        for listening in self.sockets:
            listening.close()


def open_block_page(parts: Parts, site: SiteInForce, limits: Limits) -> BlockServers | None:
    """Take the places of the block page, where the site in force names one.

    Args:
        limits: how often who may report, here and at the interface together.
    """
    listeners = site().listeners
    if listeners.block_page is None and listeners.block_page_https is None:
        return None
    looks = BlockLooks(site, clock=parts.clock, devices=site.devices, seats=site.seats)
    return BlockServers(listeners, create_block_app(PublicPages(parts, limits, BASE), looks))
