"""The console of a `SchoolOfTest` on a real socket with TLS, and the system's Chromium in front of it."""

import gc
import threading
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvicorn
from api_of_test import PASSWORD, SchoolOfTest
from parts import need
from playwright.sync_api import Browser, BrowserContext, expect, sync_playwright
from playwright.sync_api import Page as Tab

from agent.api.tls import open_certificate
from agent.people.totp import _totp
from rules.roles import Role

# As long as a busy machine may take; what is there is seen at once.
PATIENCE_MILLISECONDS = 20_000
expect.set_options(timeout=PATIENCE_MILLISECONDS)
PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}


@contextmanager
def served(school: SchoolOfTest, folder: Path, *, port: int = 0) -> Iterator[str]:
    """Serve a school on a port of this machine, one that is free if none is given; gives where."""
    certificate = open_certificate(folder / "tls", names=("127.0.0.1", "localhost"), now=datetime.now(UTC))
    config = uvicorn.Config(
        school.app,
        host="127.0.0.1",
        port=port,
        log_config=None,
        lifespan="off",
        ws="none",
        ssl_certfile=certificate.certificate,
        ssl_keyfile=certificate.key,
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    running = threading.Thread(target=server.run, daemon=True)
    running.start()
    deadline = time.monotonic() + 20
    while not server.started and time.monotonic() < deadline:
        time.sleep(0.01)
    try:
        yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        school.parts.hub.close()
        # What a browser keeps open is ended here, before the loop that it belongs to is gone.
        for each in list(server.server_state.connections):
            each.loop.call_soon_threadsafe(each.transport.abort)
        server.should_exit = True
        running.join(20)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ResourceWarning)
            gc.collect()


@contextmanager
def chromium() -> Iterator[Browser]:
    """Give the system's Chromium, without a window."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=need("chromium"), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            browser.close()


def context_of(browser: Browser, base: str, **settings: Any) -> BrowserContext:
    """Give a browser of somebody's own, at a school that is served.

    `settings` are those of Playwright: `viewport`, `color_scheme`, `locale`, `java_script_enabled` …
    """
    chosen = {"viewport": DESK, "locale": "en-GB"} | settings
    context = browser.new_context(base_url=base, ignore_https_errors=True, **chosen)
    context.set_default_timeout(PATIENCE_MILLISECONDS)
    return context


def complaints_of(tab: Tab) -> list[str]:
    """Collect from now on what the console of the browser complains about; refused answers are no complaint."""
    found: list[str] = []
    tab.on("pageerror", lambda error: found.append(str(error)))
    tab.on(
        "console",
        lambda message: (
            found.append(message.text)
            if message.type in ("error", "warning") and "Failed to load resource" not in message.text
            else None
        ),
    )
    return found


def open_person(school: SchoolOfTest, name: str, *roles: Role) -> tuple[str, str | None]:
    """Open somebody with an account; gives their id, and the secret of their authenticator where they have one."""
    with school.store.act() as act:
        person = school.parts.people.open(act, name, roles, actor="system")
        made = school.parts.accounts.create(act, name.lower(), person.id, PASSWORD, actor="system")
    return person.id, made.totp_secret


def sign_in(tab: Tab, school: SchoolOfTest, name: str, secret: str | None) -> None:
    """Sign in by the page; a code is taken once a half minute of the school's clock."""
    tab.goto("/sign-in")
    tab.fill("#login", name.lower())
    tab.fill("#password", PASSWORD)
    if secret is not None:
        tab.fill("#totp", _totp(secret).generate(int(school.now.timestamp())).decode())
    tab.click("main button")
    tab.wait_for_url(lambda address: "/sign-in" not in address)
