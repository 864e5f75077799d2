import random
from pathlib import Path

import pytest
import xxhash
from hypothesis import given
from hypothesis import strategies as st
from indexes_of_test import TYPE_A, TYPE_AAAA, TYPE_HTTPS, index_of, name_list, tags_of, text_list, wire

from filters.index_builder import ListInput, build_index
from filters.list_index import HEADER, HEADER_OCTETS, ListIndex, empty_index, role_of
from filters.list_parser import RpzAnswer, SpecialRule
from rules.errors import IndexUnusableError
from rules.name import DomainName, ancestors

# --- What a name is listed as


@pytest.mark.parametrize(
    ("name", "tags"),
    [
        pytest.param("bet.example", {"gambling"}, id="the-name"),
        pytest.param("a.b.c.bet.example", {"gambling"}, id="every-name-below"),
        pytest.param("mybet.example", set(), id="not-a-name-that-only-ends-alike"),
        pytest.param("example", set(), id="not-the-name-above"),
        pytest.param("host.example", {"malware"}, id="an-exact-name"),
        pytest.param("x.host.example", set(), id="nothing-below-an-exact-name"),
        pytest.param("play.bet.example", {"gambling", "games"}, id="what-is-said-of-it-and-of-names-above-is-united"),
        pytest.param("x.play.bet.example", {"gambling", "games"}, id="also-below"),
        pytest.param("both.example", {"malware", "games"}, id="exact-in-one-list-and-subtree-in-another"),
        pytest.param("x.both.example", {"games"}, id="of-those-only-the-subtree-reaches-below"),
        pytest.param("two.example", {"malware", "phishing"}, id="a-list-with-two-categories"),
    ],
)
def test_listing(name: str, tags: set[str]) -> None:
    index = index_of(
        name_list("gambling", subtree=["bet.example"]),
        name_list("games", subtree=["play.bet.example", "both.example"]),
        name_list("malware", exact=["host.example", "both.example"]),
        name_list("malware", "phishing", subtree=["two.example"]),
    )
    assert tags_of(index, name) == tags


@pytest.mark.parametrize(
    ("rules", "name", "is_listed"),
    [
        pytest.param("||a.test^\n@@||x.a.test^", "a.test", True, id="an-exception-leaves-the-name-above-listed"),
        pytest.param("||a.test^\n@@||x.a.test^", "y.x.a.test", False, id="an-exception-covers-names-below"),
        pytest.param("||a.test^\n@@||a.test^", "x.a.test", False, id="an-exception-for-the-listed-name-itself"),
        pytest.param("@@||a.test^\n||x.a.test^", "x.a.test", False, id="a-block-below-an-exception-does-not-stand"),
        pytest.param("||a.test^$important\n@@||a.test^", "a.test", True, id="important-beats-an-exception"),
        pytest.param(
            "||a.test^$important\n@@||a.test^$important", "a.test", False, id="an-important-exception-beats-important"
        ),
        pytest.param("||a.test^\n@@|a.test^", "x.a.test", True, id="an-exact-exception-leaves-names-below-listed"),
        pytest.param("@@||a.test^", "a.test", False, id="an-exception-alone-lists-nothing"),
    ],
)
def test_exceptions(rules: str, name: str, is_listed: bool) -> None:
    assert tags_of(index_of(text_list(rules, "ads")), name) == ({"ads"} if is_listed else set())


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        pytest.param(text_list("||a.test^", "ads", name="other"), {"ads"}, id="of-the-same-category"),
        pytest.param(text_list("||a.test^", "malware", name="other"), {"malware"}, id="of-another-category"),
        pytest.param(text_list("||a.test^", "ads"), set(), id="but-another-file-of-the-same-list-and-category"),
        pytest.param(text_list("||a.test^", "malware"), {"malware"}, id="not-another-category-of-the-same-list"),
    ],
)
def test_an_exception_cancels_nothing_of_another_list(other: ListInput, expected: set[str]) -> None:
    excepting = text_list("||a.test^\n@@||a.test^", "ads")
    assert tags_of(index_of(excepting, other), "a.test") == expected
    assert tags_of(index_of(other, excepting), "a.test") == expected


