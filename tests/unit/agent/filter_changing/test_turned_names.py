"""Names that would turn: told of enough devices on one day alone, most first, and never more than so many."""

from agent.filter_changing.turned_names import Turn, TurnedName, TurnedNames
from rules.subject import Audience


def taken(names: TurnedNames, name: str, *devices: str, turn: Turn = Turn.OPENED, is_sure: bool = True) -> None:
    for device in devices:
        names.take((Audience.PUPIL, turn, name), is_sure=is_sure, times=2, pseudonym=device)


def told(names: TurnedNames, small_number: int = 3, most: int = 20) -> list[tuple[str, int, int]]:
    found = names.told(small_number=small_number, most=most)
    return [(each.name, each.devices, each.questions) for each in found]


def test_a_name_of_fewer_devices_is_not_told_however_often_they_asked() -> None:
    names = TurnedNames()
    taken(names, "few.example", "a", "b", "a", "a", "b")
    taken(names, "enough.example", "a", "b", "c")
    names.end_day()
    assert told(names) == [("enough.example", 3, 6)]


def test_devices_of_several_days_are_not_added_up_because_they_may_be_the_same() -> None:
    names = TurnedNames()
    for day in range(5):
        taken(names, "daily.example", f"a{day}", f"b{day}")
        names.end_day()
    assert told(names) == []


def test_the_day_with_the_most_devices_counts() -> None:
    names = TurnedNames()
    taken(names, "a.example", "a", "b", "c", "d")
    names.end_day()
    taken(names, "a.example", "e", "f", "g")
    names.end_day()
    assert told(names) == [("a.example", 4, 14)]


def test_those_of_most_devices_stand_first_and_of_each_turn_there_are_so_many_at_most() -> None:
    names = TurnedNames()
    for number in range(4):
        devices = [f"d{each}" for each in range(3 + number)]
        taken(names, f"open{number}.example", *devices)
        taken(names, f"closed{number}.example", *devices, turn=Turn.CLOSED)
    names.end_day()
    assert [name for name, _, _ in told(names, most=2)] == [
        "open3.example", "open2.example", "closed3.example", "closed2.example",
    ]  # fmt: skip


def test_what_is_sure_for_some_of_the_questions_is_said_to_be_sure() -> None:
    names = TurnedNames()
    taken(names, "a.example", "a", is_sure=False)
    taken(names, "a.example", "b", "c")
    taken(names, "b.example", "a", "b", "c", is_sure=False)
    names.end_day()
    assert names.told(small_number=3, most=9) == (
        TurnedName(Audience.PUPIL, Turn.OPENED, "a.example", is_sure=True, devices=3, questions=6),
        TurnedName(Audience.PUPIL, Turn.OPENED, "b.example", is_sure=False, devices=3, questions=6),
    )
