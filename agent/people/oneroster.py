"""OneRoster 1.1 and 1.2 archives: a zip of CSV files with users, classes, enrolments and organisations.

Nothing is unpacked to disk; each file that is needed is read within a bound, whatever the archive says of its size.
A roster from there decides only who is pupil, teacher or staff: who may approve is never taken from a file that
another system wrote.

Source: 1EdTech OneRoster CSV tables 1.1 and CSV binding 1.2.
"""

import lzma
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import IO, Final

from agent.people.roster import Part, Roster, RosterClass, RosterPerson, Row, Table, parse_id, parse_title
from rules.document import describe
from rules.errors import RefusedRequestError
from rules.roles import Role

MAX_ARCHIVE_BYTES: Final = 16 * 1024 * 1024
MAX_UNPACKED_BYTES: Final = 64 * 1024 * 1024
MAX_MEMBERS: Final = 1000
SOURCE: Final = "oneroster"
VERSIONS: Final = ("1.1", "1.2")
GOVERNED: Final = frozenset({Role.PUPIL, Role.TEACHER, Role.STAFF})

_READ: Final = ("manifest", "users", "roles", "orgs", "classes", "enrollments")
_ROLES: Final[Mapping[str, Role | None]] = {
    "student": Role.PUPIL,
    "teacher": Role.TEACHER,
    **dict.fromkeys(
        (
            "administrator",
            "aide",
            "counselor",
            "districtadministrator",
            "principal",
            "proctor",
            "siteadministrator",
            "systemadministrator",
        ),
        Role.STAFF,
    ),
    # Families are nobody's users here.
    **dict.fromkeys(("guardian", "parent", "relative"), None),
}
_GONE: Final = "tobedeleted"
_STATUSES: Final = frozenset({"", "active", _GONE, "inactive"})
_UNREADABLE: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    OverflowError,
    MemoryError,
)


@dataclass(slots=True)
class _Archive:
    """The texts of an archive, and what its manifest says of each."""

    name: str
    texts: dict[str, str]
    modes: dict[str, str] = field(default_factory=dict)

    def table(self, file: str, roster: Roster, columns: tuple[str, ...]) -> "list[Row] | None":
        if file not in self.texts:
            return None
        table = Table(self.texts[file], file=f"{file}.csv")
        table.require(columns)
        return list(table.rows(roster))

    def is_bulk(self, file: str) -> bool:
        return file in self.texts and self.modes.get(file, "bulk") == "bulk"


def read_oneroster(
    archive: Path | IO[bytes], *, school: str = "", today: date | None = None, name: str = "the archive"
) -> Roster:
    """Read who is at a school.

    Args:
        archive: the zip, as a file or what was uploaded.
        school: the `sourcedId` of the school, where an archive holds several.
        today: enrolments that have ended or not begun on this day do not count; None counts all.
        name: what the archive is called in sentences about it, where it is no file.

    Raises:
        RefusedRequestError: this is no such archive, it is too large, it reaches out of itself, or holds several
            schools and none was named.
    """
    if isinstance(archive, Path):
        name = archive.name
    read = _Archive(name, _unpack(archive, name))
    if "users" not in read.texts:
        raise RefusedRequestError(f"{name}: found no users.csv; expected a OneRoster 1.1 or 1.2 archive.")
    roster = Roster(SOURCE, GOVERNED)
    _read_manifest(read, roster)
    schools = _Schools(read, roster, school)
    _read_users(read, roster, schools)
    _read_classes(read, roster, schools)
    _read_enrolments(read, roster, schools, today)
    parts = {Part.PEOPLE: "users", Part.CLASSES: "classes", Part.MEMBERSHIPS: "enrollments"}
    roster.whole = frozenset(part for part, file in parts.items() if read.is_bulk(file))
    return roster


def _unpack(archive: Path | IO[bytes], name: str) -> dict[str, str]:
    """Give the texts of the files that are read, by name without ending."""
    try:
        _check_size(archive, name)
        with zipfile.ZipFile(archive) as opened:
            members = _members(opened, name)
            left = MAX_UNPACKED_BYTES
            octets = {}
            for file, member in members.items():
                with opened.open(member) as stream:
                    octets[file] = stream.read(left + 1)
                left -= len(octets[file])
                if left < 0:
                    raise RefusedRequestError(
                        f"{name}: found more than {MAX_UNPACKED_BYTES >> 20} MB of text; expected one roster."
                    )
    except _UNREADABLE as error:
        said = error.strerror if isinstance(error, OSError) and error.strerror else str(error) or "damaged"
        raise RefusedRequestError(f"{name}: found no zip archive that can be read ({said[:80]}).") from None
    return {file: _decode(file, raw) for file, raw in octets.items()}