def test_an_exception_holds_for_every_category_of_its_file() -> None:
    index = index_of(text_list("||a.test^\n||b.test^\n@@||a.test^", "malware", "phishing"))
    assert (tags_of(index, "a.test"), tags_of(index, "b.test")) == (set(), {"malware", "phishing"})


@pytest.mark.parametrize(
    ("rule", "name", "qtype", "is_listed"),
    [
        pytest.param("||a.test^$dnstype=AAAA", "x.a.test", TYPE_AAAA, True, id="dnstype-that-is-asked"),
        pytest.param("||a.test^$dnstype=AAAA", "x.a.test", TYPE_A, False, id="dnstype-that-is-not-asked"),
        pytest.param("||a.test^$dnstype=~HTTPS", "a.test", TYPE_HTTPS, False, id="dnstype-left-out"),
        pytest.param("||a.test^$dnstype=~HTTPS", "a.test", TYPE_A, True, id="dnstype-beside-the-one-left-out"),
        pytest.param("||a.test^\n@@||a.test^$dnstype=A", "a.test", TYPE_A, False, id="exception-for-a-type"),
        pytest.param("||a.test^\n@@||a.test^$dnstype=A", "a.test", TYPE_AAAA, True, id="exception-for-another-type"),
        pytest.param("||a.test^$denyallow=ok.a.test", "x.a.test", TYPE_A, True, id="beside-denyallow"),
        pytest.param("||a.test^$denyallow=ok.a.test", "x.ok.a.test", TYPE_A, False, id="denyallow-and-below"),
        pytest.param("||ads*.a.test^", "ads12.a.test", TYPE_A, True, id="a-pattern-with-a-literal-end"),
        pytest.param("||ads*.a.test^", "x.ads12.a.test", TYPE_A, True, id="a-pattern-at-a-label-covers-names-below"),
        pytest.param("||ads*.a.test^", "a.test", TYPE_A, False, id="not-the-literal-end-alone"),
        pytest.param("||ads*.a.test^", "bads12.a.test", TYPE_A, False, id="a-pattern-begins-at-a-label"),
        pytest.param("||adserver.*^", "adserver.test", TYPE_A, True, id="a-pattern-without-literal-end"),
        pytest.param("||adserver.*^", "x.adserver.co.test", TYPE_A, True, id="a-pattern-without-literal-end-below"),
        pytest.param("||adserver.*^", "server.test", TYPE_A, False, id="a-pattern-without-literal-end-misses"),
        pytest.param(
            "*tracker*\n@@||good*.tracker.test^", "good1.tracker.test", TYPE_A, False, id="exception-by-pattern"
        ),
        pytest.param(
            "*tracker*\n@@||good*.tracker.test^", "x.tracker.test", TYPE_A, True, id="beside-that-exception"
        ),
    ],
)
def test_conditions(rule: str, name: str, qtype: int, is_listed: bool) -> None:
    index = index_of(text_list(rule, "ads"))
    assert tags_of(index, name, qtype) == ({"ads"} if is_listed else set())


def test_names_without_conditions_are_not_looked_at_twice() -> None:
    index = index_of(text_list("||a.test^\n||bbb*.c.test^", "ads"))
    mask = index.look_up(wire("a.test"))
    assert not mask & index.conditional_mask
    assert index.tags(mask, wire("a.test"), TYPE_A) is index.tags(mask, wire("a.test"), TYPE_AAAA)
    assert index.look_up(wire("x.c.test")) & index.conditional_mask


def test_a_pattern_without_literal_end_concerns_every_look_up() -> None:
    assert index_of(text_list("||adserver.*^", "ads")).root_mask
    assert not index_of(text_list("||ads*.a.test^", "ads")).root_mask


def test_thousands_of_patterns_are_compiled_once_each() -> None:
    rules = "\n".join(f"||tracker{number}-*^" for number in range(900))
    index = index_of(text_list(rules, "ads"))
    # With the small cache of `re` this would compile all of them each time: about half a minute.
    assert [tags_of(index, f"tracker{number}-x.test") for number in (0, 450, 899) * 300] == [{"ads"}] * 900


