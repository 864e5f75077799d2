"""What a roster would change, shown before it is done, and doing it as one act.

Leavers are closed, never deleted. Whoever reads a file decides nothing: `diff` says what would happen, and `apply`
does exactly that.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from agent.people.attempts import ConflictError
from agent.people.oneroster import read_oneroster
from agent.people.people import Census, People, Person, SchoolClass, fault_of_roles, read_census
from agent.people.roster import Part, Roster, RosterPerson, read_csv, read_from_site
from agent.storage.state import Act
from rules.roles import DECIDING, PRIVILEGED, Role

__all__ = ["Changes", "ClassChange", "PersonChange", "apply", "diff", "diff_again"]
__all__ += ["read_csv", "read_from_site", "read_oneroster"]

_MANY_LEAVERS: Final = 10


@dataclass(frozen=True, slots=True)
class PersonChange:
    """A person before and after; nobody before where they are new, without an id until they are opened."""

    before: Person | None
    after: Person


@dataclass(frozen=True, slots=True)
class ClassChange:
    """A class before and after; none before where it is new."""

    before: SchoolClass | None
    after: SchoolClass


@dataclass(frozen=True, slots=True)
class Changes:
    """What a roster would change; `titles` are those of the classes that the lines name.

    `waits` is whether somebody gets a role that decides, for a second person to confirm.
    """

    source: str
    people: tuple[PersonChange, ...]
    classes: tuple[ClassChange, ...]
    warnings: tuple[str, ...]
    titles: dict[str, str]
    waits: bool = False

    @property
    def takes_from_deciders(self) -> bool:
        """Say whether somebody who decides loses a role."""
        return any((each.before.roles - each.after.given) & DECIDING for each in self.people if each.before)

    @property
    def added(self) -> tuple[PersonChange, ...]:
        """The people who are new."""
        return tuple(change for change in self.people if change.before is None)

    @property
    def closed(self) -> tuple[PersonChange, ...]:
        """The people who leave."""
        return tuple(change for change in self.people if change.after.closed)

    @property
    def changed(self) -> tuple[PersonChange, ...]:
        """The people who stay or come back, otherwise than before."""
        return tuple(change for change in self.people if change.before is not None and not change.after.closed)

    @property
    def digest(self) -> str:
        """What stands for exactly these changes, so that what was looked at is what is done."""
        parts = [_key(change.before) + _key(change.after) for change in self.people]
        parts += [repr((change.before, change.after)) for change in self.classes]
        parts.append(repr(self.waits))
        return hashlib.sha256("\n".join(sorted(parts)).encode()).hexdigest()

    def lines(self) -> list[str]:
        """Say every change in a line: + is new, ~ is changed, - leaves."""
        return [*map(_class_line, self.classes), *(_person_line(change, self.titles) for change in self.people)]

    def summary(self) -> str:
        """Say how much changes."""
        people = f"{len(self.added)} people added, {len(self.changed)} changed, {len(self.closed)} closed"
        return f"{people}; {len(self.classes)} classes added, changed or closed."


def diff(roster: Roster, census: Census) -> Changes:
    """Say what a roster would change; people and classes of other sources stay as they are."""
    classes = tuple(_diff_classes(roster, census))
    closing = {change.after.id for change in classes if change.after.closed}
    open_classes = {each.external_id: each.id for each in census.classes if _is_own(roster, each) and not each.closed}
    open_classes |= {change.after.external_id: change.after.id for change in classes}
    open_classes = {known_as: ident for known_as, ident in open_classes.items() if ident not in closing}
    titles = {each.id: each.title for each in (*census.classes, *(change.after for change in classes))}
    warnings = list(roster.notes)
    people = tuple(_People(roster, census, open_classes, closing, warnings).diff())
    warnings += _warnings(roster, census, people)
    waits = not census.is_beginning and any(_gained(change) & DECIDING for change in people)
    return Changes(roster.source, people, classes, tuple(warnings), titles, waits)


def diff_again(act: Act, roster: Roster, *, digest: str) -> Changes:
    """Say what a roster changes now, which must be what somebody looked at.

    Raises:
        ConflictError: it is not.
    """
    changes = diff(roster, read_census(act.database))
    if changes.digest != digest:
        raise ConflictError("The people were changed since this import was shown; look at it again.")
    return changes


def apply(act: Act, changes: Changes, *, people: People, actor: str) -> int:
    """Do what was shown; gives for how many people something waits now that did not wait before.

    Raises:
        RefusedRequestError: it would change the roles of the person who does it, or no longer fits.
    """
    for change in changes.classes:
        if not change.after.closed:
            people.set_class(act, change.after, actor=actor)
    waiting = sum([_apply(act, person, people, actor) for person in changes.people])
    for change in changes.classes:
        if change.after.closed:
            people.set_class(act, change.after, actor=actor)
    counts = {
        "source": changes.source,
        "added": len(changes.added),
        "changed": len(changes.changed),
        "closed": len(changes.closed),
        "classes": len(changes.classes),
        "waiting": waiting,
    }
    act.note("people_imported", actor=actor, facts=counts)
    return waiting


def _apply(act: Act, change: PersonChange, people: People, actor: str) -> bool:
    """Do one change; gives whether a role of theirs waits now that did not before."""
    before, after = change.before, change.after
    if before is None:
        done = people.open(
            act,
            after.name,
            after.given,
            actor=actor,
            classes=after.classes,
            source=after.source,
            external_id=after.external_id,
        )
    elif after.closed:
        done = people.close(act, after.id, actor=actor)
    else:
        done = people.change(act, after.id, name=after.name, roles=after.given, classes=after.classes, actor=actor)
    return bool(done.waiting - (before.waiting if before else frozenset()))


def _is_own(roster: Roster, known: Person | SchoolClass) -> bool:
    return known.source == roster.source


def _diff_classes(roster: Roster, census: Census) -> Iterator[ClassChange]:
    own = {each.external_id: each for each in census.classes if _is_own(roster, each)}
    for known_as, written in roster.classes.items():
        known = own.get(known_as)
        title = written.title or (known.title if known else known_as)
        group = written.group or (known.group if known and known.group else _group_of(title))
        ident = _class_id(roster.source, known_as)
        after = SchoolClass(ident, title, group, source=roster.source, external_id=known_as)
        if after != known:
            yield ClassChange(known, after)
    for known_as, known in own.items():
        is_gone = known_as in roster.gone_classes or roster.is_whole(Part.CLASSES)
        if is_gone and not known.closed and known_as not in roster.classes:
            yield ClassChange(known, replace(known, closed=True))


def _class_id(source: str, known_as: str) -> str:
    """Give the id of a class; it says nothing of a person, so it may follow from what the source calls it."""
    return hashlib.sha256(f"{source}\0{known_as}".encode("utf-8", "backslashreplace")).hexdigest()[:16]


def _group_of(title: str) -> str:
    """Give the name that a group of the site would have for a class of this title."""
    return re.sub(r"[^a-z0-9]+", "-", title.casefold()).strip("-")[:40]


class _People:
    """The comparison of the people of a roster with those who are known."""

    def __init__(
        self, roster: Roster, census: Census, open_classes: dict[str, str], closing: set[str], warnings: list[str]
    ) -> None:
        self._roster = roster
        self._everybody = census.people
        self._own = {each.external_id: each for each in census.people if _is_own(roster, each)}
        self._closing = closing
        self._warnings = warnings
        self._joined = _by_person(roster.joined, open_classes)
        self._left = _by_person(roster.left, open_classes)

    def diff(self) -> Iterator[PersonChange]:
        for known_as, written in self._roster.people.items():
            if (change := self._written(known_as, written, self._own.get(known_as))) is not None:
                yield change
        for known in self._everybody:
            if not known.closed and not (_is_own(self._roster, known) and known.external_id in self._roster.people):
                after = self._unwritten(known)
                if after != known:
                    yield PersonChange(known, after)

    def _written(self, known_as: str, written: RosterPerson, known: Person | None) -> PersonChange | None:
        held = known.given if known else frozenset[Role]()
        roles = (held - self._roster.governs) | written.roles if written.roles else held
        classes = self._classes(known_as, known)
        if fault := fault_of_roles(roles):
            self._warnings.append(f"{written.name} stays as before: {fault}.")
            return None
        ident = known.id if known else ""
        after = Person(ident, written.name, roles, classes, source=self._roster.source, external_id=known_as)
        return PersonChange(known, after) if known is None or after != _as_given(known) else None

    def _unwritten(self, known: Person) -> Person:
        """Give a person whom no line describes: gone, in other classes, or as before."""
        if not _is_own(self._roster, known):
            return replace(known, classes=tuple(each for each in known.classes if each not in self._closing))
        if known.external_id in self._roster.gone_people or self._roster.is_whole(Part.PEOPLE):
            return replace(known, roles=frozenset(), classes=(), closed=True, waiting=frozenset())
        return replace(known, classes=self._classes(known.external_id, known))

    def _classes(self, known_as: str, known: Person | None) -> tuple[str, ...]:
        is_whole = self._roster.is_whole(Part.MEMBERSHIPS)
        before = set() if known is None or is_whole else set(known.classes)
        joined = self._joined.get(known_as, set())
        return tuple(sorted((before | joined) - (self._left.get(known_as, set()) - joined) - self._closing))


def _as_given(person: Person) -> Person:
    """Give somebody with every role that they were given: whether one waits is not for a file to say."""
    return replace(person, roles=person.given, waiting=frozenset())


def _gained(change: PersonChange) -> frozenset[Role]:
    return change.after.given - (change.before.given if change.before else frozenset())


def _by_person(pairs: Iterable[tuple[str, str]], open_classes: dict[str, str]) -> dict[str, set[str]]:
    """Give the ids of the classes of each person; a class that nobody knows is left out."""
    found: dict[str, set[str]] = {}
    for person, school_class in pairs:
        if school_class in open_classes:
            found.setdefault(person, set()).add(open_classes[school_class])
    return found


def _warnings(roster: Roster, census: Census, people: tuple[PersonChange, ...]) -> Iterator[str]:
    if roster.bad_lines:
        yield f"{roster.bad_lines} lines cannot be used, so nobody is closed and nobody leaves a class."
    own = sum(not each.closed for each in census.people if _is_own(roster, each))
    leavers = sum(change.after.closed for change in people)
    if leavers >= _MANY_LEAVERS and leavers * 2 > own:
        yield f"{leavers} of {own} people would be closed; look whether the file is complete."
    elsewhere = {
        each.name.casefold(): each.source for each in census.people if not each.closed and not _is_own(roster, each)
    }
    for change in people:
        gained = _gained(change)
        if told := sorted(gained & (PRIVILEGED | DECIDING)):
            waits = "" if census.is_beginning or gained.isdisjoint(DECIDING) else "; it waits for a second person"
            yield f"{change.after.name} becomes {', '.join(told)}: see that this is meant{waits}."
        if change.before is None and (source := elsewhere.get(change.after.name.casefold())):
            yield f"{change.after.name} is known already ({source}): see that this is somebody else."


def _key(person: Person | None) -> str:
    if person is None:
        return "()"
    roles = (sorted(person.roles), sorted(person.waiting))
    return repr((person.id, person.external_id, person.name, roles, person.classes, person.closed))


def _class_line(change: ClassChange) -> str:
    after = change.after
    if after.closed:
        return f"- class {after.title}"
    mark = "+" if change.before is None else "~"
    return f"{mark} class {after.title} (group {after.group or 'not known'})"


def _person_line(change: PersonChange, titles: dict[str, str]) -> str:
    before, after = change.before, change.after
    if after.closed:
        return f"- {after.name}"
    if before is None or before.closed:
        returns = "+" if before is None else "~"
        return f"{returns} {after.name}: {', '.join(sorted(after.given))}{_in(after.classes, ' in ', titles)}"
    parts = []
    if before.name != after.name:
        parts.append(f"was called {before.name}")
    if before.given != after.given:
        parts.append(f"{', '.join(sorted(before.given))} → {', '.join(sorted(after.given))}")
    parts.append(_in(set(after.classes) - set(before.classes), "joins ", titles))
    parts.append(_in(set(before.classes) - set(after.classes), "leaves ", titles))
    return f"~ {after.name}: {'; '.join(filter(None, parts))}"


def _in(classes: Iterable[str], word: str, titles: dict[str, str]) -> str:
    spelt = ", ".join(sorted(titles.get(each, each) for each in classes))
    return f"{word}{spelt}" if spelt else ""
