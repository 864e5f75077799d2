"""The filter as a request meets it: the site, and the lists in force."""

from pathlib import Path

from lists_of_test import site_with
from school_of_test import load_site_of_test

from agent.assembly import open_generations
from agent.categories import load_categories
from agent.filter_context import SENSITIVE, FilterContexts, build_filter_context
from agent.list_updater import ListUpdater
from agent.site import Answers, Group, ListConfig, Network, Site
from filters.classifier import Classifier, EmptyIndex, Overlay
from rules.category import Kind
from rules.name import DomainName, to_wire
from rules.override import OverrideLimits
from rules.policy import Effect, Policy, Rulebook
from rules.subject import Audience, Scope

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
        answers=Answers(blocked_ttl_seconds=3, max_ttl_seconds=60),
    )
    context = FilterContexts(lambda: site)()
    assert context.groups == {"sixth-form", "year5"}
    assert (context.blocked_ttl_seconds, context.max_ttl_seconds) == (3, 60)


def test_sensitive_categories_are_categories() -> None:
    assert {category.id for category in load_categories()} >= SENSITIVE


def test_without_lists_names_that_the_site_mentions_are_known(tmp_path: Path) -> None:
    own = Policy("own", Effect.BLOCK, frozenset({"name:own.example"}), Scope(), "site.yaml:1")
    site = site_with(tmp_path, rulebook=Rulebook(policies=(own,)))
    context = FilterContexts(lambda: site)()
    assert context.tags_of(DomainName("www.own.example")) == {"name:own.example"}


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