# --- What a list answers

ZONE = """\
$TTL 300
garden.test CNAME walled.example.
*.garden.test CNAME walled.example.
alone.test A 192.0.2.1
empty.test CNAME *.
*.below.test A 192.0.2.2
listed.test CNAME .
ok.garden.test CNAME rpz-passthru.
"""


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        pytest.param("garden.test", RpzAnswer("local", ((5, 300, "walled.example."),)), id="the-name"),
        pytest.param("x.garden.test", RpzAnswer("local", ((5, 300, "walled.example."),)), id="a-name-below"),
        pytest.param("alone.test", RpzAnswer("local", ((1, 300, "192.0.2.1"),)), id="a-name-alone"),
        pytest.param("x.alone.test", None, id="nothing-below-a-name-alone"),
        pytest.param("empty.test", RpzAnswer("nodata"), id="nodata"),
        pytest.param("x.below.test", RpzAnswer("local", ((1, 300, "192.0.2.2"),)), id="names-below-only"),
        pytest.param("below.test", None, id="not-the-name-above-them"),
        pytest.param("listed.test", None, id="listed-without-an-answer"),
        pytest.param("other.test", None, id="not-listed"),
    ],
)
def test_answers_of_a_policy_zone(name: str, answer: RpzAnswer | None) -> None:
    index = index_of(text_list(ZONE, "malware", list_format="rpz"))
    assert index.answer_for(wire(name)) == answer
    assert tags_of(index, name) == ({"malware"} if answer or name == "listed.test" else set())
    assert answer is None or index.look_up(wire(name)) & index.conditional_mask


def test_a_passthru_cancels_what_its_zone_says() -> None:
    index = index_of(text_list(ZONE, "malware", list_format="rpz"))
    assert tags_of(index, "x.ok.garden.test") == {"malware"}
    assert tags_of(index, "ok.garden.test") == set()


def test_the_nearest_answer_is_taken() -> None:
    zone = "*.a.test A 192.0.2.1\n*.b.a.test A 192.0.2.2\nc.b.a.test A 192.0.2.3\n"
    index = index_of(text_list(zone, "malware", list_format="rpz"))
    answers = [index.answer_for(wire(name)) for name in ("x.a.test", "x.b.a.test", "c.b.a.test")]
    assert [answer.records[0][2] for answer in answers if answer] == ["192.0.2.1", "192.0.2.2", "192.0.2.3"]


def test_an_answer_that_many_names_share_costs_a_worker_nothing_for_each() -> None:
    zone = "".join(f"n{number}.test CNAME walled.example.\n" for number in range(5000))
    built = build_index([text_list(zone, "malware", list_format="rpz")])
    index = ListIndex(built.octets)
    assert index.signal_count == 2
    assert len(built.octets) < 5000 * 20 + 2000
    assert index.answer_for(wire("n4999.test")) == RpzAnswer("local", ((5, 3600, "walled.example."),))


# --- The same as a loop over everything

labels = st.sampled_from(["a", "b", "ab", "x-1"])
some_names = st.builds(".".join, st.lists(labels, min_size=1, max_size=4))
wire_names = st.builds(wire, some_names)
some_rules = st.builds(
    SpecialRule,
    wire_names,
    subtree=st.booleans(),
    exception=st.booleans(),
    important=st.booleans(),
    dnstypes=st.sampled_from([frozenset(), frozenset({TYPE_A})]),
    not_dnstypes=st.sampled_from([frozenset(), frozenset({TYPE_A, TYPE_HTTPS})]),
    denyallow=st.frozensets(wire_names, max_size=1),
    pattern=st.sampled_from([None, None, r"(?>.*?b).*", r".*\.a"]),
)
root_rules = st.builds(SpecialRule, st.just(b""), exception=st.booleans(), pattern=st.just(r"(?>.*?ab).*"))
some_lists = st.lists(
    st.tuples(
        st.sampled_from(["one", "two"]),
        st.sampled_from([("ads",), ("games",), ("ads", "games")]),
        st.lists(some_names, max_size=4),
        st.lists(some_names, max_size=4),
        st.lists(some_rules | root_rules, max_size=3),
    ),
    max_size=5,
)


