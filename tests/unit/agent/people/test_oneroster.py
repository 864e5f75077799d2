"""OneRoster archives: both versions, complete lists and changes, several schools, and archives made to hurt."""

import contextlib
import io
import stat
import zipfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.people.oneroster import GOVERNED, MAX_ARCHIVE_BYTES, MAX_MEMBERS, MAX_UNPACKED_BYTES, read_oneroster
from agent.people.roster import Part, Roster, RosterClass, RosterPerson
from rules.errors import RefusedRequestError
from rules.roles import Role

USERS_1_1 = """sourcedId,status,dateLastModified,enabledUser,orgSourcedIds,role,username,givenName,familyName,x
u1,,,true,s1,student,ada,Ada,Example,1
u2,,,true,"s1,s2",teacher,ben,Ben,Sample,1
u3,,,true,s2,administrator,cy,Cy,Instance,1
u4,,,true,s1,guardian,di,Di,Example,1
u5,,,false,s1,student,ed,Ed,Gone,1
"""
USERS_1_2 = """sourcedId,status,dateLastModified,enabledUser,username,givenName,familyName
u1,,,true,ada,Ada,Example
u2,,,true,ben,Ben,Sample
u3,,,true,cy,Cy,Instance
u4,,,true,di,Di,Example
u5,,,false,ed,Ed,Gone
"""
ROLES = """sourcedId,status,dateLastModified,userSourcedId,roleType,role,beginDate,endDate,orgSourcedId
r1,,,u1,primary,student,,,s1
r2,,,u2,primary,teacher,,,s1
r3,,,u2,secondary,aide,,,s2
r4,,,u3,primary,principal,,,s2
r5,,,u4,primary,parent,,,s1
"""
ORGS = "sourcedId,status,dateLastModified,name,type,identifier\nd,,,Trust,district,\ns1,,,Hill Primary,school,\n"
CLASSES = """sourcedId,status,dateLastModified,title,classCode,schoolSourcedId
c1,,,6B,6B,s1
c2,,,7A,7A,s2
"""
ENROLMENTS = """sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,beginDate,endDate
e1,,,c1,s1,u1,student,2026-09-01,2027-07-20
e2,,,c1,s1,u2,teacher,,
e3,,,c2,s2,u2,teacher,,
e4,,,c1,s1,u4,guardian,,
"""


def manifest(version: str = "1.1", **modes: str) -> str:
    lines = "".join(f"file.{file},{mode}\n" for file, mode in modes.items())
    return f"propertyName,value\nmanifest.version,1.0\noneroster.version,{version}\n{lines}"


def pack(folder: str = "", /, **files: str | bytes) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for file, content in files.items():
            archive.writestr(f"{folder}{file}.csv", content)
    packed.seek(0)
    return packed


def whole(**changed: str | bytes) -> io.BytesIO:
    files: dict[str, str | bytes] = {"users": USERS_1_1, "orgs": ORGS, "classes": CLASSES, "enrollments": ENROLMENTS}
    return pack("", **(files | changed))


def told(roster: Roster) -> list[str]:
    return [f"{bad.file}:{bad.line}: {bad.why}" for bad in roster.bad]


def test_version_1_1_is_read(tmp_path: Path) -> None:
    modes = {"users": "bulk", "orgs": "bulk", "classes": "bulk", "enrollments": "bulk", "demographics": "absent"}
    path = tmp_path / "roster.zip"
    path.write_bytes(whole(manifest=manifest(**modes)).getvalue())
    roster = read_oneroster(path)
    assert roster.source == "oneroster"
    assert roster.governs == GOVERNED
    assert roster.people == {
        "u1": RosterPerson("Ada Example", frozenset({Role.PUPIL})),
        "u2": RosterPerson("Ben Sample", frozenset({Role.TEACHER})),
        "u3": RosterPerson("Cy Instance", frozenset({Role.STAFF})),
    }
    assert roster.gone_people == {"u5"}
    assert roster.classes == {"c1": RosterClass("6B"), "c2": RosterClass("7A")}
    assert roster.joined == {("u1", "c1"), ("u2", "c1"), ("u2", "c2")}
    assert roster.whole == frozenset(Part)
    assert roster.notes == ["1 parents, guardians and relatives were left out."]
    assert not roster.bad


