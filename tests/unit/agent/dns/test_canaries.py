"""The canaries: one for each category that can be blocked, which others can import without the gateway."""

import subprocess
import sys

from agent.categories import load_categories
from agent.dns.canaries import APEX, CATEGORIES, PRESENT_NAME, PRESENT_TAG, UNLISTED_NAME, canary_name, exact_tags
from rules.category import Kind
from rules.name import from_wire, is_at_or_below, parse_name


def test_there_is_one_for_each_category_that_can_be_blocked() -> None:
    assert list(CATEGORIES) == [each.id for each in load_categories() if each.kind is Kind.ORDINARY]


def test_all_are_different_names_in_normal_form_below_one_apex() -> None:
    names = [*map(canary_name, CATEGORIES), PRESENT_NAME, UNLISTED_NAME]
    assert [parse_name(name) for name in names] == names
    assert len(set(names)) == len(names)
    assert all(is_at_or_below(name, APEX) for name in names)
    assert canary_name("social_networks") == "social-networks.canary.schoolgate.test"


def test_each_is_about_its_own_category_and_nothing_else() -> None:
    tags = {from_wire(name): said for name, said in exact_tags().items()}
    assert tags == {canary_name(each): {each} for each in CATEGORIES} | {PRESENT_NAME: {PRESENT_TAG}}


def test_who_imports_them_loads_nothing_of_the_gateway() -> None:
    code = "import sys, agent.dns.canaries; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=30)
    assert not {"xxhash", "msgspec", "yaml", "sqlite3", "asyncio"} & set(done.stdout.split())
