"""The filter as a request meets it: the site, and the lists in force."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lists_of_test import site_with
from school_of_test import load_site_of_test

from agent.assembly import open_generations
from agent.categories import load_categories
from agent.lists.list_updater import ListUpdater
from agent.requests.filter_context import FilterContexts, build_filter_context, limits_of
from agent.requests.override_drafts import Written, draft
from agent.sites.site import Answers, Group, ListConfig, Network, OverrideSettings, Site
from filters.classifier import Classifier, EmptyIndex, Overlay
from rules.category import Kind
from rules.name import DomainName, to_wire
from rules.override import OverrideLimits
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Audience, Scope

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
LISTED = Overlay(exact={}, subtree={to_wire(DomainName("bet.example")): {"gambling"}})


def test_what_a_site_says() -> None:
    site = load_site_of_test()
    limits = OverrideLimits(max_days=7)
    context = build_filter_context(site, Classifier(EmptyIndex(), LISTED), limits=limits)
    assert context.groups == {"year5", "reception", "media-club"}
    assert context.networks == {"classrooms", "staff-room", "guests"}
    assert context.statutory == site.rulebook.statutory
    assert "gambling" in context.liftable
    assert {"chat", "name:late.example"} <= context.blocked
    assert not context.liftable & context.unliftable
    assert context.limits is limits
    assert context.has_chosen_only, "the youngest get only what was chosen"
    assert context.tags_of(DomainName("www.bet.example")) == {"gambling"}
    assert (context.blocked_ttl_seconds, context.max_ttl_seconds) == (10, 3600)


def test_guards_are_no_categories_to_ask_for() -> None:
    context = build_filter_context(load_site_of_test(), Classifier(EmptyIndex(), LISTED), limits=OverrideLimits())
    guards = {category.id for category in load_categories() if category.kind is Kind.GUARD}
    assert guards
    assert not guards & context.categories


def test_a_group_of_a_network_is_a_group(tmp_path: Path) -> None:
    site = site_with(
        tmp_path,
        networks=(Network("lab", Audience.PUPIL, ("192.0.2.0/24",), ("sixth-form",)),),
        groups=(Group("year5"),),
        answers=Answers(blocked_ttl_seconds=3, max_ttl_seconds=20),
    )
    context = FilterContexts(lambda: site)()
    assert context.groups == {"sixth-form", "year5"}
    assert (context.blocked_ttl_seconds, context.max_ttl_seconds) == (3, 20)
    assert context.closed_everywhere_at(NOON + timedelta(hours=1), now=NOON) == NOON + timedelta(seconds=21)


def test_what_may_be_asked_for_is_for_the_site_to_say(tmp_path: Path) -> None:
    settings = OverrideSettings(14, 90, 30, 12, frozenset({"gambling"}), frozenset({"drugs"}))
    context = FilterContexts(lambda: site_with(tmp_path, overrides=settings))()
    assert context.never_override == {"gambling"}
    assert context.sensitive == {"drugs"}
    limits = context.limits
    assert (limits.max_days, limits.max_ahead_days) == (14, 90)
    assert (limits.break_glass_minutes, limits.countersign_hours) == (30, 12)


def test_a_site_that_says_nothing_has_the_limits_of_the_rules() -> None:
    assert limits_of(OverrideSettings()) == OverrideLimits()


def test_without_lists_names_that_the_site_mentions_are_known(tmp_path: Path) -> None:
    own = Policy("own", Effect.BLOCK, frozenset({"name:own.example", "games"}), Scope(), "site.yaml:1")
    other = replace(own, id="other")
    opened = replace(own, id="opened", effect=Effect.ALLOW, tags=frozenset({"name:open.example"}))
    site = site_with(tmp_path, rulebook=Rulebook(policies=(own, other, opened)))
    context = FilterContexts(lambda: site)()
    assert context.tags_of(DomainName("www.own.example")) == {"name:own.example"}
    assert context.own_rules == {"name:own.example": "other and own"}


def test_it_is_made_anew_for_another_site_and_other_lists(tmp_path: Path) -> None:
    lists = tmp_path / "ours"
    lists.mkdir()
    listed = lists / "gambling.txt"
    listed.write_text("bet.example\n")
    sites: list[Site] = [site_with(tmp_path, ListConfig("ours", str(lists), format="domains"))]
    contexts = FilterContexts(lambda: sites[-1])
    bet = DomainName("bet.example")
    assert contexts() is contexts()
    assert contexts().tags_of(bet) == frozenset()
    update(sites[-1])
    assert contexts().tags_of(bet) == {"gambling"}
    before = contexts()
    sites.append(site_with(tmp_path, *sites[-1].lists))
    assert contexts() is not before
    listed.write_text("bingo.example\n")
    update(sites[-1])
    assert contexts().tags_of(bet) == frozenset()


def update(site: Site) -> None:
    assert ListUpdater(site, index=open_generations(site)).update(force=True).is_good


@pytest.mark.parametrize(
    ("overrides", "fault", "needs_two"),
    [
        pytest.param(OverrideSettings(), "", False, id="as-always"),
        pytest.param(
            OverrideSettings(never=frozenset({"gambling"})),
            "bet.example stays blocked: it is listed as gambling, which is never lifted by an override.",
            False,
            id="never",
        ),
        pytest.param(OverrideSettings(sensitive=frozenset({"gambling"})), "", True, id="sensitive"),
        pytest.param(
            OverrideSettings(max_days=1),
            "A request lasts at most 1 day; this one would last longer.",
            False,
            id="too-long",
        ),
    ],
)
def test_a_request_meets_what_the_site_says(overrides: OverrideSettings, fault: str, needs_two: bool) -> None:
    site = replace(load_site_of_test(), overrides=overrides)
    context = build_filter_context(site, Classifier(EmptyIndex(), LISTED))
    now = datetime(2026, 3, 2, 9, 15, tzinfo=UTC)
    asked = Written(
        now + timedelta(days=2), "We compare how odds are advertised.", names=("bet.example",), groups=("year5",)
    )
    preview = draft(asked, context, now=now, classes=list)
    assert preview.faults == ((fault,) if fault else ())
    assert preview.needs_two is needs_two


@pytest.mark.parametrize(
    ("now", "opens", "closes"),
    [
        pytest.param("10:00:00", "10:00:11", "10:01:01", id="a-cache-uses-its-last-second-up"),
        pytest.param("10:00:00.2", "10:00:12", "10:01:02", id="a-promise-is-a-whole-second"),
        pytest.param("10:29:30", "10:29:41", "10:30:01", id="no-answer-outlives-its-end"),
    ],
)
def test_when_every_device_goes_by_it(tmp_path: Path, now: str, opens: str, closes: str) -> None:
    def at(clock: str) -> datetime:
        return datetime.fromisoformat(f"2026-11-24T{clock}+00:00")

    context = FilterContexts(lambda: site_with(tmp_path, answers=Answers(max_ttl_seconds=3600)))()
    assert context.open_everywhere_at(at("09:00:00"), now=at(now)) == at(opens)
    assert context.closed_everywhere_at(at("10:30:00"), now=at(now)) == at(closes)
