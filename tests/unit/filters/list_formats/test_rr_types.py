import dns.rdatatype
import pytest

from filters.list_formats.rr_types import RR_TYPES, parse_rr_type


@pytest.mark.parametrize(
    ("text", "number"),
    [
        pytest.param("A", 1, id="by-name"),
        pytest.param("aaaa", 28, id="in-any-case"),
        pytest.param("TYPE65", 65, id="by-number"),
        pytest.param("TYPE0", None, id="zero-is-no-type"),
        pytest.param("TYPE65536", None, id="out-of-range"),
        pytest.param("HTTP", None, id="unknown"),
        pytest.param("", None, id="nothing"),
        pytest.param("TYPE\u0661", None, id="digits-of-another-script"),
    ],
)
def test_types_are_read(text: str, number: int | None) -> None:
    assert parse_rr_type(text) == number


def test_names_and_numbers_are_those_of_an_independent_table() -> None:
    assert {name: int(dns.rdatatype.from_text(name)) for name in RR_TYPES} == dict(RR_TYPES)
