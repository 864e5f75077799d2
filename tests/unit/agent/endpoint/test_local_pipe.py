"""The pipe of a laptop's service: how it is opened, who reaches it, and whom Windows says it is."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from windows_of_test import (
    ACCESS_DENIED,
    ADMINISTRATORS,
    ANNA,
    SYSTEM,
    Person,
    WindowsOfTest,
)

from agent.endpoint.local_channel import Caller, LocalChannel, LocalError, ask_service
from agent.endpoint.local_pipe import PipeDoor, connect_to_pipe

NAME = r"\\.\pipe\schoolgate-test"
BEN = "S-1-5-21-1004336348-1177238915-682003330-1002"


@pytest.fixture
def windows() -> Iterator[WindowsOfTest]:
    made = WindowsOfTest()
    yield made
    made.close()


@pytest.fixture
def door(windows: WindowsOfTest) -> Iterator[PipeDoor]:
    made = PipeDoor(NAME, windows.api)
    yield made
    made.close()


def made_ends(windows: WindowsOfTest) -> list[tuple[Any, ...]]:
    return [call[1:] for call in windows.calls if call[0] == "CreateNamedPipeW"]


def served(windows: WindowsOfTest, door: PipeDoor, request: bytes = b"{}\n") -> Caller:
    """Let the person of these Windows ask, and give who came."""
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    end.sendall(request)
    try:
        assert connection.recv(100) == request
        return connection.caller()
    finally:
        end.close()
        connection.close()


def test_the_first_end_is_the_first_and_all_are_for_this_computer_alone(
    windows: WindowsOfTest, door: PipeDoor
) -> None:
    served(windows, door)
    first, second = made_ends(windows)
    # PIPE_ACCESS_DUPLEX, FILE_FLAG_OVERLAPPED, FILE_FLAG_FIRST_PIPE_INSTANCE; PIPE_REJECT_REMOTE_CLIENTS.
    assert first[:4] == (NAME, 0x3 | 0x4000_0000 | 0x8_0000, 0x8, 18)
    assert second[:4] == (NAME, 0x3 | 0x4000_0000, 0x8, 18)


def test_who_may_open_it_is_in_its_descriptor(windows: WindowsOfTest, door: PipeDoor) -> None:
    descriptor = made_ends(windows)[0][-1]
    assert descriptor == "D:P(A;;GA;;;SY)(A;;GA;;;BA)(A;;0x12019b;;;IU)"
    rights = int(descriptor.partition("0x")[2][:6], 16)
    # FILE_READ_DATA, FILE_WRITE_DATA, READ_CONTROL, SYNCHRONIZE; and not FILE_CREATE_PIPE_INSTANCE.
    assert rights & 0x12_0003 == 0x12_0003
    assert not rights & 0x4
    connect_to_pipe(NAME, windows.api).close()
    (opened,) = (call for call in windows.calls if call[0] == "CreateFileW")
    assert opened[2] & ~rights == 0


def test_who_asks_lets_itself_be_identified_and_no_more(windows: WindowsOfTest, door: PipeDoor) -> None:
    connect_to_pipe(NAME, windows.api).close()
    (opened,) = (call for call in windows.calls if call[0] == "CreateFileW")
    # OPEN_EXISTING; FILE_FLAG_OVERLAPPED, SECURITY_SQOS_PRESENT, SECURITY_IDENTIFICATION.
    assert opened[4:] == (3, 0x4000_0000 | 0x10_0000 | 0x1_0000)


@pytest.mark.parametrize(
    ("person", "caller"),
    [
        pytest.param(Person(), Caller(ANNA, "anna"), id="a-person"),
        pytest.param(
            Person(is_administrator=True), Caller(ANNA, "anna", is_administrator=True), id="an-administrator"
        ),
        pytest.param(
            Person(SYSTEM, "SYSTEM", 0, is_administrator=True),
            Caller(SYSTEM, "SYSTEM", is_administrator=True),
            id="the-system",
        ),
        pytest.param(Person(name=""), Caller(ANNA, ""), id="an-account-without-a-name"),
    ],
)
def test_windows_says_who_asks(windows: WindowsOfTest, door: PipeDoor, person: Person, caller: Caller) -> None:
    windows.person = person
    assert served(windows, door) == caller
    assert windows.is_itself()


def test_of_whom_nothing_was_read_nothing_is_known(windows: WindowsOfTest, door: PipeDoor) -> None:
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    with pytest.raises(OSError, match="1368"):
        connection.caller()
    connection.close()
    end.close()


@pytest.mark.parametrize("function", ["ImpersonateNamedPipeClient", "OpenThreadToken", "RevertToSelf"])
def test_whom_windows_does_not_tell_is_nobody(windows: WindowsOfTest, door: PipeDoor, function: str) -> None:
    windows.refused[function] = ACCESS_DENIED
    with pytest.raises(OSError, match="5"):
        served(windows, door)


def test_a_request_whose_sender_is_not_told_is_not_answered(windows: WindowsOfTest) -> None:
    windows.refused["ImpersonateNamedPipeClient"] = ACCESS_DENIED
    asked: list[Caller] = []

    def may_ask(caller: Caller) -> bool:
        asked.append(caller)
        return True

    listening = LocalChannel(PipeDoor(NAME, windows.api), may_ask=may_ask, answer=lambda *_: {})
    try:
        with pytest.raises(LocalError, match="does not answer at"):
            ask_service(Path(NAME), {}, connect=lambda place: connect_to_pipe(str(place), windows.api))
    finally:
        listening.close()
    assert asked == []


def test_of_two_people_each_is_known_as_who_they_are(windows: WindowsOfTest, door: PipeDoor) -> None:
    assert served(windows, door).number == ANNA
    windows.person = Person(BEN, "ben", 2)
    assert served(windows, door) == Caller(BEN, "ben")


def test_a_seat_is_that_of_a_session(windows: WindowsOfTest, door: PipeDoor) -> None:
    windows.person = Person(session=7)
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    assert connection.seat == 7
    connection.close()
    end.close()


@pytest.mark.parametrize("owner", [SYSTEM, ADMINISTRATORS])
def test_a_pipe_of_the_system_is_the_services(windows: WindowsOfTest, door: PipeDoor, owner: str) -> None:
    windows.owner = owner
    connect_to_pipe(NAME, windows.api).close()


def test_a_pipe_that_somebody_else_opened_is_told_nothing(windows: WindowsOfTest, door: PipeDoor) -> None:
    windows.owner = BEN
    with pytest.raises(LocalError, match="Another program answers in place of the endpoint service"):
        connect_to_pipe(NAME, windows.api)
    assert windows.open_handles == windows.servers()


def test_a_name_that_is_taken_is_not_shared(windows: WindowsOfTest, door: PipeDoor) -> None:
    with pytest.raises(OSError, match="5"):
        PipeDoor(NAME, windows.api)
    assert len(windows.servers()) == 1


def test_whoever_has_left_again_keeps_nobody_out(windows: WindowsOfTest, door: PipeDoor) -> None:
    first = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    connect_to_pipe(NAME, windows.api).close()
    with pytest.raises(OSError, match="232"):
        door.accept()
    assert served(windows, door).account == "anna"
    connection.close()
    first.close()


def test_whoever_comes_while_all_ends_are_taken_waits(windows: WindowsOfTest, door: PipeDoor) -> None:
    first = connect_to_pipe(NAME, windows.api)
    accepted: list[Any] = []
    late = threading.Timer(0.1, lambda: accepted.append(door.accept()))
    late.start()
    second = connect_to_pipe(NAME, windows.api)
    late.join()
    assert next(call[1] for call in windows.calls if call[0] == "WaitNamedPipeW") == NAME
    for each in (first, second, *accepted):
        each.close()


def test_nobody_there_is_said(windows: WindowsOfTest) -> None:
    with pytest.raises(OSError, match="2"):
        connect_to_pipe(NAME, windows.api)


def test_a_door_that_closes_lets_go_of_whoever_waits_at_it(windows: WindowsOfTest, door: PipeDoor) -> None:
    failed: list[OSError] = []

    def accept() -> None:
        try:
            door.accept()
        except OSError as error:
            failed.append(error)

    waiting = threading.Thread(target=accept)
    waiting.start()
    door.close()
    waiting.join(10)
    assert len(failed) == 1
    assert (windows.servers(), windows.kept) == ([], 0)
    with pytest.raises(OSError, match="995"):
        door.accept()


def test_an_end_waits_before_another_is_answered(windows: WindowsOfTest, door: PipeDoor) -> None:
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    assert len(windows.servers()) == 2
    connection.close()
    assert len(windows.servers()) == 1
    end.close()


def test_without_a_further_end_whoever_came_is_still_answered(windows: WindowsOfTest, door: PipeDoor) -> None:
    end = connect_to_pipe(NAME, windows.api)
    windows.refused["CreateNamedPipeW"] = ACCESS_DENIED
    connection = door.accept()
    windows.refused.clear()
    end.sendall(b"{}\n")
    assert connection.recv(10) == b"{}\n"
    end.close()
    connection.close()
    # The name stood free, so it is taken as it was at the start: by nobody else, or not at all.
    accepted: list[Any] = []
    waiting = threading.Thread(target=lambda: accepted.append(door.accept()))
    waiting.start()
    while not windows.servers():
        waiting.join(0.01)
    assert made_ends(windows)[-1][1] & 0x8_0000
    connect_to_pipe(NAME, windows.api).close()
    waiting.join(10)
    accepted[0].close()


def test_whoever_does_not_read_is_not_waited_for_without_end(windows: WindowsOfTest, door: PipeDoor) -> None:
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    with pytest.raises(TimeoutError):
        connection.sendall(b"x" * 4_000_000)
    end.close()
    connection.close()
    assert windows.open_handles == windows.servers()


def test_what_was_sent_can_be_read_although_the_service_has_closed(windows: WindowsOfTest, door: PipeDoor) -> None:
    end = connect_to_pipe(NAME, windows.api)
    connection = door.accept()
    connection.sendall(b"answer\n")
    closing = threading.Thread(target=connection.close)
    closing.start()
    assert end.recv(100) == b"answer\n"
    end.close()
    closing.join(10)
    assert not closing.is_alive()
