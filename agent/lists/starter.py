"""The starter lists that ship with the product: one file a category, plain names, read like any other list."""

from collections.abc import Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

STARTER_SOURCE: Final = "builtin:starter"


def starter_files() -> Iterator[tuple[str, Traversable]]:
    """Give each category that has a starter list with its file, in the order of the ids."""
    folder = files("agent") / "data" / "starter"
    for file in sorted(folder.iterdir(), key=lambda file: file.name):
        category, dot, suffix = file.name.rpartition(".")
        if dot and suffix == "txt":
            yield category, file
