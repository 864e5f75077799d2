"""What is in force of the filter: the site file, and what was approved to lie over it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from agent.filter_changing.filter_basis import Basis, change_name, judge, judge_draft
from agent.sites.site import Site
from agent.storage.filter_rows import Source, State, Version
from rules.errors import RefusedRequestError

NOW = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
SITE = """\
school: {name: Example School, timezone: Europe/London}
packs: [uk-esafety]
networks: {pupils: {audience: pupil, cidrs: 10.1.0.0/16}}
policies: {no-chat: {block: chat}, no-games: {block: games}}
"""
PATH = Path("/nowhere/site.yaml")
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
    basis = Basis(SITE, PATH, approved)
    assert own(basis.site_in_force()) == set(basis.settings()["policies"]) == expected


def test_where_nothing_can_lie_over_the_file_the_file_alone_is_run() -> None:
    assert own(Basis(SITE, PATH, APPROVED).site_with_what_fits()) == {"no-games", "no-video"}
    broken = replace(APPROVED, overlay="policies: {films: {allow: video, groups: nobody}}")
    assert own(Basis(SITE, PATH, broken).site_with_what_fits()) == {"no-chat", "no-games"}


def test_changes_are_laid_over_what_is_in_force() -> None:
    sites, overlay = judge(Basis(SITE, PATH, APPROVED), "policies: {no-games: null}", number=3)
    assert own(sites.before) == {"no-games", "no-video"}
    assert own(sites.after) == {"no-video"}
    assert overlay == {"policies": {"no-chat": None, "no-games": None, "no-video": {"block": "video"}}}
    assert sites.changes == ("The policy no-games was removed; it blocked Games for everybody, always.",)


def test_whole_settings_leave_nothing_else() -> None:
    text = "policies: {no-chat: {block: chat}}"
    draft = Version(3, NOW, Source.API, State.DRAFTED, text, "", (), restores=1)
    sites, overlay = judge_draft(Basis(SITE, PATH, APPROVED), draft)
    assert own(sites.after) == {"no-chat"}
    assert overlay == {"policies": {"no-games": None}}


def test_changes_that_cannot_be_used_are_refused_by_the_name_of_the_change() -> None:
    with pytest.raises(RefusedRequestError, match=r"site\.yaml with filter change 3: policies\.x"):
        judge(Basis(SITE, PATH, None), "policies: {x: {block: gamez}}", number=3)


def test_what_was_approved_before_keeps_the_name_of_its_change() -> None:
    overlay = "policies: {no-chat: null, no-video: {block: video}, no-shops: {block: shopping}}"
    approved = replace(APPROVED, number=5, overlay=overlay, origins={"policies.no-video": 2, "policies.no-shops": 5})
    basis = Basis(SITE, PATH, approved)
    text = "policies: {no-shops: {block: [shopping, chat]}, no-ads: {block: advertising}}"
    sites, changed = judge(basis, text, number=7)
    places = {policy.id: policy.location for policy in sites.after.rulebook.policies if "/" not in policy.id}
    assert places == {
        "no-games": "site.yaml:4:36",
        "no-video": change_name(2),
        "no-shops": change_name(7),
        "no-ads": change_name(7),
    }
    assert basis.origins(changed, number=7) == {
        "policies.no-chat": 5,
        "policies.no-video": 2,
        "policies.no-shops": 7,
        "policies.no-ads": 7,
    }


def test_what_cannot_lie_over_the_file_any_more_can_be_taken_away_or_put_right() -> None:
    lost = replace(APPROVED, overlay="policies: {films: {allow: video, groups: media}}")
    basis = Basis(SITE, PATH, lost)
    with pytest.raises(RefusedRequestError, match=r"policies\.films\.groups"):
        judge(basis, "policies: {no-ads: {block: advertising}}", number=3)
    away, overlay = judge(basis, "policies: {films: null}", number=3)
    assert overlay == {}
    assert own(away.before) == own(away.after) == {"no-chat", "no-games"}
    assert away.changes == (
        "Until now filter change 2 cannot lie over the site file; with this, what is approved can.",
    )
    right, _ = judge(basis, "policies: {films: {allow: video}}", number=3)
    assert own(right.after) == {"no-chat", "no-games", "films"}
