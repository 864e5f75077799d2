"""Where the names come from that no list may block."""

from pathlib import Path

from lists_of_test import site_with

from agent.lists.list_guard_names import guards_of
from agent.sites.site import Upstreams, Zone
from rules.name import DomainName
from rules.policy import Rulebook


def test_the_names_of_the_world_the_site_and_the_starter_lists_are_guarded(tmp_path: Path) -> None:
    site = site_with(
        tmp_path,
        rulebook=Rulebook(guards=frozenset({"name:timetable.example", "helplines"})),
        upstreams=Upstreams((), zones=(Zone("school.test", ()),)),
    )
    guards = guards_of(site)
    names = ("wikipedia.org", "timetable.example", "school.test", "windowsupdate.com")
    assert guards.essential >= {DomainName(name) for name in names}
    assert DomainName("childline.org.uk") in guards.others
    assert not guards.essential & guards.others
