"""Whoever connects to the interface and says nothing is no burden to those who do."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from conftest import Upstream, wait_until
from living_school import School, open_school

from agent.api.bounded_connections import HANDSHAKE_SECONDS, MAX_HANDSHAKES, MAX_OF_ADDRESS
from agent.file_limit import raise_file_limit
from agent.sites.config import load_site
from rules.roles import Role

# Each has more than one address may, and both together more than there may be.
SILENT = ("127.0.0.1", "127.0.0.2")
OF_EACH = MAX_OF_ADDRESS + 300


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[School]:
    people = {"nadia": Role.NETWORK_MANAGER, "tess": Role.TEACHER}
    with ExitStack() as stack:
        yield open_school(tmp_path_factory.mktemp("silent") / "site", upstream, stack, people=people)


@pytest.mark.alone
def test_more_silent_connections_than_are_kept_keep_nobody_from_signing_in(school: School) -> None:
    raise_file_limit()
    api = load_site(school.gateway.site).site.listeners.api
    interface = school.interface()
    assert api is not None
    assert interface is not None
    descriptors = Path(f"/proc/{interface}/fd")

    def held() -> int:
        return sum(1 for _ in descriptors.iterdir())

    before = held()
    with ExitStack() as stack:
        for number in range(2 * OF_EACH):
            way = ((api.address, api.port), 10, (SILENT[number % 2], 0))
            stack.enter_context(socket.create_connection(*way))
        began = time.monotonic()
        with school.staff.client("tess") as tess:
            assert tess.get("/overrides")["items"] == []
        assert time.monotonic() - began < HANDSHAKE_SECONDS / 3
        most = before + MAX_HANDSHAKES + 20
        wait_until(lambda: held() <= most, seconds=2)
        assert held() > before + MAX_OF_ADDRESS, "most of them are still waited for"
        wait_until(lambda: held() < before + 20, seconds=2 * HANDSHAKE_SECONDS)
