"""How people call what a site holds."""

from agent.sites.site_words import AUDIENCES, spell_groups, spell_list, spell_scope, spell_tag, spell_tags
from rules.subject import Audience, Scope


def test_a_list_of_words_reads_like_one() -> None:
    assert [spell_list(words) for words in ([], ["a"], ["a", "b"], ["a", "b", "c"])] == [
        "nothing",
        "a",
        "a and b",
        "a, b and c",
    ]


def test_categories_have_their_names_and_names_are_themselves() -> None:
    assert spell_tags(["name:radio.example", "gambling"]) == "Gambling and radio.example"


def test_a_scope_says_for_whom() -> None:
    scope = Scope(frozenset({Audience.GUEST, Audience.PUPIL}), frozenset({"b", "a"}), frozenset({"c"}))
    assert spell_scope(scope) == "pupils and guests in the groups a and b, but not in the group c"


def test_one_group_and_several() -> None:
    assert [spell_groups(names) for names in (["a"], ["b", "a"])] == ["the group a", "the groups a and b"]


def test_a_service_is_called_by_its_name() -> None:
    assert spell_tag("search:google") == "google"


def test_every_audience_has_a_word() -> None:
    assert set(AUDIENCES) == set(Audience)
    assert spell_scope(Scope()) == "everybody"
