"""A real public collection of lists as a school would use it."""

import json
from collections.abc import Iterator
from pathlib import Path

import dns.rcode
import pytest
from conftest import RunningGateway, Upstream, addresses, ede, make_gateway

UT1 = Path(__file__).parents[2].parent / "shared" / "lists" / "ut1"
PUPIL, STAFF, GUEST = "127.0.0.1", "127.0.0.2", "127.0.0.3"

pytestmark = pytest.mark.skipif(not UT1.is_dir(), reason=f"the collection is not at {UT1}")


@pytest.fixture(scope="module")
def school(tmp_path_factory: pytest.TempPathFactory, upstream: Upstream) -> Iterator[RunningGateway]:
    """A gateway with this collection alone."""
    running = make_gateway(
        tmp_path_factory.mktemp("ut1") / "site",
        upstream,
        change={"ours: {source: lists, format: domains}": f"ut1: {{source: {UT1}}}"},
    )
    running.start()
    yield running
    running.stop()


def listed(category: str) -> str:
    """Give a name of a category that no other category has."""
    others = {
        name
        for path in UT1.glob("*/domains")
        if path.parent.name != category
        for name in path.read_text(encoding="utf-8", errors="replace").split()
    }
    names = (UT1 / category / "domains").read_text().split()
    return next(name for name in names if name not in others and name.count(".") == 1 and name.isascii())


def test_the_collection_is_read_whole(school: RunningGateway) -> None:
    (status,) = json.loads(school.run("lists", "status", "--json").stdout)
    assert status["state"] == "fresh"
    assert status["names"] > 50_000
    assert {each["provider_category"] for each in status["categories"]} >= {"gambling", "vpn", "games", "shopping"}
    assert all(each["use"] != "unknown" for each in status["categories"])


@pytest.mark.parametrize(
    ("category", "code", "blocked_for"),
    [
        pytest.param("gambling", 17, {PUPIL, STAFF, GUEST}, id="gambling"),
        pytest.param("vpn", 15, {PUPIL, STAFF, GUEST}, id="vpn"),
        pytest.param("games", 17, {PUPIL, STAFF, GUEST}, id="games"),
        pytest.param("shopping", 17, {PUPIL, STAFF, GUEST}, id="shopping-without-anybody-nominated"),
        pytest.param("update", None, set(), id="updates-of-systems"),
    ],
)
def test_a_name_of_a_category(school: RunningGateway, category: str, code: int | None, blocked_for: set[str]) -> None:
    name = listed(category)
    for source in (PUPIL, STAFF, GUEST):
        for each in (name, f"www.{name}"):
            answer = school.ask(each, source=source)
            is_blocked = ede(answer) is not None
            assert is_blocked == (source in blocked_for)
            if is_blocked:
                assert (answer.rcode(), ede(answer), answer.answer) == (dns.rcode.NXDOMAIN, code, [])
    done = school.run("explain", name, "--as", "pupil", "--json")
    explained = json.loads(done.stdout)
    assert explained["verdict"] == ("block" if PUPIL in blocked_for else "allow")
    assert f"{category}/domains" in {each["file"] for each in explained["listed"]}


def test_an_ordinary_name_is_answered(school: RunningGateway) -> None:
    for source in (PUPIL, STAFF, GUEST):
        assert addresses(school.ask("www.example", source=source)) == {"192.0.2.10"}
    assert json.loads(school.run("explain", "www.example", "--as", "guest", "--json").stdout)["verdict"] == "allow"
