"""What is in force of the filter: the site file, and what was approved to lie over it."""

from datetime import UTC, datetime

import pytest

from agent.filter_basis import Basis, change_name, judge, judge_draft
from agent.site import Site
from agent.storage.filter_rows import Source, State, Version
from rules.errors import RefusedRequestError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
policies: {no-chat: {block: chat}, no-games: {block: games}}
"""
DISK = Version(1, NOW, Source.DISK, State.ON_DISK, SITE, "", (), path="/nowhere/site.yaml")
APPROVED = Version(
    2, NOW, Source.API, State.APPROVED, "", "", (), overlay="policies: {no-chat: null, no-video: {block: video}}"
)


def own(site: Site) -> set[str]:
    return {policy.id for policy in site.rulebook.policies if "/" not in policy.id}


@pytest.mark.parametrize(
    ("approved", "expected"),
    [
        pytest.param(None, {"no-chat", "no-games"}, id="the-file-alone"),
        pytest.param(APPROVED, {"no-games", "no-video"}, id="the-file-with-what-was-approved"),
    ],
)
def test_what_is_in_force_is_the_file_and_what_lies_over_it(approved: Version | None, expected: set[str]) -> None:
    basis = Basis(DISK, approved)
    assert own(basis.site_in_force()) == set(basis.settings()["policies"]) == expected


def test_changes_are_laid_over_what_is_in_force() -> None:
    sites, overlay = judge(Basis(DISK, APPROVED), "policies: {no-games: null}", name=change_name(3))
    assert own(sites.before) == {"no-games", "no-video"}
    assert own(sites.after) == {"no-video"}
    assert overlay == {"policies": {"no-chat": None, "no-games": None, "no-video": {"block": "video"}}}


def test_whole_settings_leave_nothing_else() -> None:
    text = "policies: {no-chat: {block: chat}}"
    draft = Version(3, NOW, Source.API, State.DRAFTED, text, "", (), restores=1)
    sites, overlay = judge_draft(Basis(DISK, APPROVED), draft)
    assert own(sites.after) == {"no-chat"}
    assert overlay == {"policies": {"no-games": None}}


def test_changes_that_cannot_be_used_are_refused_by_the_name_of_the_change() -> None:
    with pytest.raises(RefusedRequestError, match=r"site\.yaml with filter change 3: policies\.x"):
        judge(Basis(DISK, None), "policies: {x: {block: gamez}}", name=change_name(3))
