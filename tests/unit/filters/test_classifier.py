"""Every source asked, the answers united."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from indexes_of_test import TYPE_A, TYPE_AAAA, index_of, name_list, text_list, wire

from filters.classifier import MAX_REMEMBERED_MASKS, Classifier, EmptyIndex, Overlay
from rules.name import DomainName, ancestors

OVERLAY = Overlay(
    exact={wire("www.search.test"): ["search:test"], wire("one.test"): ["a", "b"]},
    subtree={wire("one.test"): {"name:one.test"}, wire("deep.one.test"): ["name:deep.one.test"]},
)


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        pytest.param("one.test", {"a", "b", "name:one.test"}, id="the-name-itself"),
        pytest.param("x.one.test", {"name:one.test"}, id="an-exact-entry-speaks-for-itself-alone"),
        pytest.param("x.deep.one.test", {"name:one.test", "name:deep.one.test"}, id="all-names-above"),
        pytest.param("www.search.test", {"search:test"}, id="an-exact-entry"),
        pytest.param("test", set(), id="not-the-name-above"),
        pytest.param("xone.test", set(), id="not-a-name-that-ends-alike"),
        pytest.param("", set(), id="the-root"),
    ],
)
def test_the_overlay(name: str, tags: set[str]) -> None:
    assert Classifier(EmptyIndex(), OVERLAY).classify(wire(name), TYPE_A) == tags


def test_lists_and_overlay_are_united() -> None:
    index = index_of(name_list("gambling", subtree=["one.test"]), name_list("games", exact=["x.one.test"]))
    found = Classifier(index, OVERLAY)
    assert found.classify(wire("x.one.test"), TYPE_A) == {"gambling", "games", "name:one.test"}
    assert found.classify(wire("y.one.test"), TYPE_A) == {"gambling", "name:one.test"}
    assert found.mask(wire("other.test")) == 0


def test_what_depends_on_the_question_is_not_remembered_by_its_mask() -> None:
    index = index_of(text_list("||one.test^$dnstype=A\n||sure.test^", "gambling"))
    found = Classifier(index, OVERLAY)
    mask = found.mask(wire("x.one.test"))
    assert found.is_conditional(mask)
    for _ in range(2):
        assert found.tags(mask, wire("x.one.test"), TYPE_A) == {"gambling", "name:one.test"}
        assert found.tags(mask, wire("x.one.test"), TYPE_AAAA) == {"name:one.test"}
    assert not found.is_conditional(found.mask(wire("sure.test")))
    assert not found.is_conditional(found.mask(wire("one.other.test")))


class CountingIndex:
    """An index in which every name is something else."""

    signal_count = 20
    conditional_mask = 0

    def look_up(self, wire_name: bytes) -> int:
        return int.from_bytes(wire_name[-2:], "big") << 2

    def tags(self, mask: int, wire_name: bytes, qtype: int) -> frozenset[str]:  # noqa: ARG002 (the protocol)
        return frozenset({str(mask)})


def test_what_is_remembered_is_bounded() -> None:
    found = Classifier(CountingIndex(), Overlay(exact={}, subtree={}))
    for number in range(MAX_REMEMBERED_MASKS + 50):
        assert found.tags(number, b"", TYPE_A) == {str(number)}
    assert len(found._remembered) == MAX_REMEMBERED_MASKS


NAMES = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=4).map(".".join)
TAGS = st.frozensets(st.sampled_from(["games", "chat", "name:a.b", "search:x"]), min_size=1)
ENTRIES = st.dictionaries(NAMES, TAGS, max_size=5)


@settings(deadline=None)
@given(ENTRIES, ENTRIES, ENTRIES, NAMES)
def test_classifying_is_a_loop_over_all_names_above(
    exact: dict[str, frozenset[str]], subtree: dict[str, frozenset[str]], listed: dict[str, frozenset[str]], name: str
) -> None:
    overlay = Overlay(
        exact={wire(each): tags for each, tags in exact.items()},
        subtree={wire(each): tags for each, tags in subtree.items()},
    )
    lists = [name_list(*sorted(tags), subtree=[each], name=each) for each, tags in listed.items()]
    expected = set(exact.get(name, ()))
    for above in ancestors(DomainName(name)):
        expected |= subtree.get(above, frozenset()) | listed.get(above, frozenset())
    assert Classifier(index_of(*lists), overlay).classify(wire(name), TYPE_A) == expected