def _check_size(archive: Path | IO[bytes], name: str) -> None:
    if isinstance(archive, Path):
        size_bytes = archive.stat().st_size
    else:
        size_bytes = archive.seek(0, 2)
        archive.seek(0)
    if size_bytes > MAX_ARCHIVE_BYTES:
        raise RefusedRequestError(
            f"{name}: found {size_bytes >> 20} MB; expected an archive of at most {MAX_ARCHIVE_BYTES >> 20} MB."
        )


def _members(opened: zipfile.ZipFile, name: str) -> dict[str, zipfile.ZipInfo]:
    members = opened.infolist()
    if len(members) > MAX_MEMBERS:
        raise RefusedRequestError(f"{name}: found {len(members)} files; expected at most {MAX_MEMBERS}.")
    wanted: dict[str, zipfile.ZipInfo] = {}
    for member in members:
        path = member.orig_filename
        shown = ascii(path[:80])
        if path.startswith("/") or "\\" in path or ":" in path or ".." in path.split("/") or "\0" in path:
            raise RefusedRequestError(
                f"{name}: found {shown}, which leads out of the archive; nothing of it is used."
            )
        if stat.S_ISLNK(member.external_attr >> 16):
            raise RefusedRequestError(f"{name}: found the link {shown}; expected files; nothing of it is used.")
        folder, _, file = path.rpartition("/")
        stem = file.removesuffix(".csv")
        if stem not in _READ or stem == file or folder.startswith("__MACOSX"):
            continue
        if member.flag_bits & 1:
            raise RefusedRequestError(f"{name}: found {shown} encrypted; expected an archive without a password.")
        if stem in wanted:
            raise RefusedRequestError(f"{name}: found {file} twice; expected each file once.")
        wanted[stem] = member
    return wanted


