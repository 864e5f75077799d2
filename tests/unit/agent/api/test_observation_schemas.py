"""What machines tell, read item by item: one that is wrong is said and keeps nothing else from being read."""

from typing import Any

import pytest

from agent.api.observation_schemas import EventAsked, SignInAsked, read_items, tell_taken
from agent.observing.observing_told import Refused, Taken
from agent.storage.presence_rows import SignIn

EVENT = {"id": "event-0001", "kind": "media", "at": "2026-03-02T09:15:00+00:00", "device": "192.0.2.130"}
SIGN_IN = {"id": "radius-1", "device": "192.0.2.7", "account": " ada ", "from_at": "2026-03-02T09:15:00+00:00"}


def test_an_item_is_read_as_the_service_takes_it() -> None:
    read, refused = read_items([SIGN_IN], SignInAsked)
    assert refused == []
    told = read[0].told()
    assert (told.account, told.kind, told.until_at) == ("ada", SignIn.LOGON, None)
    read_events, _ = read_items([EVENT | {"facts": {"bus": "usb", "sticks": 2, "is_new": True}}], EventAsked)
    assert read_events[0].told().facts == {"bus": "usb", "sticks": 2, "is_new": True}


@pytest.mark.parametrize(
    ("item", "where"),
    [
        pytest.param([], "", id="no-mapping"),
        pytest.param("text", "", id="a-text"),
        pytest.param(None, "", id="nothing"),
        pytest.param(EVENT | {"id": "short"}, "id", id="an-id-that-is-short"),
        pytest.param(EVENT | {"at": 1_772_000_000}, "at", id="an-instant-as-a-number"),
        pytest.param(EVENT | {"at": "2026-03-02T09:15:00"}, "at", id="an-instant-of-nowhere"),
        pytest.param(EVENT | {"at": "9999-03-02T09:15:00Z"}, "at", id="an-instant-out-of-reach"),
        pytest.param(EVENT | {"facts": {"x" * 41: 1}}, "facts", id="a-long-name-of-a-fact"),
        pytest.param(EVENT | {"facts": {"note": "x" * 201}}, "facts", id="a-long-fact"),
        pytest.param(EVENT | {"facts": {"note": {"deep": 1}}}, "facts", id="a-fact-in-a-fact"),
        pytest.param(EVENT | {"facts": {f"fact{number}": 1 for number in range(17)}}, "facts", id="too-many-facts"),
        pytest.param(EVENT | {"facts": {"kind": "other"}}, "facts", id="a-fact-that-is-no-machines-to-say"),
        pytest.param(EVENT | {"signals": 0}, "signals", id="no-signals"),
        pytest.param(EVENT | {"signals": True}, "signals", id="signals-that-are-no-number"),
        pytest.param(EVENT | {"person": "Ada"}, "person", id="a-key-that-nobody-knows"),
        pytest.param({key: EVENT[key] for key in ("id", "kind", "at")}, "device", id="no-device"),
    ],
)
def test_each_fault_is_one_sentence_of_its_item(item: Any, where: str) -> None:
    read, refused = read_items([EVENT, item, EVENT], EventAsked)
    assert list(read) == [0, 2]
    (fault,) = refused
    assert fault.place == 1
    assert fault.why.startswith(where)
    assert fault.why.endswith((".", "!", "?"))
    assert "\n" not in fault.why


def test_an_id_that_is_none_is_not_repeated() -> None:
    _, refused = read_items([EVENT | {"id": "x" * 5_000}, EVENT | {"id": "\x1b[2J"}, EVENT | {"id": 7}], EventAsked)
    assert [each.id for each in refused] == ["", "", ""]


def test_refusals_are_told_by_their_place_in_what_was_sent() -> None:
    taken = Taken(1, 1, (Refused(2, "c", "No."),))
    told = tell_taken(taken, [0, 3, 5], [Refused(1, "b", "Not so.")])
    assert [(each.place, each.id) for each in told.refused] == [(1, "b"), (5, "c")]
