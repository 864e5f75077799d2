"""Groups as people write them in a form: those of the site, or classes by their title or id.

A class stands for the group of the site whose devices are the class.
"""

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from agent.people.people import SchoolClass
from agent.requests.asked_names import shorten


@dataclass(frozen=True, slots=True)
class AskedGroups:
    """What was made of written groups; `faults` say what is none, one sentence each."""

    groups: frozenset[str]
    faults: tuple[str, ...] = ()


def read_groups(
    written: Iterable[str], *, known: Collection[str], classes: Callable[[], Iterable[SchoolClass]]
) -> AskedGroups:
    """Read groups and classes; what is both is the group.

    Args:
        written: as somebody wrote them.
        known: the groups of the site.
        classes: gives the classes that are not closed; asked only where something is no group.
    """
    texts = dict.fromkeys(" ".join(text.split()) for text in written)
    groups = {text for text in texts if text in known}
    others = [text for text in texts if text not in known]
    found = list(classes()) if others else []
    faults = []
    for text in others:
        try:
            groups.add(_group_of(text, known, found))
        except ValueError as error:
            faults.append(str(error))
    return AskedGroups(frozenset(groups), tuple(faults))


def _group_of(text: str, known: Collection[str], classes: Collection[SchoolClass]) -> str:
    """Give the group of a class.

    Raises:
        ValueError: there is no such class or more than one, or it has no devices that this site knows.
    """
    by_id = [each for each in classes if each.id == text]
    meant = by_id or [each for each in classes if each.title.casefold() == text.casefold()]
    if not meant:
        raise ValueError(f"{shorten(text)} is no group of this school, and no class has that title.")
    groups = {each.group for each in meant}
    if len(groups) > 1:
        ids = " and ".join(sorted(each.id for each in meant))
        raise ValueError(f"{len(meant)} classes have the title {shorten(text)}; name the one that is meant: {ids}.")
    (group,) = groups
    if not group:
        raise ValueError(f"Nobody has said which devices are the class {shorten(text)}; name a group instead.")
    if group not in known:
        raise ValueError(f"The devices of {shorten(text)} are the group {group}, which this site does not have.")
    return group