def naive_tags(
    lists: list[tuple[str, tuple[str, ...], list[str], list[str], list[SpecialRule]]], name: str, qtype: int
) -> set[str]:
    said: dict[tuple[str, str], set[str]] = {}
    for list_name, tags, subtree, exact, special in lists:
        for tag in tags:
            roles = said.setdefault((list_name, tag), set())
            if name in exact or any(above in subtree for above in ancestors(DomainName(name))):
                roles.add("block")
            roles.update(
                role_of(rule) for rule in special if rule.covers(DomainName(name)) and rule.is_for_type(qtype)
            )
    return {
        tag
        for (_, tag), roles in said.items()
        if "important_except" not in roles and ("important" in roles or ("block" in roles and "except" not in roles))
    }


@given(some_lists, some_names, st.sampled_from([TYPE_A, TYPE_AAAA]))
def test_tags_equal_those_of_a_loop_over_everything(
    lists: list[tuple[str, tuple[str, ...], list[str], list[str], list[SpecialRule]]], name: str, qtype: int
) -> None:
    index = index_of(
        *(
            name_list(*tags, name=list_name, subtree=subtree, exact=exact, special=special)
            for list_name, tags, subtree, exact, special in lists
        )
    )
    assert tags_of(index, name, qtype) == naive_tags(lists, name, qtype)
    assert tags_of(index, name, qtype) <= index.tags_present


@given(st.dictionaries(some_names, st.sampled_from(["subtree", "exact"]), max_size=30), some_names)
def test_a_look_up_equals_a_dictionary_and_a_loop_over_ancestors(listed: dict[str, str], name: str) -> None:
    subtree, exact = ([each for each, its in listed.items() if its == kind] for kind in ("subtree", "exact"))
    index = index_of(name_list("ads", subtree=subtree, exact=exact))
    expected = listed.get(name) == "exact" or any(
        listed.get(above) == "subtree" for above in ancestors(DomainName(name))
    )
    assert bool(index.look_up(wire(name))) is expected


def test_every_name_of_a_large_list_is_found_and_no_other() -> None:
    index = index_of(name_list("ads", subtree=(f"n{number}.test" for number in range(20_000))))
    assert all(index.look_up(wire(f"n{number}.test")) for number in range(20_000))
    assert not any(index.look_up(wire(f"n{number}.test")) for number in range(20_000, 60_000))


def test_without_lists_nothing_is_listed() -> None:
    for index in (empty_index(), index_of()):
        assert (index.look_up(wire("a.test")), index.signal_count, index.name_count) == (0, 0, 0)
        assert index.tags(0, wire("a.test"), TYPE_A) == frozenset()


# --- Damage

GOOD = bytes(build_index([text_list("||a.test^\n||b*.test^\n@@||c.a.test^\n||d.test^$dnstype=A\n", "ads")]).octets)


def with_header(octets: bytes, **changes: int | bytes) -> bytes:
    fields = ("magic", "version", "flags", "names", "cells", "meanings_at", "meanings_octets", "checksum")
    values = dict(zip(fields, HEADER.unpack_from(octets), strict=True)) | changes
    return HEADER.pack(*values.values()) + octets[HEADER_OCTETS:]


