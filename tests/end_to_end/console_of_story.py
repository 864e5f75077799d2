"""People at the console of a gateway that runs, in the system's Chromium."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import BIN, RunningGateway, free_port
from playwright.sync_api import Browser
from playwright.sync_api import Page as Tab
from served_of_test import complaints_of, context_of
from signed_in import PASSWORD, Staff


@dataclass
class FirstSchool:
    """A school as `schoolgate init` writes it, on ports of its own, with the account of its first manager."""

    gateway: RunningGateway
    staff: Staff
    api_port: int

    @classmethod
    def begin(cls, folder: Path) -> "FirstSchool":
        """Do what the README says to whoever begins."""
        done = subprocess.run([BIN / "schoolgate", "init", folder], capture_output=True, text=True, check=True)
        assert "Wrote" in done.stdout
        gateway = RunningGateway(folder, free_port(), free_port())
        api = free_port()
        for before, after in (
            ("127.0.0.1:5335", f"127.0.0.1:{gateway.port}"),
            ("[::1]:5335", f"[::1]:{gateway.port}"),
            ("127.0.0.1:9253", f"127.0.0.1:{gateway.metrics_port}"),
            ("api: 127.0.0.1:8443", f"api: 127.0.0.1:{api}"),
        ):
            gateway.change(before, after)
        staff = Staff(folder)
        words = (
            "people",
            "bootstrap",
            "Mona Example",
            "mona",
            "--site",
            str(gateway.site),
            "--password-stdin",
            "--json",
        )
        made = staff.run("mona", *words, keys=PASSWORD + "\n")
        assert made.returncode == 0, made.stderr
        told = json.loads(made.stdout)
        staff.know("mona", told["person"], told["totp_secret"])
        return cls(gateway, staff, api)

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.api_port}"

    def dig(self, name: str, source: str = "127.0.0.1") -> str:
        """Ask as somebody would at a prompt; gives the status of the answer and its addresses."""
        done = subprocess.run(
            ["dig", "+tries=1", "+time=3", "-b", source, "@127.0.0.1", "-p", str(self.gateway.port), name],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout


@contextmanager
def at_the_console(browser: Browser, url: str, staff: Staff, login: str, password: str = PASSWORD) -> Iterator[Tab]:
    """Give a browser in which somebody is signed in; what it complains about by the end is a fault."""
    context = context_of(browser, url)
    tab = context.new_page()
    complaints = complaints_of(tab)
    tab.goto("/")
    sign_in(tab, staff, login, password)
    tab.wait_for_url(lambda address: "/sign-in" not in address)
    yield tab
    assert complaints == []
    context.close()


def sign_in(tab: Tab, staff: Staff, login: str, password: str = PASSWORD) -> None:
    """Fill in the page that asks who it is, and send it."""
    tab.fill("#login", login)
    tab.fill("#password", password)
    if code := staff.code(login):
        tab.fill("#totp", code)
    tab.click("main button")
