"""Groups and classes as people write them, and what is said of those that are none."""

from collections.abc import Iterable

import pytest

from agent.people.people import SchoolClass
from agent.requests.asked_groups import AskedGroups, read_groups

CLASSES = (
    SchoolClass("c-5b", "5B", "year5"),
    SchoolClass("c-6a", "6 Alder", "year6"),
    SchoolClass("c-art-1", "Art", "year5"),
    SchoolClass("c-art-2", "Art", "year6"),
    SchoolClass("c-pe-1", "PE", "year6"),
    SchoolClass("c-pe-2", "PE", "year6"),
    SchoolClass("c-7", "7C"),
    SchoolClass("c-8", "8D", "year8"),
    SchoolClass("c-year5", "year5", "year6"),
)


def read(*written: str) -> AskedGroups:
    return read_groups(written, known={"year5", "year6"}, classes=lambda: CLASSES)


@pytest.mark.parametrize(
    ("written", "groups"),
    [
        pytest.param(("year6",), {"year6"}, id="a-group-of-the-site"),
        pytest.param(("5B",), {"year5"}, id="a-class-by-its-title"),
        pytest.param((" 5b ", "6  alder"), {"year5", "year6"}, id="as-somebody-types-it"),
        pytest.param(("c-6a",), {"year6"}, id="a-class-by-its-id"),
        pytest.param(("PE",), {"year6"}, id="two-classes-of-one-title-and-the-same-devices"),
        pytest.param(("c-art-2",), {"year6"}, id="one-of-two-with-one-title"),
        pytest.param(("year5",), {"year5"}, id="a-group-comes-before-a-class-of-its-name"),
        pytest.param((), set(), id="nothing"),
    ],
)
def test_what_is_meant(written: tuple[str, ...], groups: set[str]) -> None:
    assert read(*written) == AskedGroups(frozenset(groups))


@pytest.mark.parametrize(
    ("written", "said"),
    [
        pytest.param("5C", "5C is no group of this school, and no class has that title.", id="nobody-knows-it"),
        pytest.param(
            "Art",
            "2 classes have the title Art; name the one that is meant: c-art-1 and c-art-2.",
            id="two-of-one-title",
        ),
        pytest.param(
            "7C", "Nobody has said which devices are the class 7C; name a group instead.", id="without-a-group"
        ),
        pytest.param(
            "8D", "The devices of 8D are the group year8, which this site does not have.", id="a-group-that-is-gone"
        ),
    ],
)
def test_what_is_none_is_one_sentence(written: str, said: str) -> None:
    assert read("year5", written) == AskedGroups(frozenset({"year5"}), (said,))


def test_classes_are_looked_up_where_something_is_no_group() -> None:
    def nobody_asks() -> Iterable[SchoolClass]:
        raise AssertionError

    assert read_groups(["year5"], known={"year5"}, classes=nobody_asks).groups == {"year5"}
