"""The category file that ships with the product, read once a process."""

from functools import cache
from importlib.resources import files

from rules.category import Catalogue, parse_categories


@cache
def load_categories() -> Catalogue:
    """Read the categories that ship with the product."""
    return parse_categories((files("rules") / "categories.yaml").read_text(encoding="utf-8"))
