"""What two generations have in common."""

from dataclasses import replace
from pathlib import Path

import pytest

from agent.lists.list_inputs import IndexFile, IndexList, fingerprint

FILE = IndexFile(Path("/state/v1/games.txt"), "games.txt", "domains", ("games",))
LIST = IndexList("some", "v1", (FILE,))


def test_the_same_inputs_have_one_fingerprint_wherever_they_lie() -> None:
    assert fingerprint([LIST]) == fingerprint([replace(LIST, files=(replace(FILE, path=Path("/elsewhere")),))])


@pytest.mark.parametrize(
    "lists",
    [
        pytest.param([], id="no-lists"),
        pytest.param([replace(LIST, version="v2")], id="another-version"),
        pytest.param([replace(LIST, name="other")], id="another-name"),
        pytest.param([LIST, LIST], id="one-more"),
        pytest.param([replace(LIST, files=(replace(FILE, tags=("video",)),))], id="another-category"),
        pytest.param([replace(LIST, files=(replace(FILE, format="hosts"),))], id="another-format"),
    ],
)
def test_other_inputs_have_another(lists: list[IndexList]) -> None:
    assert fingerprint(lists) != fingerprint([LIST])
