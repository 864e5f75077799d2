"""Names that pages need beside their own."""

import pytest

from agent.requests import companions
from agent.requests.companions import companions_of
from rules.name import DomainName, parse_name


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        pytest.param(("vimeo.com",), ("vimeocdn.com",), id="a-site-that-is-known"),
        pytest.param(("player.vimeo.com",), ("vimeocdn.com",), id="and-what-stands-below-it"),
        pytest.param(("notvimeo.com",), (), id="not-what-only-ends-alike"),
        pytest.param(("vimeo.com", "vimeocdn.com"), (), id="not-what-is-asked-for-already"),
        pytest.param(("instagram.com", "facebook.com"), ("cdninstagram.com", "fbcdn.net", "facebook.net"), id="once"),
        pytest.param((), (), id="nothing-for-nothing"),
    ],
)
def test_what_is_needed_beside(asked: tuple[str, ...], found: tuple[str, ...]) -> None:
    assert companions_of(map(DomainName, asked)) == found


def test_the_table_holds_names_in_their_normal_form() -> None:
    names = [each for site, others in companions._COMPANIONS.items() for each in (site, *others)]
    assert all(parse_name(name) == name for name in names)