def test_version_1_2_takes_roles_from_their_own_file() -> None:
    roster = read_oneroster(whole(manifest=manifest("1.2"), users=USERS_1_2, roles=ROLES))
    assert {user: set(person.roles) for user, person in roster.people.items()} == {
        "u1": {Role.PUPIL},
        "u2": {Role.TEACHER, Role.STAFF},
        "u3": {Role.STAFF},
    }
    assert roster.gone_people == {"u5"}


def test_nobody_becomes_an_approver_by_a_file_of_another_system() -> None:
    assert {Role.PUPIL, Role.TEACHER, Role.STAFF} == GOVERNED
    roles = ROLES.replace("teacher", "systemAdministrator").replace("aide", "districtAdministrator")
    roster = read_oneroster(whole(manifest=manifest("1.2"), users=USERS_1_2, roles=roles))
    assert all(person.roles <= GOVERNED for person in roster.people.values())


def test_whoever_learns_and_teaches_is_a_pupil() -> None:
    roster = read_oneroster(whole(users=USERS_1_2, roles=ROLES.replace("aide", "student")))
    assert roster.people["u2"].roles == {Role.PUPIL}


def test_an_archive_may_keep_its_files_in_a_folder() -> None:
    roster = read_oneroster(pack("export/", users=USERS_1_1))
    assert len(roster.people) == 3


def test_without_a_manifest_each_file_is_complete_and_that_is_said() -> None:
    roster = read_oneroster(pack(users=USERS_1_1))
    assert roster.whole == {Part.PEOPLE}
    assert roster.notes[0].startswith("There is no manifest.csv")


def test_changes_only_name_who_comes_and_who_goes() -> None:
    users = "sourcedId,status,role,givenName,familyName\nu1,active,student,Ada,Example\nu2,tobedeleted,,,\n"
    enrolments = (
        "sourcedId,status,classSourcedId,userSourcedId,role\ne1,active,c2,u1,student\ne2,tobedeleted,c1,u1,student\n"
    )
    classes = "sourcedId,status,title\nc2,active,7A\nc1,tobedeleted,6B\n"
    stated = manifest(users="delta", enrollments="delta", classes="delta")
    roster = read_oneroster(pack(manifest=stated, users=users, enrollments=enrolments, classes=classes))
    assert list(roster.people) == ["u1"]
    assert roster.gone_people == {"u2"}
    assert roster.gone_classes == {"c1"}
    assert (roster.joined, roster.left) == ({("u1", "c2")}, {("u1", "c1")})
    assert roster.whole == frozenset()
    assert not roster.bad


@pytest.mark.parametrize(
    ("today", "is_in"),
    [
        pytest.param(date(2026, 8, 31), False, id="before-it-begins"),
        pytest.param(date(2026, 9, 1), True, id="first-day"),
        pytest.param(date(2027, 7, 20), True, id="last-day"),
        pytest.param(date(2027, 7, 21), False, id="after-it-ended"),
        pytest.param(None, True, id="whatever-the-day"),
    ],
)
def test_an_enrolment_counts_in_its_time(today: date | None, is_in: bool) -> None:
    assert (("u1", "c1") in read_oneroster(whole(), today=today).joined) == is_in


TWO_SCHOOLS = ORGS + "s2,,,Vale Primary,school,\n"