def _decode(file: str, raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise RefusedRequestError(f"{file}.csv:{line}: found text that is not UTF-8; expected UTF-8.") from None


def _read_manifest(read: _Archive, roster: Roster) -> None:
    rows = read.table("manifest", roster, ("propertyName", "value"))
    if rows is None:
        roster.notes.append("There is no manifest.csv, so each file is taken for the complete list.")
        return
    properties = {row["propertyName"].casefold(): row["value"].casefold() for row in rows}
    version = properties.get("oneroster.version", "")
    if version not in VERSIONS:
        raise RefusedRequestError(
            f"manifest.csv: found {describe(version or None)} as oneroster.version; expected {' or '.join(VERSIONS)}."
        )
    for file in _READ[1:]:
        mode = properties.get(f"file.{file}")
        if mode is None:
            continue
        if mode not in {"bulk", "delta", "absent"}:
            raise RefusedRequestError(
                f"manifest.csv: found {describe(mode or None)} as file.{file}; expected bulk, delta or absent."
            )
        if (mode == "absent") == (file in read.texts):
            stands = "in" if file in read.texts else "not in"
            raise RefusedRequestError(
                f"manifest.csv: found file.{file} as {mode}, but {file}.csv is {stands} the archive."
            )
        read.modes[file] = mode


def _status(roster: Roster, row: Row) -> str | None:
    """Read whether a line is there or gone; another word makes a bad line."""
    status = row["status"].casefold()
    if status not in _STATUSES:
        roster.refuse(row, f"status: found {describe(row['status'])}; expected active or tobedeleted")
        return None
    return _GONE if status == "inactive" else status


class _Schools:
    """Which organisations count: all of an archive with one school, or the one that was named."""

    def __init__(self, read: _Archive, roster: Roster, school: str) -> None:
        rows = read.table("orgs", roster, ("sourcedId", "name", "type")) or []
        schools = {
            row["sourcedId"]: row["name"]
            for row in rows
            if row["type"].casefold() == "school" and _status(roster, row) in {"", "active"}
        }
        if school and school not in schools:
            raise RefusedRequestError(f"orgs.csv: found no school {describe(school)}; expected {_spell(schools)}.")
        if not school and len(schools) > 1:
            raise RefusedRequestError(
                f"orgs.csv: found {len(schools)} schools; say which is meant: {_spell(schools)}."
            )
        self.only = school

    def covers(self, written: str) -> bool:
        """Say whether one of these organisations, with commas between them, counts."""
        return not self.only or self.only in {each.strip() for each in written.split(",")}


def _spell(schools: Mapping[str, str]) -> str:
    shown = [f"{ident[:40]} ({name[:40]})" for ident, name in list(schools.items())[:5]]
    spelt = ", ".join(shown + ["…"] * (len(schools) > 5)) or "no school"
    return "".join(character for character in spelt if character.isprintable())


def _read_users(read: _Archive, roster: Roster, schools: _Schools) -> None:
    rows = read.table("users", roster, ("sourcedId", "givenName", "familyName")) or []
    by_user = _read_roles(read, roster, schools)
    if by_user is None and rows and "role" not in rows[0].cells:
        raise RefusedRequestError("users.csv:1: found no column role and no roles.csv; expected one of them.")
    families = 0
    for row in rows:
        user = parse_id(roster, row, "sourcedId")
        status = _status(roster, row) if user else None
        if user is None or status is None:
            continue
        if status == _GONE or row["enabledUser"].casefold() in {"false", "0"}:
            roster.gone_people.add(user)
            continue
        if by_user is None:
            if not schools.covers(row["orgSourcedIds"]):
                continue
            roles = _parse_role(roster, row, row["role"])
        else:
            roles = by_user.get(user, set())
            if not roles and (schools.only or read.is_bulk("roles")):
                # Belongs to another school, or to nobody's.
                continue
        if roles is None:
            continue
        if roles == {None}:
            families += 1
            continue
        name = parse_title(roster, row, "givenName, familyName", f"{row['givenName']} {row['familyName']}".strip())
        if name is not None and user in roster.people:
            roster.refuse(row, f"sourcedId: found {describe(user)} a second time; expected each person once")
        elif name is not None:
            roster.people[user] = RosterPerson(name, _settled(roles))
    if families:
        roster.notes.append(f"{families} parents, guardians and relatives were left out.")


def _settled(roles: "set[Role | None]") -> frozenset[Role]:
    known = frozenset(role for role in roles if role is not None)
    # Whoever teaches and learns at once is protected as a learner.
    return frozenset({Role.PUPIL}) if Role.PUPIL in known else known


def _parse_role(roster: Roster, row: Row, written: str) -> "set[Role | None] | None":
    word = written.casefold()
    if word not in _ROLES:
        roster.refuse(
            row, f"role: found {describe(written or None)}; expected student, teacher, aide or administrator"
        )
        return None
    return {_ROLES[word]}


def _read_roles(read: _Archive, roster: Roster, schools: _Schools) -> "dict[str, set[Role | None]] | None":
    """Read the roles of each user, which have a file of their own since version 1.2."""
    rows = read.table("roles", roster, ("userSourcedId", "role"))
    if rows is None:
        return None
    by_user: dict[str, set[Role | None]] = {}
    for row in rows:
        if _status(roster, row) in {None, _GONE} or not schools.covers(row["orgSourcedId"]):
            continue
        roles = _parse_role(roster, row, row["role"])
        if roles is not None:
            by_user.setdefault(row["userSourcedId"], set()).update(roles)
    return by_user


def _read_classes(read: _Archive, roster: Roster, schools: _Schools) -> None:
    for row in read.table("classes", roster, ("sourcedId", "title")) or []:
        school_class = parse_id(roster, row, "sourcedId")
        status = _status(roster, row) if school_class else None
        if school_class is None or status is None or not schools.covers(row["schoolSourcedId"]):
            continue
        if status == _GONE:
            roster.gone_classes.add(school_class)
        elif (title := parse_title(roster, row, "title", row["title"])) is not None:
            if school_class in roster.classes:
                roster.refuse(row, f"sourcedId: found {describe(school_class)} a second time; expected each once")
            else:
                roster.classes[school_class] = RosterClass(title)


def _read_enrolments(read: _Archive, roster: Roster, schools: _Schools, today: date | None) -> None:
    for row in read.table("enrollments", roster, ("classSourcedId", "userSourcedId")) or []:
        user = parse_id(roster, row, "userSourcedId")
        school_class = parse_id(roster, row, "classSourcedId") if user else None
        status = _status(roster, row) if school_class else None
        if user is None or school_class is None or status is None or not schools.covers(row["schoolSourcedId"]):
            continue
        if _ROLES.get(row["role"].casefold(), Role.STAFF) is None:
            continue
        is_now = _is_now(roster, row, today)
        if is_now is None:
            continue
        (roster.joined if status != _GONE and is_now else roster.left).add((user, school_class))


def _is_now(roster: Roster, row: Row, today: date | None) -> bool | None:
    """Say whether an enrolment counts on a day; a bad date makes a bad line."""
    bounds = []
    for column, otherwise in (("beginDate", date.min), ("endDate", date.max)):
        try:
            bounds.append(date.fromisoformat(row[column]) if row[column] else otherwise)
        except ValueError:
            roster.refuse(row, f"{column}: found {describe(row[column])}; expected a date such as 2026-09-01")
            return None
    return today is None or bounds[0] <= today <= bounds[1]
