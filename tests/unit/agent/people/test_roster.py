"""A school's own CSV: what is read of it, and how each bad line is told."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.people import roster as module
from agent.people.roster import Part, Roster, RosterClass, RosterPerson, read_csv, read_from_site
from agent.sites.site import NamedClass, NamedPerson, Private
from rules.errors import RefusedRequestError
from rules.roles import Role

HEADER = "id,name,roles,classes\n"
ADA = RosterPerson("Ada Example", frozenset({Role.PUPIL}))


def told(roster: Roster) -> list[str]:
    return [f"{bad.file}:{bad.line}: {bad.why}" for bad in roster.bad]


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(HEADER + "7,Ada Example,pupil,6B\n", id="as-in-the-manual"),
        pytest.param("\ufeff" + HEADER + "7,Ada Example,pupil,6B\n", id="byte-order-mark"),
        pytest.param(HEADER.replace("\n", "\r\n") + "7,Ada Example,pupil,6B\r\n", id="windows-line-ends"),
        pytest.param("id;name;roles;classes\n7;Ada Example;pupil;6B\n", id="semicolons"),
        pytest.param("ID, Name ,Roles,Classes\n 7 , Ada Example , Pupil , 6B \n", id="capitals-and-blanks"),
        pytest.param("house,classes,roles,name,id\nred,6B,pupil,Ada Example,7\n", id="unknown-column-any-order"),
        pytest.param(HEADER + "\n,,,\n7,Ada Example,pupil,6B\n", id="empty-lines"),
        pytest.param(HEADER + '"7","Ada Example","pupil","6B"', id="quoted-without-last-line-end"),
    ],
)
def test_a_person_is_read(text: str) -> None:
    roster = read_csv(text)
    assert roster.people == {"7": ADA}
    assert roster.classes == {"6B": RosterClass("")}
    assert roster.joined == {("7", "6B")}
    assert not roster.bad


@pytest.mark.parametrize(
    ("written", "roles"),
    [
        pytest.param("teacher;class teacher", {Role.TEACHER, Role.CLASS_TEACHER}, id="two"),
        pytest.param("ICT Co-ordinator|SLT", {Role.ICT_COORDINATOR, Role.SLT}, id="as-people-write"),
        pytest.param("E-Safety Governor", {Role.ESAFETY_GOVERNOR}, id="with-a-hyphen"),
    ],
)
def test_roles_are_read_as_people_write_them(written: str, roles: set[Role]) -> None:
    assert read_csv(HEADER + f"7,Ada,{written},\n").people["7"].roles == roles


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param("7,Ada,pupil", "found 3 cells; expected 4", id="too-few-cells"),
        pytest.param("7,Ada,pupil,6B,x", "found 5 cells; expected 4", id="too-many-cells"),
        pytest.param(",Ada,pupil,6B", "id: found no text; expected an id", id="no-id"),
        pytest.param("7,,pupil,6B", "name: found no text; expected a name", id="no-name"),
        pytest.param(f"7,{'a' * 201},pupil,", "name: found 201 characters; expected at most 200", id="long-name"),
        pytest.param("7,A\x07da,pupil,", "name: found a control character; expected readable text", id="control"),
        pytest.param("7,Ada,pupil,6\x1bB", "classes: found a control character; expected readable text", id="class"),
        pytest.param("7,Ada,techer,", "roles: found 'techer'; expected teacher", id="misspelt-role"),
        pytest.param("7,Ada,,", "roles: found no role; expected at least one", id="no-role"),
        pytest.param(
            "7,Ada,pupil;auditor,",
            "roles: found a pupil with other roles; expected a pupil to be nothing else",
            id="both",
        ),
        pytest.param("1,Ada,pupil,", "id: found '1' a second time; expected each person once", id="a-second-time"),
        pytest.param(
            '7,"Ada,pupil,', "found text that is not CSV (unexpected end of data); expected cells", id="open-quote"
        ),
        pytest.param(
            f"7,{'a' * 140_000},pupil,",
            "found text that is not CSV (field larger than field limit (131072)); expected cells",
            id="endless-cell",
        ),
    ],
)
def test_a_bad_line_is_told_with_its_place_and_the_rest_is_read(line: str, why: str) -> None:
    roster = read_csv(HEADER + f"1,Ben,staff,\n{line}\n")
    assert told(roster) == [f"people.csv:3: {why}"]
    assert list(roster.people) == ["1"]


def test_the_place_of_a_line_is_where_it_begins() -> None:
    roster = read_csv(HEADER + '1,"Be\nn",staff,\n2,Cy,staff,\n3,,staff,\n')
    assert [bad.line for bad in roster.bad] == [2, 5]
    assert list(roster.people) == ["2"]


def test_a_bad_line_is_shown_without_what_would_move_the_terminal() -> None:
    assert read_csv(HEADER + f"7,\x1b[2J{'a' * 200},pupil,\n").bad[0].text == "7,·[2J" + "a" * 74


def test_a_roster_with_bad_lines_is_not_complete() -> None:
    assert read_csv(HEADER + "7,Ada,pupil,\n").is_whole(Part.PEOPLE)
    assert not read_csv(HEADER + "7,Ada,pupil,\n8,,pupil,\n").is_whole(Part.PEOPLE)


def test_without_a_column_of_classes_nobody_leaves_one() -> None:
    roster = read_csv("id,name,roles\n7,Ada,pupil\n")
    assert roster.whole == {Part.PEOPLE}


def test_bad_lines_beyond_a_bound_are_only_counted() -> None:
    roster = read_csv(HEADER + "x\n" * (module.MAX_BAD_LINES + 5))
    assert len(roster.bad) == module.MAX_BAD_LINES
    assert roster.bad_lines == module.MAX_BAD_LINES + 5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(
            "", "people.csv:1: found nothing as column names; expected id, name, roles among them", id="empty"
        ),
        pytest.param("id,name\n", "found 'id, name' as column names; expected roles", id="a-column-is-missing"),
        pytest.param("id,name,roles,Name\n", "found the column name twice; expected each once", id="a-column-twice"),
        pytest.param("\0\0\0", "expected id, name, roles among them", id="binary"),
        pytest.param('"id,name', "found nothing as column names", id="open-quote-in-the-header"),
        pytest.param(
            "class,title\n", "people.csv:1: found 'class, title' as column names; expected group", id="classes"
        ),
    ],
)
def test_what_is_no_roster_is_refused_in_one_sentence(text: str, said: str) -> None:
    with pytest.raises(RefusedRequestError, match=said) as refused:
        read_csv(text)
    assert "\n" not in str(refused.value)


def test_too_much_text_is_refused() -> None:
    with pytest.raises(RefusedRequestError, match="expected at most"):
        read_csv("a" * (module.MAX_TEXT_CHARACTERS + 1))


def test_too_many_lines_are_refused() -> None:
    with pytest.raises(RefusedRequestError, match="found more than 500000 lines"):
        read_csv("id,name,roles\n" + "a\n" * (module.MAX_ROWS + 1))


def test_classes_have_a_file_of_their_own() -> None:
    roster = read_csv("class,title,group\n6B,Year 6 Beech,year-6\n6C,Cedar,\n")
    assert roster.classes == {"6B": RosterClass("Year 6 Beech", "year-6"), "6C": RosterClass("Cedar")}
    assert roster.whole == frozenset()


@pytest.mark.parametrize(
    ("line", "why"),
    [
        pytest.param(",Beech,", "class: found no text; expected an id", id="no-class"),
        pytest.param("6B,,", "title: found no text; expected a name", id="no-title"),
        pytest.param("6B,Beech,\x07", "group: found a control character; expected readable text", id="group"),
        pytest.param("6A,Ash,", "class: found '6A' a second time; expected each class once", id="a-second-time"),
    ],
)
def test_a_bad_line_about_a_class(line: str, why: str) -> None:
    roster = read_csv(f"class,title,group\n6A,Ash,\n{line}\n", file="classes.csv")
    assert told(roster) == [f"classes.csv:3: {why}"]


@given(st.text(max_size=400) | st.text(max_size=300).map(lambda text: HEADER + text))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        roster = read_csv(text)
    except RefusedRequestError:
        return
    assert all(bad.text.isprintable() for bad in roster.bad)


def test_the_site_file_is_a_complete_roster() -> None:
    private = Private(
        people={"t-04": NamedPerson("Ada Example", frozenset({"teacher"}), frozenset({"6b"}))},
        classes={"6b": NamedClass("Beech", "year-6")},
    )
    roster = read_from_site(private)
    assert roster.source == "site"
    assert roster.people == {"t-04": RosterPerson("Ada Example", frozenset({Role.TEACHER}))}
    assert roster.classes == {"6b": RosterClass("Beech", "year-6")}
    assert roster.joined == {("t-04", "6b")}
    assert (roster.governs, roster.whole) == (frozenset(Role), frozenset(Part))


def test_a_site_file_without_people_says_nothing_of_them() -> None:
    assert read_from_site(Private(classes={})).whole == {Part.CLASSES}
    assert read_from_site(Private(people={})).whole == frozenset(Part)
    with pytest.raises(RefusedRequestError, match="names nobody; expected the part people, or classes"):
        read_from_site(Private())
