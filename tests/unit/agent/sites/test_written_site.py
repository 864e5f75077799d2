"""What may be written in a site, and that the example shows all of it."""

import re
from collections.abc import Iterator
from types import NoneType
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import BaseModel, ValidationError

from agent.sites.example import example_text
from agent.sites.written_part import Written
from agent.sites.written_site import REQUIRED, SAFE_MODES, WrittenSite


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
        for field in annotation.model_fields.values():
            yield from models_in(field.annotation)
    elif get_origin(annotation) is not None:
        for argument in get_args(annotation)[: 1 if get_origin(annotation) is Annotated else None]:
            if argument is not NoneType:
                yield from models_in(argument)


KEYS = sorted({field.alias or name for model in models_in(WrittenSite) for name, field in model.model_fields.items()})


@pytest.mark.parametrize("key", KEYS)
def test_the_example_shows_every_key(key: str) -> None:
    assert re.search(rf"(^|[\s{{,#]){key}:", example_text(), re.MULTILINE), f"{key}: is not in the example"


@pytest.mark.parametrize("service", SAFE_MODES)
def test_every_service_has_a_strict_mode(service: str) -> None:
    assert SAFE_MODES[service][0] == "strict"


def test_every_model_has_its_sentence() -> None:
    assert all(model.__doc__ and model.__doc__ != Written.__doc__ for model in models_in(WrittenSite))


def test_what_is_required_can_be_missing_for_the_models_so_that_the_rest_is_checked() -> None:
    assert set(REQUIRED) <= set(WrittenSite.model_fields)
    assert WrittenSite.model_validate({}).school is None


def test_a_name_of_a_field_is_no_key_where_another_word_is_written() -> None:
    WrittenSite.model_validate({"limits": {"stale": "1 d"}})
    with pytest.raises(ValidationError):
        WrittenSite.model_validate({"limits": {"stale_seconds": "86400"}})


def test_what_was_left_out_or_left_empty_is_not_given() -> None:
    limits = WrittenSite.model_validate({"limits": {"stale": "1 d", "tcp_idle": None}}).limits
    assert limits is not None
    assert limits.given() == {"stale_seconds": 86_400}
