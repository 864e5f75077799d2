"""How a sentence for people calls what a site holds: categories and names, groups, and whom a policy addresses."""

from collections.abc import Iterable, Mapping
from typing import Final

from agent.categories import load_categories
from rules.event import NAME_TAG, SEARCH_TAG
from rules.subject import Audience, Scope

AUDIENCES: Final[Mapping[Audience, str]] = {
    Audience.PUPIL: "pupils",
    Audience.STAFF: "staff",
    Audience.GUEST: "guests",
}


def spell_list(words: Iterable[str]) -> str:
    """Write words as people do: `a, b and c`."""
    *most, last = tuple(words) or ("nothing",)
    return f"{', '.join(most)} and {last}" if most else last


def spell_tag(tag: str) -> str:
    """Write a category by its name, and a name as it is."""
    category = load_categories().get(tag)
    return category.name("en") if category else tag.removeprefix(NAME_TAG).removeprefix(SEARCH_TAG)


def spell_tags(tags: Iterable[str]) -> str:
    """Write categories by their names, and names as they are."""
    return spell_list(sorted(map(spell_tag, tags), key=str.lower))


def spell_groups(names: Iterable[str]) -> str:
    """Write groups: `the groups media and office`."""
    ordered = sorted(names)
    return f"the group{'s' if len(ordered) > 1 else ''} {spell_list(ordered)}"


def spell_scope(scope: Scope) -> str:
    """Write whom a policy addresses: `pupils and guests in the group media, but not in the group year-6`."""
    whom = spell_list(AUDIENCES[each] for each in Audience if each in scope.audiences)
    text = whom if scope.audiences else "everybody"
    if scope.groups:
        text += f" in {spell_groups(scope.groups)}"
    return text + (f", but not in {spell_groups(scope.except_groups)}" if scope.except_groups else "")
