"""What may be written about laptops."""

import pytest
from pydantic import ValidationError

from agent.sites.written_endpoints import WrittenEndpoints


def test_nothing_has_to_be_written() -> None:
    assert WrittenEndpoints.model_validate({}).given() == {
        "vpn": [],
        "resolvers": [],
        "hardware_encrypted": [],
        "closed": [],
    }


def test_one_of_a_list_may_stand_alone_and_ids_are_in_small_letters() -> None:
    written = {"vpn": "School VPN", "resolvers": "192.0.2.53", "hardware_encrypted": "0951:177F:AbC1"}
    part = WrittenEndpoints.model_validate(written)
    assert (part.vpn, part.resolvers, part.hardware_encrypted) == (["School VPN"], ["192.0.2.53"], ["0951:177f:AbC1"])


@pytest.mark.parametrize(
    "written",
    [
        {"resolvers": ["dns.example"]},
        {"hardware_encrypted": ["0951-177f"]},
        {"hardware_encrypted": [951177]},
        {"file_names": "all"},
        {"heartbeat": "5 s"},
        {"heartbeat": "2 h"},
        {"posture": 900},
        {"grace": "2 d"},
        {"register": "http://it.school.example"},
        {"silent": "1 min"},
        {"days": 0},
        {"events": 10},
        {"more": 1},
    ],
    ids=str,
)
def test_what_is_none(written: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        WrittenEndpoints.model_validate(written)
