"""Who answers names that only the school's filter knows: told when it changes, asked seldom, waited for by nobody."""

import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from parts import need, need_root, without

from collectors.observed import Priority
from collectors.school_filter import Canaries, FilterLook, Found, Seen, look_up_here

OURS = "192.0.2.1"
CLOSED = {"gambling": "gambling.test", "vpn": "vpn.test"}
CANARIES = Canaries("present.test", frozenset({OURS, "2001:db8::1"}), CLOSED)
PRESENT = "present.canary.schoolgate.test"
PROGRAM = """\
import socket, sys
from collectors.school_filter import look_up_here
print("the hosts file:", socket.getaddrinfo(sys.argv[1], None)[0][4][0])
print("the resolver:", *look_up_here(sys.argv[1]))
"""
MOUNTED = 'mount --bind "$1/hosts" /etc/hosts; mount --bind "$1/resolv.conf" /etc/resolv.conf; shift; exec "$@"'


def ours(name: str) -> Iterable[str]:
    """Answer as the filter does that has everything closed."""
    return {OURS} if name == "present.test" else ()


@dataclass
class Laptop:
    """A computer whose network, resolver and clock a test moves."""

    answer: Callable[[str], Iterable[str]] = ours
    addresses: tuple[str, ...] = ("10.2.0.7",)
    is_on_site: bool = True
    now: float = 1000.0
    asked: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.filter = FilterLook(
            CANARIES,
            lambda: self.addresses,
            lambda: self.is_on_site,
            look_up=self._look_up,
            monotonic=lambda: self.now,
            wall=lambda: self.now,
        )

    def _look_up(self, name: str) -> Iterable[str]:
        self.asked.append(name)
        return self.answer(name)

    def look(self, *, after: float = 0.0) -> list[tuple[str, list[str]]]:
        """Look so much later; gives what is told."""
        self.now += after
        told = self.filter.look()
        for each in told:
            assert (each.kind, each.key, each.priority) == ("filter", "filter", Priority.STATE)
        return [(str(each.facts["seen"]), list(each.facts["open"])) for each in told]  # type: ignore[arg-type]


def fail(error: Exception) -> Callable[[str], Iterable[str]]:
    def answer(_name: str) -> Iterable[str]:
        raise error

    return answer


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        pytest.param(ours, ("answered_by_us", []), id="the-filter"),
        pytest.param(lambda _: {"2001:db8::1"}, ("answered_by_us", ["gambling", "vpn"]), id="all-of-it-open"),
        pytest.param(lambda _: (), ("not_ours", []), id="there-is-no-such-name"),
        pytest.param(lambda _: {"203.0.113.9"}, ("not_ours", []), id="an-address-for-whatever-is-asked"),
        pytest.param(fail(socket.gaierror(socket.EAI_AGAIN, "x")), ("could_not_tell", []), id="nobody-answers"),
        pytest.param(fail(OSError(5, "x")), ("could_not_tell", []), id="no-socket"),
        pytest.param(fail(UnicodeError("x")), ("could_not_tell", []), id="no-name"),
    ],
)
def test_who_answers(answer: Callable[[str], Iterable[str]], told: tuple[str, list[str]]) -> None:
    assert Laptop(answer).look() == [told]


def test_a_category_that_nobody_can_tell_of_is_not_called_open() -> None:
    def answer(name: str) -> Iterable[str]:
        return ours(name) if name == "present.test" else fail(socket.gaierror(socket.EAI_AGAIN, "x"))(name)

    assert Laptop(answer).look() == [("answered_by_us", [])]


def test_categories_are_not_asked_of_somebody_else() -> None:
    laptop = Laptop(lambda _: ())
    laptop.look()
    assert laptop.asked == ["present.test"]


