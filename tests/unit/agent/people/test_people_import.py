"""What an import shows, and that it does exactly that: leavers closed, hand-given roles kept, nothing half done."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.people.oneroster import GOVERNED
from agent.people.people import Census, People, Person, SchoolClass
from agent.people.people_import import Changes, apply, diff, diff_again, read_csv
from agent.people.roster import Part, Roster, RosterClass, RosterPerson, read_from_site
from agent.sites.site import NamedClass, NamedPerson, Private
from agent.storage.given_rows import BEGINNING_ENDED
from agent.storage.state import StateStore
from rules.errors import RefusedRequestError
from rules.roles import Role

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
HEADER = "id,name,roles,classes\n"
FIRST = HEADER + "1,Ada Example,teacher,6B;6C\n2,Ben Sample,pupil,6B\n3,Cy Instance,network manager,\n"


def counting() -> Callable[[], str]:
    numbers = itertools.count(1)
    return lambda: f"p{next(numbers)}"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / "state.db", clock=lambda: NOW)
    yield store
    store.close()


@pytest.fixture
def people(store: StateStore) -> People:
    return People(store, new_id=counting())


def import_roster(store: StateStore, people: People, roster: Roster) -> Changes:
    shown = diff(roster, people.census())
    with store.act() as act:
        changes = diff_again(act, roster, digest=shown.digest)
        apply(act, changes, people=people, actor="p0")
    return changes


def named(people: People) -> dict[str, Person]:
    return {person.name: person for person in people.list(with_closed=True)}


def titles(people: People, person: Person) -> list[str]:
    of = {each.id: each.title for each in people.classes()}
    return sorted(of[each] for each in person.classes)


def test_the_first_import_shows_everybody_as_new() -> None:
    changes = diff(read_csv(FIRST), Census(is_beginning=True))
    assert changes.lines() == [
        "+ class 6B (group 6b)",
        "+ class 6C (group 6c)",
        "+ Ada Example: teacher in 6B, 6C",
        "+ Ben Sample: pupil in 6B",
        "+ Cy Instance: network_manager",
    ]
    assert changes.summary() == "3 people added, 0 changed, 0 closed; 2 classes added, changed or closed."
    assert changes.warnings == ("Cy Instance becomes network_manager: see that this is meant.",)


def test_what_was_shown_is_done(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    ada = named(people)["Ada Example"]
    assert ada.roles == {Role.TEACHER}
    assert titles(people, ada) == ["6B", "6C"]
    assert {each.title: each.group for each in people.classes()} == {"6B": "6b", "6C": "6c"}


def test_the_same_file_again_changes_nothing(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    again = diff(read_csv(FIRST), people.census())
    assert again.lines() == []
    assert again.warnings == ()


def test_the_next_year_is_shown_as_what_changes(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    text = HEADER + "1,Ada Other,teacher;slt,6C\n3,Cy Instance,network manager,\n4,Di New,pupil,7A\n"
    changes = import_roster(store, people, read_csv(text))
    assert changes.lines() == [
        "+ class 7A (group 7a)",
        "- class 6B",
        "~ Ada Other: was called Ada Example; teacher → slt, teacher; leaves 6B",
        "+ Di New: pupil in 7A",
        "- Ben Sample",
    ]
    assert [len(part) for part in (changes.added, changes.changed, changes.closed)] == [1, 1, 1]
    assert named(people)["Ben Sample"] == Person("p2", "Ben Sample", closed=True, source="csv", external_id="2")
    assert [each.title for each in people.classes()] == ["6C", "7A"]


def test_who_comes_back_is_the_same_person(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    import_roster(store, people, read_csv(HEADER + "1,Ada Example,teacher,6B\n3,Cy Instance,network manager,\n"))
    changes = import_roster(store, people, read_csv(FIRST))
    assert "~ Ben Sample: pupil in 6B" in changes.lines()
    assert named(people)["Ben Sample"].id == "p2"


def test_a_file_with_bad_lines_closes_nobody_and_says_so(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    changes = diff(read_csv(HEADER + "1,,teacher,6B\n3,Cy Instance,network manager,\n"), people.census())
    assert changes.lines() == []
    assert changes.warnings == ("1 lines cannot be used, so nobody is closed and nobody leaves a class.",)


def test_people_of_another_source_stay(store: StateStore, people: People) -> None:
    with store.act() as act:
        people.open(act, "Ada Example", [Role.HEAD_TEACHER], actor="system")
    changes = import_roster(store, people, read_csv(HEADER + "1,Ada Example,teacher,\n"))
    assert not changes.closed
    assert changes.warnings == ("Ada Example is known already (hand): see that this is somebody else.",)
    assert len(people.list()) == 2


def test_a_class_that_ends_ends_for_everybody(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    of = {each.title: each.id for each in people.classes()}
    with store.act() as act:
        people.open(act, "Fay Hand", [Role.STAFF], actor="system", classes=[of["6B"], of["6C"]])
    changes = import_roster(store, people, read_csv(FIRST.replace("6B;6C", "6C").replace("pupil,6B", "pupil,6C")))
    assert "~ Fay Hand: leaves 6B" in changes.lines()
    assert titles(people, named(people)["Fay Hand"]) == ["6C"]


def test_the_title_and_group_of_a_class_outlive_an_import_of_people(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv("class,title,group\n6B,Year 6 Beech,year-6\n6C,Cedar,\n"))
    import_roster(store, people, read_csv(FIRST))
    assert {each.title: each.group for each in people.classes()} == {"Year 6 Beech": "year-6", "Cedar": "cedar"}


def test_a_change_of_a_class_is_shown(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    changes = diff(read_csv("class,title,group\n6B,Beech,year-6\n"), people.census())
    assert changes.lines() == ["~ class Beech (group year-6)"]


def one_roster(**people: RosterPerson) -> Roster:
    roster = Roster("oneroster", GOVERNED, dict(people), {"c1": RosterClass("6B"), "c2": RosterClass("7A")})
    roster.whole = frozenset(Part)
    return roster


BEN = RosterPerson("Ben", frozenset({Role.TEACHER}))


def test_roles_given_by_hand_outlive_an_import_that_does_not_govern_them(store: StateStore, people: People) -> None:
    import_roster(store, people, one_roster(u1=BEN))
    with store.act() as act:
        people.change_roles(act, "p1", [Role.TEACHER, Role.ICT_COORDINATOR], actor="p9")
    changes = import_roster(store, people, one_roster(u1=RosterPerson("Ben", frozenset({Role.STAFF}))))
    assert changes.lines() == ["~ Ben: ict_coordinator, teacher → ict_coordinator, staff"]


def test_a_pupil_never_keeps_a_role_given_by_hand(store: StateStore, people: People) -> None:
    import_roster(store, people, one_roster(u1=BEN))
    with store.act() as act:
        people.change_roles(act, "p1", [Role.ICT_COORDINATOR], actor="p9")
    changes = diff(one_roster(u1=RosterPerson("Ben", frozenset({Role.PUPIL}))), people.census())
    assert changes.lines() == []
    assert changes.warnings == (
        "Ben stays as before: found a pupil with other roles; expected a pupil to be nothing else.",
    )


def test_changes_alone_move_people_between_classes(store: StateStore, people: People) -> None:
    first = one_roster(u1=BEN, u2=RosterPerson("Cy", frozenset({Role.PUPIL})))
    first.joined = {("u1", "c1"), ("u2", "c1"), ("u9", "c1"), ("u1", "unknown")}
    import_roster(store, people, first)
    delta = Roster("oneroster", GOVERNED, joined={("u1", "c2")}, left={("u1", "c1")}, gone_people={"u2"})
    changes = import_roster(store, people, delta)
    assert changes.lines() == ["~ Ben: joins 7A; leaves 6B", "- Cy"]


def test_a_class_that_is_gone_is_closed(store: StateStore, people: People) -> None:
    import_roster(store, people, one_roster(u1=BEN))
    changes = import_roster(store, people, Roster("oneroster", GOVERNED, gone_classes={"c1", "c9"}))
    assert changes.lines() == ["- class 6B"]


def test_who_has_no_role_is_left_out_and_told() -> None:
    changes = diff(Roster("oneroster", GOVERNED, {"u1": RosterPerson("Ben", frozenset())}), Census())
    assert changes.lines() == []
    assert changes.warnings == ("Ben stays as before: found no role; expected at least one.",)


def test_a_file_that_does_not_say_the_roles_keeps_them(store: StateStore, people: People) -> None:
    import_roster(store, people, one_roster(u1=BEN))
    delta = Roster("oneroster", GOVERNED, {"u1": RosterPerson("Ben B", frozenset())})
    assert diff(delta, people.census()).lines() == ["~ Ben B: was called Ben"]


def test_many_leavers_are_a_warning() -> None:
    known = tuple(
        Person(f"p{n}", f"N{n}", frozenset({Role.PUPIL}), source="csv", external_id=f"{n}") for n in range(30)
    )
    changes = diff(read_csv(HEADER + "1,N1,pupil,\n"), Census(known))
    assert changes.warnings == ("29 of 30 people would be closed; look whether the file is complete.",)


def test_what_was_changed_since_it_was_shown_is_not_done(store: StateStore, people: People) -> None:
    roster = read_csv(FIRST)
    shown = diff(roster, people.census())
    import_roster(store, people, read_csv(HEADER + "1,Ada Example,teacher,\n"))
    with pytest.raises(RefusedRequestError, match="look at it again"), store.act() as act:
        diff_again(act, roster, digest=shown.digest)


def test_an_import_that_changes_ones_own_roles_does_nothing_at_all(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    changes = diff(read_csv(FIRST.replace("network manager", "head teacher").replace("Ben", "Bo")), people.census())
    with pytest.raises(RefusedRequestError, match="Nobody changes their own roles"), store.act() as act:
        apply(act, changes, people=people, actor="p3")
    assert "Ben Sample" in named(people)


def test_an_import_is_a_row_and_so_is_each_change(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    with store.read() as database:
        rows = [(row["kind"], row["actor"]) for row in database.execute("SELECT * FROM audit ORDER BY number")]
        facts = database.execute("SELECT facts FROM audit WHERE kind = 'people_imported'").fetchone()[0]
    assert rows == [("people_changed", "p0")] * 5 + [("people_imported", "p0")]
    assert facts == '{"added":3,"changed":0,"classes":2,"closed":0,"source":"csv","waiting":0}'


def test_a_running_override_keeps_its_requester(store: StateStore, people: People) -> None:
    import_roster(store, people, read_csv(FIRST))
    with store.act() as act:
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at) "
            "VALUES ('o1', 'p1', '', '', 'approved', '', '', '')"
        )
    import_roster(store, people, read_csv(HEADER + "3,Cy Instance,network manager,\n"))
    assert named(people)["Ada Example"].closed


def test_the_class_is_a_value_that_can_be_compared() -> None:
    known = Census(classes=(SchoolClass("x", "6B", "6b", source="other", external_id="6B"),))
    assert len(diff(read_csv(FIRST), known).classes) == 2


def of_site(*names: str) -> Roster:
    """Give what a site file says of people; the first is a class teacher of 6B."""
    people = {
        name.lower(): NamedPerson(name, frozenset({"class_teacher"}), frozenset({"6b"} if number == 0 else ()))
        for number, name in enumerate(names)
    }
    return read_from_site(Private(people=people, classes={"6b": NamedClass("6B", "year-6")}))


def test_the_site_file_is_taken_over_like_any_other(store: StateStore, people: People) -> None:
    assert import_roster(store, people, of_site("Ada", "Ben")).lines() == [
        "+ class 6B (group year-6)",
        "+ Ada: class_teacher in 6B",
        "+ Ben: class_teacher",
    ]
    assert diff(of_site("Ada", "Ben"), people.census()).lines() == []
    assert import_roster(store, people, of_site("Ada")).lines() == ["- Ben"]
    assert named(people)["Ben"] == Person("p2", "Ben", closed=True, source="site", external_id="ben")


def test_sources_stand_side_by_side(store: StateStore, people: People) -> None:
    """Whichever is taken over again, and whatever is gone from it, nobody of another source leaves or moves."""
    school = one_roster(u1=BEN, u2=RosterPerson("Uma", frozenset({Role.PUPIL})))
    school.joined = {("u1", "c1"), ("u2", "c1")}
    with store.act() as act:
        people.open(act, "Hana Hand", [Role.HEAD_TEACHER], actor="system")
    sources = {"csv": read_csv(FIRST), "oneroster": school, "site": of_site("Ada S", "Bo S")}
    for roster in sources.values():
        import_roster(store, people, roster)
    assert {each.title: each.group for each in people.classes() if each.source == "site"} == {"6B": "year-6"}
    assert [each.title for each in people.classes()].count("6B") == 3
    smaller = {
        "csv": read_csv(HEADER + "3,Cy Instance,network manager,\n"),
        "oneroster": one_roster(u1=BEN),
        "site": of_site("Ada S"),
    }
    for source, roster in smaller.items():
        before = {each for each in people.list() if each.source != source}
        changes = import_roster(store, people, roster)
        assert changes.closed
        assert {change.after.source for change in changes.people} == {source}
        assert {change.after.source for change in changes.classes} <= {source}
        assert {each for each in people.list() if each.source != source} == before
        assert not diff(roster, people.census()).lines()
    assert {each.name for each in people.list()} == {"Ada S", "Ben", "Cy Instance", "Hana Hand"}


def test_a_leaver_of_the_site_file_stays_on_the_record_with_a_running_override(
    store: StateStore, people: People
) -> None:
    import_roster(store, people, of_site("Ada", "Ben"))
    with store.act() as act:
        act.database.execute(
            "INSERT INTO overrides (id, requester, lift, reason, state, requested_at, from_at, until_at) "
            "VALUES ('o1', 'p1', '', '', 'approved', '', '', '')"
        )
    import_roster(store, people, of_site("Ben"))
    with store.read() as database:
        (row,) = database.execute("SELECT requester, state FROM overrides").fetchall()
    assert (row["requester"], row["state"]) == ("p1", "approved")
    assert named(people)["Ada"].closed


def test_a_role_that_waits_is_no_change_and_goes_on_waiting(store: StateStore, people: People) -> None:
    with store.act() as act:
        act.note(BEGINNING_ENDED, actor="system")
    roster = read_csv(FIRST)
    changes = diff(roster, people.census())
    assert changes.waits
    assert replace(changes, waits=False).digest != changes.digest
    with store.act() as act:
        assert apply(act, changes, people=people, actor="p0") == 1
    cy = named(people)["Cy Instance"]
    assert (cy.roles, cy.waiting) == (frozenset(), frozenset({Role.NETWORK_MANAGER}))
    assert diff(roster, people.census()).lines() == []
    changed = diff(read_csv(FIRST.replace("network manager", "head teacher")), people.census())
    assert changed.lines() == ["~ Cy Instance: network_manager → head_teacher"]
    assert not changed.takes_from_deciders, "what waits decides nothing"
    moved = diff(read_csv(FIRST.replace("Cy Instance", "Cy Other")), people.census())
    with store.act() as act:
        assert apply(act, moved, people=people, actor="p8") == 0
    assert named(people)["Cy Other"].waiting == {Role.NETWORK_MANAGER}


@pytest.mark.parametrize("leaves", [False, True], ids=["loses-a-role", "leaves"])
def test_that_somebody_who_decides_does_so_no_longer_is_known_before(
    store: StateStore, people: People, *, leaves: bool
) -> None:
    import_roster(store, people, read_csv(FIRST))
    lines = FIRST.splitlines()
    text = "\n".join(lines[:-1]) if leaves else FIRST.replace("network manager", "staff")
    assert diff(read_csv(text), people.census()).takes_from_deciders
    assert not diff(read_csv(FIRST.replace("Ada", "Eve")), people.census()).takes_from_deciders


def test_who_becomes_an_approver_by_the_site_file_is_pointed_out() -> None:
    private = Private(people={"c": NamedPerson("Cora", frozenset({"ict_coordinator"}))})
    assert diff(read_from_site(private), Census()).warnings == (
        "Cora becomes ict_coordinator: see that this is meant; it waits for a second person.",
    )