def with_meanings(meanings: bytes) -> bytes:
    meanings_at = HEADER.unpack_from(GOOD)[5]
    octets = GOOD[:meanings_at] + meanings
    checksum = xxhash.xxh3_64_intdigest(octets[HEADER_OCTETS:])
    return with_header(octets, meanings_octets=len(meanings), checksum=checksum)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        pytest.param(b"", "index: 0 octets; expected an index of at least 64", id="empty"),
        pytest.param(GOOD[:40], "index: 40 octets; expected an index of at least 64", id="cut-in-the-header"),
        pytest.param(GOOD[:-1], "cut short or too long; expected a whole index", id="cut-at-the-end"),
        pytest.param(GOOD[:64], "cut short or too long; expected a whole index", id="cut-behind-the-header"),
        pytest.param(GOOD + b"\0", "cut short or too long; expected a whole index", id="something-behind-it"),
        pytest.param(bytes(len(GOOD)), "not an index", id="zero-octets"),
        pytest.param(b"<!doctype html>" * 20, "not an index", id="something-else"),
        pytest.param(with_header(GOOD, version=7), "an index of version 7; expected version 1", id="another-version"),
        pytest.param(with_header(GOOD, checksum=0), "the checksum does not match", id="another-checksum"),
        pytest.param(GOOD[:70] + b"\xff" + GOOD[71:], "the checksum does not match", id="an-octet-changed"),
        pytest.param(with_header(GOOD, cells=9), "cut short or too long", id="cells-that-do-not-match-the-size"),
        pytest.param(with_header(GOOD, cells=0, meanings_at=64), "cut short or too long", id="no-cells"),
        pytest.param(with_header(GOOD, names=10_000), "cut short or too long", id="more-names-than-cells"),
        pytest.param(with_meanings(b"{"), "the table of meanings cannot be read", id="meanings-cut"),
        pytest.param(with_meanings(b"[]"), "the table of meanings cannot be read", id="meanings-of-another-shape"),
        pytest.param(with_meanings(b"[" * 99_999), "the table of meanings cannot be read", id="meanings-too-deep"),
        pytest.param(
            with_meanings(b'{"signals":[],"sets":[],"root":"0","rules":[]}'), "cannot be read", id="no-sets-at-all"
        ),
    ],
)
def test_a_damaged_index_is_refused_with_one_sentence(octets: bytes, sentence: str) -> None:
    with pytest.raises(IndexUnusableError) as caught:
        ListIndex(octets)
    assert sentence in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("octets", "sentence"),
    [
        pytest.param(None, "No such file or directory; expected a compiled index", id="missing"),
        pytest.param(b"", "0 octets; expected a compiled index", id="empty"),
        pytest.param(GOOD[:-9], "cut short or too long; expected a whole index", id="truncated"),
    ],
)
def test_a_file_that_is_no_index_is_refused_by_its_name(tmp_path: Path, octets: bytes | None, sentence: str) -> None:
    file = tmp_path / "index.bin"
    if octets is not None:
        file.write_bytes(octets)
    with pytest.raises(IndexUnusableError) as caught:
        ListIndex.open(file)
    assert str(caught.value).startswith(f"{file}: ")
    assert str(caught.value).endswith(sentence)


def test_a_file_is_mapped(tmp_path: Path) -> None:
    file = tmp_path / "index.bin"
    file.write_bytes(GOOD)
    assert tags_of(ListIndex.open(file), "x.a.test") == {"ads"}


def check_any(octets: bytes) -> None:
    """An index is refused, or it can be used."""
    try:
        index = ListIndex(octets)
    except IndexUnusableError:
        return
    for name in ("x.c.a.test", "b1.test", "d.test", "a.a"):
        tags_of(index, name)
        index.answer_for(wire(name))


@given(st.lists(st.tuples(st.integers(0, len(GOOD) - 1), st.integers(0, 255)), min_size=1, max_size=8))
def test_no_changed_octets_do_harm(changes: list[tuple[int, int]]) -> None:
    octets = bytearray(GOOD)
    for place, octet in changes:
        octets[place] = octet
    check_any(bytes(octets))


def test_no_single_bit_does_harm_anywhere() -> None:
    for place in range(len(GOOD)):
        octets = bytearray(GOOD)
        octets[place] ^= 1 << random.Random(place).randrange(8)
        check_any(bytes(octets))


@given(st.integers(0, len(GOOD)), st.binary(max_size=100))
def test_no_cut_and_no_other_end_does_harm(place: int, end: bytes) -> None:
    check_any(GOOD[:place] + end)


@given(st.binary(max_size=400))
def test_no_octets_at_all_do_harm(octets: bytes) -> None:
    check_any(octets)