def test_of_several_schools_one_must_be_named() -> None:
    with pytest.raises(
        RefusedRequestError, match=r"2 schools; say which is meant: s1 \(Hill .*\), s2 \(Vale Primary\)"
    ):
        read_oneroster(whole(orgs=TWO_SCHOOLS))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_only_the_named_school_is_read(version: str) -> None:
    files = {"users": USERS_1_1} if version == "1.1" else {"users": USERS_1_2, "roles": ROLES}
    roster = read_oneroster(whole(orgs=TWO_SCHOOLS, manifest=manifest(version), **files), school="s2")
    assert sorted(roster.people) == ["u2", "u3"]
    assert list(roster.classes) == ["c2"]
    assert roster.joined == {("u2", "c2")}


def test_a_school_that_is_not_there_is_told() -> None:
    with pytest.raises(RefusedRequestError, match=r"found no school 's9'; expected s1 \(Hill Primary\)"):
        read_oneroster(whole(), school="s9")


def test_a_school_that_was_deleted_is_none() -> None:
    assert read_oneroster(whole(orgs=ORGS + "s2,tobedeleted,,Vale,school,\n")).people


@pytest.mark.parametrize(
    ("files", "why"),
    [
        pytest.param(
            {"users": USERS_1_1 + "u6,,,true,s1,wizard,x,Fay,New,1\n"},
            "users.csv:7: role: found 'wizard'; expected student, teacher, aide or administrator",
            id="unknown-role",
        ),
        pytest.param(
            {"users": USERS_1_1 + "u6,maybe,,true,s1,student,x,Fay,New,1\n"},
            "users.csv:7: status: found 'maybe'; expected active or tobedeleted",
            id="unknown-status",
        ),
        pytest.param(
            {"users": USERS_1_1 + ",,,true,s1,student,x,Fay,New,1\n"},
            "users.csv:7: sourcedId: found no text; expected an id",
            id="no-id",
        ),
        pytest.param(
            {"users": USERS_1_1 + "u6,,,true,s1,student,x,,,1\n"},
            "users.csv:7: givenName, familyName: found no text; expected a name",
            id="no-name",
        ),
        pytest.param(
            {"users": USERS_1_1 + "u1,,,true,s1,student,x,Fay,New,1\n"},
            "users.csv:7: sourcedId: found 'u1' a second time; expected each person once",
            id="a-user-twice",
        ),
        pytest.param(
            {"classes": CLASSES + "c1,,,6B,6B,s1\n"},
            "classes.csv:4: sourcedId: found 'c1' a second time; expected each once",
            id="a-class-twice",
        ),
        pytest.param(
            {"enrollments": ENROLMENTS + "e9,,,c1,s1,u1,student,1 Sept,\n"},
            "enrollments.csv:6: beginDate: found '1 Sept'; expected a date such as 2026-09-01",
            id="no-date",
        ),
        pytest.param(
            {"enrollments": ENROLMENTS + "e9,,,,s1,u1,student,,\n"},
            "enrollments.csv:6: classSourcedId: found no text; expected an id",
            id="no-class",
        ),
    ],
)
def test_a_bad_line_is_told_with_its_file_and_line(files: dict[str, str], why: str) -> None:
    roster = read_oneroster(whole(**files))
    assert told(roster) == [why]
    assert not roster.is_whole(Part.PEOPLE)


def raw_zip(*members: tuple[zipfile.ZipInfo | str, bytes]) -> io.BytesIO:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members:
            archive.writestr(name, content, zipfile.ZIP_DEFLATED)
    packed.seek(0)
    return packed


def link() -> zipfile.ZipInfo:
    info = zipfile.ZipInfo("users.csv")
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info


def encrypted() -> io.BytesIO:
    octets = bytearray(pack(users=USERS_1_1).getvalue())
    octets[6] |= 1
    octets[octets.rindex(b"PK\x01\x02") + 8] |= 1
    return io.BytesIO(bytes(octets))


def wrong_sum() -> io.BytesIO:
    octets = bytearray(pack(users=USERS_1_1).getvalue())
    at = octets.rindex(b"PK\x01\x02") + 16
    octets[at : at + 4] = b"\0\0\0\0"
    return io.BytesIO(bytes(octets))


