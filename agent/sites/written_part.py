"""What all parts of a written site are made of: mappings without unknown keys, text, names and shorthands."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, PlainValidator

from agent.sites.written_values import Id, OneOrMore, fault


def shorthand(key: str) -> BeforeValidator:
    """Let a text or list stand for a mapping with this one key."""
    return BeforeValidator(lambda value: {key: value} if isinstance(value, str | list) else value)


def _parse_text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise fault("text")
    if len(value) > 400:
        raise fault("at most 400 characters", f"{len(value)} characters")
    return " ".join(value.split())


def _empty_for_nothing(value: Any) -> Any:
    return {} if value is None else value


Text = Annotated[str, PlainValidator(_parse_text)]
Nothing: Final = BeforeValidator(_empty_for_nothing)
Ids = Annotated[list[Id], OneOrMore]
Categories = Annotated[list[Text], OneOrMore]


class Written(BaseModel):
    """A mapping in which a key that nobody knows is a mistake."""

    model_config = ConfigDict(extra="forbid", validate_by_alias=True, validate_by_name=False, frozen=True)

    def given(self) -> dict[str, Any]:
        """Give what was written, without what was left out or left empty."""
        values = ((name, getattr(self, name)) for name in type(self).model_fields)
        return {name: value for name, value in values if value is not None}
