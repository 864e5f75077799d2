"""Every setting that a site can have stands in the example that `schoolgate init` writes."""

import re
from collections.abc import Iterator
from typing import Any, get_args

from pydantic import BaseModel

from agent.sites.example import example_text
from agent.sites.written_site import WrittenSite


def settings(model: type[BaseModel]) -> Iterator[str]:
    for name, field in model.model_fields.items():
        yield field.alias or name
        for inner in models_in(field.annotation):
            yield from settings(inner)


def models_in(annotation: Any) -> Iterator[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in get_args(annotation):
        yield from models_in(argument)


def test_every_setting_is_in_the_example() -> None:
    words = set(re.findall(r"[\w-]+", example_text()))
    missing = {setting for setting in settings(WrittenSite) if setting not in words}
    assert not missing
