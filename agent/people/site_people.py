"""People and classes as a site file names them, checked; that somebody reads them changes nobody."""

from collections.abc import Iterator
from typing import Any, Final

import yaml

from agent.sites.findings import Findings
from agent.sites.site import NamedClass, NamedPerson
from agent.sites.written_site import WrittenPerson, WrittenSite
from rules import document
from rules.roles import APPROVERS

# The parts of a site in which people are named, written to or called.
_PERSONAL: Final = frozenset({"people", "notifications", "incidents"})
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def build_people(written: WrittenSite, findings: Findings) -> dict[str, NamedPerson] | None:
    """Give the people by their ids; None where the file has no such part."""
    if written.people is None:
        return None
    # Loaded late: most sites name nobody, and nobody waits for it there.
    from agent.people.people import MIN_APPROVERS  # noqa: PLC0415

    classes = findings.written_names("classes")
    for person, entry in written.people.items():
        path: document.Path = ("people", person)
        for key, fault in _faults(entry):
            found, _, expected = fault.removeprefix("found ").partition("; expected ")
            findings.problem((*path, key), found, expected)
        for index, each in enumerate(entry.classes):
            findings.is_known((*path, "classes", index), each, classes, "class")
    approvers = sum(not APPROVERS.isdisjoint(entry.roles) for entry in written.people.values())
    if approvers < MIN_APPROVERS:
        found = "only one person" if approvers else "nobody"
        findings.notice(
            ("people",),
            f"{found} here may decide about overrides; a school needs {MIN_APPROVERS}, here or from another source,"
            " because whoever asks never decides",
        )
    return {
        person: NamedPerson(entry.name, frozenset(role.value for role in entry.roles), frozenset(entry.classes))
        for person, entry in written.people.items()
    }


def _faults(entry: WrittenPerson) -> Iterator[tuple[str, str]]:
    """Give what is wrong with a person, by key, as "found …; expected …"."""
    from agent.people.people import fault_of_roles, fault_of_text  # noqa: PLC0415 (as above)

    if fault := fault_of_text(entry.name):
        yield "name", fault
    if fault := fault_of_roles(entry.roles):
        yield "roles", fault


def build_classes(written: WrittenSite, findings: Findings) -> dict[str, NamedClass] | None:
    """Give the classes by their ids; None where the file has no such part."""
    if written.classes is None:
        return None
    groups = findings.written_names("groups")
    for known_as, entry in written.classes.items():
        findings.is_known(("classes", known_as, "group"), entry.group, groups, "group")
    return {known_as: NamedClass(entry.title or known_as, entry.group) for known_as, entry in written.classes.items()}


def without_people(text: str) -> str:
    """Give the text of a site without those whom it names, every other line where it was.

    Raises:
        yaml.YAMLError: the text is no YAML.
    """
    mark, text = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    root = yaml.compose(text, Loader=_LOADER)
    parts = root.value if isinstance(root, yaml.MappingNode) else []
    for key, value in reversed(parts):
        if key.value in _PERSONAL:
            begins, ends = key.end_mark.index, value.end_mark.index
            text = text[:begins] + ": {}" + "\n" * text.count("\n", begins, ends) + text[ends:]
    return mark + text
