"""A laptop in the school whose system asks the gateway for names, and then somebody else, as its resolv.conf says."""

import asyncio
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from typing import Any

import dns.message
import dns.rcode
from conftest import RunningGateway, wait_until
from laptop_of_story import SECONDS, Arrived, LaptopOfStory, enrolled
from linux_tree_of_test import LinuxTree
from nano_dns import NanoDns
from parts import need, need_root
from signed_in import Staff

from agent.sites.config import load_site
from agent.sites.site import Endpoint
from rules.roles import Role

# What a resolv.conf names is asked at port 53, whichever address it has.
OURS, THEIRS = "127.0.7.53", "127.0.7.54"
MOUNTED = 'mount --bind "$1" /etc/resolv.conf; shift; exec "$@"'


def nobody(query: dns.message.Message) -> dns.message.Message:
    """Answer as any other resolver does (RFC 6761, section 6.2)."""
    response = dns.message.make_response(query, recursion_available=True)
    response.set_rcode(dns.rcode.NXDOMAIN)
    return response


@contextmanager
def somebody_else() -> Iterator[NanoDns]:
    """Let another resolver answer, in a thread."""
    server = NanoDns(answer=nobody, endpoint=Endpoint(THEIRS, 53))
    is_up, is_over = threading.Event(), threading.Event()

    async def serve() -> None:
        async with server:
            is_up.set()
            await asyncio.to_thread(is_over.wait)

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert is_up.wait(10)
        yield server
    finally:
        is_over.set()
        thread.join(10)


def test_who_answers_a_laptop_is_seen_at_the_laptop_and_at_the_gateway(
    own_gateway: RunningGateway, tmp_path: Path
) -> None:
    need_root()
    own_gateway.change('dns: ["', f'dns: ["{OURS}:53", "')
    own_gateway.site.write_text(own_gateway.site.read_text() + "endpoints: {closed: [gambling, blogs]}\n")
    staff = Staff.of(own_gateway, nadia=Role.NETWORK_MANAGER)
    resolv = tmp_path / "resolv.conf"
    resolv.write_text(f"nameserver {OURS}\noptions timeout:1 attempts:1\n")
    with ExitStack() as ends:
        folder = tmp_path / "laptop"
        folder.mkdir(mode=0o700)
        prefix = (need("unshare"), "-m", "sh", "-ec", MOUNTED, "sh", str(resolv))
        laptop = LaptopOfStory(folder, LinuxTree(folder / "tree"), ends, prefix)
        own_gateway.start()
        staff.wait_for_interface()
        client = ends.enter_context(staff.client("nadia"))
        device = enrolled(laptop, own_gateway, client)
        arrived = Arrived(Path(load_site(own_gateway.site).site.paths.state) / "fleet.db")

        def seen() -> list[tuple[str, list[str]]]:
            return [(facts["seen"], facts["open"]) for _, _, kind, facts in arrived.events() if kind == "filter"]

        def proven() -> dict[str, Any]:
            states = client.get(f"/devices/{device}")["states"]
            return next((each["facts"] for each in states if each["kind"] == "filter"), {})

        # Blogs are open for pupils here, whose network this laptop is in.
        wait_until(lambda: ("answered_by_us", ["blogs"]) in seen(), seconds=SECONDS)
        assert "the school's filter answers this laptop; open that should be closed: blogs" in status(laptop)
        assert proven()["seen"] == "answered_by_us"
        with somebody_else() as other:
            # In place, for it is mounted.
            resolv.write_text(f"nameserver {THEIRS}\noptions timeout:1 attempts:1\n")
            wait_until(lambda: seen()[-1] == ("not_ours", []), seconds=SECONDS)
            assert "somebody else than the school's filter answers" in status(laptop)
            assert proven()["seen"] == "not_ours"
            asked = {str(each.message.question[0].name) for each in other.received}
            assert asked == {"present.canary.schoolgate.test."}
        wait_until(lambda: seen()[-1][0] == "could_not_tell", seconds=SECONDS)
        resolv.write_text(f"nameserver {OURS}\noptions timeout:1 attempts:1\n")
        wait_until(lambda: seen()[-1] == ("answered_by_us", ["blogs"]), seconds=SECONDS)
        wait_until(lambda: own_gateway.metrics()['schoolgate_device_filters{seen="open"}'] == 1, seconds=SECONDS)
        assert client.get("/devices")["items"][0]["is_silent"] is False
        # One weak sign, and it is over.
        assert filed(staff) == 0
        assert laptop.stop() < 5


def status(laptop: LaptopOfStory) -> str:
    said = laptop.command("status")
    assert said.returncode == 0, said.stderr
    return said.stdout


def filed(staff: Staff) -> int:
    """Give how many incidents are on file."""
    with closing(sqlite3.connect(f"file:{staff.state}?mode=ro", uri=True)) as database:
        (found,) = database.execute("SELECT count(*) FROM incidents").fetchone()
    return int(found)
