"""What comes in about people becomes a type at the door, or is refused in a sentence that does not repeat it."""

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError

from agent.api.people_schemas import (
    AccountAsked,
    ClassesAsked,
    PersonAsked,
    RolesAsked,
    RosterApplied,
    RosterAsked,
    SignIn,
    TokenAsked,
)

MODELS = [SignIn, TokenAsked, AccountAsked, PersonAsked, RolesAsked, ClassesAsked, RosterAsked, RosterApplied]


def test_a_password_is_never_shown() -> None:
    asked = SignIn.model_validate({"login": "someone", "password": "correct horse 9"})
    assert "horse" not in repr(asked)
    with pytest.raises(ValidationError) as refused:
        SignIn.model_validate({"login": "someone", "password": "secret word", "totp": "secret word"})
    assert "secret word" not in str(refused.value)


@pytest.mark.parametrize("totp", ["12345", "123456789", "12345a", "١٢٣٤٥٦"])
def test_a_code_is_digits(totp: str) -> None:
    with pytest.raises(ValidationError):
        SignIn.model_validate({"login": "someone", "password": "x", "totp": totp})


def test_a_scope_is_a_right() -> None:
    assert TokenAsked.model_validate({"label": "board", "scopes": ["read_overrides"]}).scopes == ["read_overrides"]
    for scopes in ([], ["everything"], ["read_overrides"] * 50):
        with pytest.raises(ValidationError):
            TokenAsked.model_validate({"label": "board", "scopes": scopes})


def test_an_import_says_what_was_looked_at() -> None:
    with pytest.raises(ValidationError):
        RosterApplied.model_validate({"format": "csv", "content": "id,name,roles"})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        pytest.param("name", "x" * 201, id="a-name-of-201-characters"),
        pytest.param("name", "", id="no-name"),
        pytest.param("name", "Ada\x1b[2J", id="a-name-that-a-terminal-obeys"),
        pytest.param("name", 7, id="a-number-for-a-name"),
        pytest.param("roles", ["principal"], id="a-role-that-is-none"),
        pytest.param("roles", "teacher", id="a-text-for-roles"),
        pytest.param("roles", ["teacher"] * 15, id="more-roles-than-there-are"),
        pytest.param("classes", ["../6b"], id="a-class-that-is-no-id"),
        pytest.param("rights", ["manage_people"], id="a-key-that-nobody-knows"),
    ],
)
def test_what_is_nobody(key: str, value: Any) -> None:
    with pytest.raises(ValidationError):
        PersonAsked.model_validate({"name": "Ada", "roles": ["teacher"], key: value})


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
@given(tree=TREES, key=st.sampled_from(["login", "scopes", "content", "name", "roles", "classes", "person", "label"]))
def test_nothing_raises_the_unexpected(model: type[BaseModel], tree: Any, key: str) -> None:
    for value in (tree, {key: tree}):
        with suppress(ValidationError):
            model.model_validate(value)