@pytest.mark.parametrize(
    ("archive", "said"),
    [
        pytest.param(io.BytesIO(), "no zip archive that can be read", id="nothing"),
        pytest.param(io.BytesIO(b"sourcedId,name\n"), "no zip archive that can be read", id="a-csv"),
        pytest.param(io.BytesIO(pack(users=USERS_1_1).getvalue()[:-30]), "no zip archive", id="cut-off"),
        pytest.param(wrong_sum(), "no zip archive that can be read", id="wrong-check-sum"),
        pytest.param(encrypted(), "encrypted; expected an archive without a password", id="encrypted"),
        pytest.param(raw_zip(("../users.csv", b"x")), "leads out of the archive; nothing of it is used", id="above"),
        pytest.param(raw_zip(("/etc/users.csv", b"x")), "leads out of the archive", id="absolute"),
        pytest.param(raw_zip(("a\\..\\users.csv", b"x")), "leads out of the archive", id="backslashes"),
        pytest.param(raw_zip(("C:/users.csv", b"x")), "leads out of the archive", id="drive"),
        pytest.param(raw_zip((link(), b"/etc/passwd")), "found the link 'users.csv'", id="link"),
        pytest.param(raw_zip(("users.csv", b"x"), ("a/users.csv", b"x")), "found users.csv twice", id="a-file-twice"),
        pytest.param(raw_zip(("a.txt", b"x")), "found no users.csv; expected a OneRoster", id="another-archive"),
        pytest.param(
            raw_zip(*((f"{number}", b"") for number in range(MAX_MEMBERS + 1))), "found 1001 files", id="many-files"
        ),
        pytest.param(
            raw_zip(("users.csv", bytes(MAX_UNPACKED_BYTES + 1))), "found more than 64 MB of text", id="explodes"
        ),
        pytest.param(
            io.BytesIO(bytes(MAX_ARCHIVE_BYTES + (1 << 20))), "found 17 MB; expected an archive", id="large"
        ),
        pytest.param(pack(users=b"sourcedId\n\xff"), "users.csv:2: found text that is not UTF-8", id="not-utf-8"),
        pytest.param(pack(users="sourcedId,role\n"), "expected givenName, familyName among them", id="columns"),
        pytest.param(pack(users=USERS_1_2), "no column role and no roles.csv", id="no-roles"),
        pytest.param(whole(manifest=manifest("1.0")), "found '1.0' as oneroster.version; expected 1.1", id="version"),
        pytest.param(whole(manifest=manifest(users="some")), "found 'some' as file.users; expected bulk", id="mode"),
        pytest.param(whole(manifest=manifest(users="absent")), "users.csv is in the archive", id="absent-but-there"),
        pytest.param(
            whole(manifest=manifest(roles="bulk")), "roles.csv is not in the archive", id="there-but-absent"
        ),
    ],
)
def test_an_archive_that_cannot_be_used_is_refused_in_one_sentence(archive: io.BytesIO, said: str) -> None:
    with pytest.raises(RefusedRequestError, match=said) as refused:
        read_oneroster(archive, name="roster.zip")
    assert "\n" not in str(refused.value)
    assert str(refused.value).endswith(".")


def test_a_missing_file_is_refused_in_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(RefusedRequestError, match=r"none\.zip: found no zip archive that can be read \(No such file"):
        read_oneroster(tmp_path / "none.zip")


GOOD = whole(manifest=manifest()).getvalue()


@settings(deadline=None)
@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), max_size=8), st.integers(0, 40))
def test_a_damaged_archive_is_read_or_refused(changes: list[tuple[int, int]], cut: int) -> None:
    octets = bytearray(GOOD)
    for at, value in changes:
        octets[at] = value
    with contextlib.suppress(RefusedRequestError):
        read_oneroster(io.BytesIO(bytes(octets[: len(octets) - cut])))
