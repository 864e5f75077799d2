"""A draft changes one part of a site and leaves everything else, its comments too, as it is."""

import stat
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from agent.sites.site_draft import (
    BY_HAND,
    DRAFT_NAME,
    drop_draft,
    leave_draft,
    part_of,
    problems_of,
    put_in_place,
    read_draft,
    replace_part,
)
from rules.errors import RefusedRequestError, StorageError

SITE = """\
# Our school.
school: {name: School of Test, timezone: Europe/London}   # as it is called

# What we go by.
packs: [uk-esafety]
# Who is where.
networks:
  # upstairs
  pupils: {audience: pupil, cidrs: [192.0.2.0/25]}

  staff: {audience: staff, cidrs: [192.0.2.128/25]}

# Where questions go.
upstreams:
- udp://192.0.2.53
answers: {blocked: nxdomain}
"""
NETWORKS = {"hall": {"audience": "pupil", "cidrs": ["192.0.2.0/24", "2001:db8::/64"]}}


def test_another_value_stands_in_the_same_place_and_all_else_stays() -> None:
    changed = replace_part(SITE, "networks", NETWORKS)
    assert part_of(changed, "networks") == NETWORKS
    assert changed.splitlines()[:6] == SITE.splitlines()[:6]
    assert changed.endswith(SITE[SITE.index("\n# Where questions go.") :])
    assert "upstairs" not in changed


@pytest.mark.parametrize("key", ["school", "packs", "networks", "answers"])
def test_a_part_that_is_taken_out_is_gone(key: str) -> None:
    changed = replace_part(SITE, key, None)
    assert part_of(changed, key) is None
    assert [line for line in changed.splitlines() if line.startswith("# ")] == [
        line for line in SITE.splitlines() if line.startswith("# ")
    ]


def test_a_part_that_was_not_there_comes_last() -> None:
    changed = replace_part(SITE, "listeners", {"api": "127.0.0.1:8443"})
    assert changed.startswith(SITE)
    assert part_of(changed, "listeners") == {"api": "127.0.0.1:8443"}
    assert part_of(replace_part("", "packs", ["uk-esafety"]), "packs") == ["uk-esafety"]


def test_a_list_as_far_left_as_its_key_is_all_of_the_part() -> None:
    assert part_of(replace_part(SITE, "upstreams", {"servers": ["system"]}), "upstreams") == {"servers": ["system"]}


@pytest.mark.parametrize(
    "key", ["school", "packs", "networks", "groups", "calendar", "schedules", "rows", "policies", "lists"]
)
def test_every_part_of_the_example_can_be_changed(key: str) -> None:
    text = files("agent").joinpath("data/example_site.yaml").read_text()
    changed = replace_part(text, key, {"x": ["off", "10 s", "21:00", "two"]})
    before, after = (yaml.load(each, Loader=yaml.BaseLoader) for each in (text, changed))  # noqa: S506 (ours)
    assert {name: part for name, part in after.items() if name != key} == {
        name: part for name, part in before.items() if name != key
    }
    assert after[key] == {"x": ["off", "10 s", "21:00", "two"]}


@pytest.mark.parametrize(
    "text",
    [
        "- a\n- b\n",
        "{school: {name: x}}\n",
        "school: [\n",
        "a: &x 1\nb: *y\n",
        "? school\n: {name: x}\n",
        '"school": 1\n',
    ],
)
def test_a_text_that_cannot_be_changed_in_part_is_refused(text: str) -> None:
    with pytest.raises(RefusedRequestError, match="change it by hand"):
        replace_part(text, "school", {"name": "y"})
    assert BY_HAND.endswith(".")


TYPED = st.text(st.characters(exclude_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=8)


@given(st.dictionaries(TYPED, st.lists(TYPED, max_size=3), max_size=3))
def test_whatever_is_typed_is_a_value_and_never_a_part_of_its_own(value: dict[str, Any]) -> None:
    changed = replace_part(SITE, "networks", value)
    assert part_of(changed, "networks") == value
    assert part_of(changed, "school") == part_of(SITE, "school")


def test_what_is_wrong_is_told_with_its_place() -> None:
    assert problems_of(SITE.replace("- udp", "servers: [udp").replace("53", "53]"), Path("site.yaml"))
    (problem, *_) = problems_of(replace_part(SITE, "networks", {"x": {"audience": "nobody"}}), Path("site.yaml"))
    assert problem.where.startswith("site.yaml:8:3")


def test_a_draft_is_kept_for_its_owner_alone_until_it_is_dropped(tmp_path: Path) -> None:
    assert read_draft(tmp_path) is None
    leave_draft(tmp_path, SITE)
    leave_draft(tmp_path, SITE + "# more\n")
    assert read_draft(tmp_path) == SITE + "# more\n"
    assert stat.S_IMODE((tmp_path / DRAFT_NAME).stat().st_mode) == 0o600
    drop_draft(tmp_path)
    drop_draft(tmp_path)
    assert read_draft(tmp_path) is None


def test_a_draft_is_no_longer_than_a_site(tmp_path: Path) -> None:
    with pytest.raises(RefusedRequestError, match="expected a site of at most"):
        leave_draft(tmp_path, "#" * 2_000_000)


def test_a_draft_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / DRAFT_NAME).write_bytes(b"\xff")
    with pytest.raises(StorageError, match="cannot be read"):
        read_draft(tmp_path)


def test_what_is_put_in_place_has_the_mode_of_the_file_before_which_stays(tmp_path: Path) -> None:
    path = tmp_path / "site.yaml"
    path.write_text("before\n")
    path.chmod(0o640)
    kept = put_in_place(path, SITE)
    assert (path.read_text(), kept.read_text()) == (SITE, "before\n")
    assert {stat.S_IMODE(each.stat().st_mode) for each in (path, kept)} == {0o640}
    assert sorted(each.name for each in tmp_path.iterdir()) == ["site.yaml", "site.yaml.before"]


def test_where_nothing_can_be_written_the_file_stays(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="cannot be read"):
        put_in_place(tmp_path / "none.yaml", SITE)
