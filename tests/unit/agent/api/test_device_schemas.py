"""What may be asked about laptops."""

import pytest
from pydantic import ValidationError

from agent.api.device_schemas import CodeAsked, DeviceTokenAsked, OwnerAsked


@pytest.mark.parametrize("code", ["12345", "1234567", "12345a", "", 123456, "\uff11" * 6])
def test_a_code_has_six_digits(code: object) -> None:
    with pytest.raises(ValidationError):
        CodeAsked.model_validate({"code": code})


def test_what_is_left_out_of_a_token() -> None:
    asked = DeviceTokenAsked.model_validate({"label": "Office"})
    assert (asked.uses, asked.hours, asked.owner) == (1, 72, None)


def test_an_owner_is_said_even_where_it_is_nobody() -> None:
    assert OwnerAsked.model_validate({"owner": None}).owner is None
    with pytest.raises(ValidationError):
        OwnerAsked.model_validate({})