def test_it_is_asked_every_quarter_of_an_hour_and_told_when_it_changes() -> None:
    laptop = Laptop()
    assert [laptop.look(after=60) for _ in range(15)] == [[("answered_by_us", [])]] + 14 * [[]]
    assert len(laptop.asked) == 3
    assert laptop.look(after=60) == []
    assert len(laptop.asked) == 6
    laptop.answer = lambda _: ()
    assert laptop.look(after=900) == [("not_ours", [])]
    assert laptop.filter.asked_at == laptop.now


def test_it_is_told_again_once_a_day() -> None:
    laptop = Laptop()
    told = [laptop.look(after=900) for _ in range(200)]
    assert sum(map(len, told)) == 3


def test_another_network_is_asked_at_once() -> None:
    laptop = Laptop()
    laptop.look()
    laptop.addresses = ("10.2.0.8",)
    laptop.look(after=60)
    assert len(laptop.asked) == 6


def test_nobody_is_asked_away_from_the_school() -> None:
    laptop = Laptop(is_on_site=False)
    assert (laptop.look(), laptop.asked, laptop.filter.found) == ([], [], None)
    laptop.is_on_site = True
    assert laptop.look() == [("answered_by_us", [])]
    laptop.is_on_site = False
    laptop.look()
    laptop.is_on_site = True
    assert laptop.look(after=1) == [("answered_by_us", [])], "who comes back is asked, and it is told"


def test_where_there_is_no_network_none_is_woken() -> None:
    laptop = Laptop(addresses=())
    assert (laptop.look(), laptop.asked, laptop.filter.found) == ([], [], Found(Seen.NO_NETWORK))


@dataclass
class Slow:
    """A resolver that answers when it is let go."""

    let_go: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    def __call__(self, name: str) -> Iterable[str]:
        self.asked += 1
        assert self.let_go.wait(10)
        return ours(name)


def test_an_answer_that_comes_late_is_told_at_the_next_look() -> None:
    slow = Slow()
    laptop = Laptop(slow)
    assert laptop.look() == []
    slow.let_go.set()
    assert laptop.look(after=10) == [("answered_by_us", [])]


def test_while_a_question_hangs_no_other_is_asked_and_that_is_told_once() -> None:
    slow = Slow()
    laptop = Laptop(slow)
    assert [laptop.look(after=each) for each in (0, 60, 1000)] == [[], [("could_not_tell", [])], []]
    assert laptop.filter.found == Found(Seen.COULD_NOT_TELL, "timed_out")
    assert slow.asked == 1
    slow.let_go.set()
    assert laptop.look(after=60) == [("answered_by_us", [])]


def test_what_was_found_in_another_network_is_nobody_s_business() -> None:
    slow = Slow()
    laptop = Laptop(slow)
    laptop.look()
    laptop.addresses = ("10.9.0.1",)
    slow.let_go.set()
    assert laptop.look() == []
    assert laptop.look() == [("answered_by_us", [])]


# ---- the resolver of this system -----------------------------------------------------------------------------------


def test_the_system_says_that_a_name_of_nobody_is_none() -> None:
    try:
        assert look_up_here("nobody.schoolgate.invalid") == frozenset()
    except socket.gaierror as error:
        assert error.errno == socket.EAI_AGAIN  # noqa: PT017 -- there is no resolver here


def test_the_hosts_file_is_not_asked(tmp_path: Path) -> None:
    need_root()
    (tmp_path / "hosts").write_text(f"{OURS} {PRESENT}\n")
    (tmp_path / "resolv.conf").write_text("nameserver 127.0.0.99\noptions timeout:1 attempts:1\n")
    words = [need("unshare"), "-m", "sh", "-ec", MOUNTED, "sh", str(tmp_path), sys.executable, "-c", PROGRAM, PRESENT]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=30)
    if "mount" in done.stderr or "unshare" in done.stderr:
        without("nothing can be mounted in a container without the right to")
    assert done.stdout == f"the hosts file: {OURS}\n"
    assert "gaierror" in done.stderr
