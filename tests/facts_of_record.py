"""Which facts the source writes into rows of the record, read off the source: a new one is found without being named.

A fact is a key of a dictionary that is handed on as `facts` or to what notes a row, under whatever name it was made,
or that is made by a function named after facts. Too many are found rather than too few.
"""

import ast
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from dataclasses import fields
from pathlib import Path

import agent
from agent.fleet.media_register import _FACTS
from agent.storage.override_rows import Use

# Programs on laptops and pages write no rows, and what is observed or asked about is no row.
ELSEWHERE = frozenset({
    "endpoint", "console", "commands", "observing", "explaining", "block_page", "simulation", "dns", "sites",
    "notices.py", "plugged_media.py", "incident_telling.py", "filter_routes.py", "people_routes.py",
    "fleet_inventory.py", "device_signs.py", "device_candidates.py", "batch_reader.py", "check_media.py",
})  # fmt: skip
WRITERS = frozenset({"note", "_note", "enter", "_file", "facts_of", "note_access", "_add", "leave_event", "Entry"})
MAKERS = ("facts", "record_made", "record_given", "lost_and_died", "opening", "_unconfirmed")


def facts_written() -> set[str]:
    """Give the name of every fact."""
    folder = Path(agent.__file__).parent
    found = {*_FACTS, *(each.name for each in fields(Use)), "most"}
    for file in folder.rglob("*.py"):
        if not ELSEWHERE & set(file.relative_to(folder).parts):
            tree = ast.parse(file.read_text())
            handed = {
                _name(each.value) for each in ast.walk(tree) if isinstance(each, ast.keyword) and each.arg == "facts"
            }
            made = handed | {"facts", "said"} - {""}
            found |= {key for node in ast.walk(tree) for part in _facts_in(node, made) for key in _keys(part)}
    return found


def _facts_in(node: ast.AST, made: AbstractSet[str]) -> Iterator[ast.AST]:
    if isinstance(node, ast.Call):
        yield from (each.value for each in node.keywords if each.arg == "facts")
        if _name(node.func) in WRITERS:
            yield from (each for each in node.args if isinstance(each, ast.Dict))
    elif isinstance(node, ast.FunctionDef):
        if any(each in node.name for each in MAKERS):
            yield node
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign) and node.value is not None:
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for target in (part for each in targets for part in getattr(each, "elts", [each])):
            if isinstance(target, ast.Subscript) and _name(target.value) in made:
                yield ast.Dict([target.slice], [node.value])
            elif _name(target) in made:
                yield node.value


def _name(node: ast.AST) -> str:
    return str(getattr(node, "attr", getattr(node, "id", "")))


def _keys(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            # A key may hang on a condition.
            keys = (part for key in node.keys if key is not None for part in ast.walk(key))
            yield from (each.value for each in keys if isinstance(each, ast.Constant) and isinstance(each.value, str))
        elif isinstance(node, ast.Call) and _name(node.func) in {"dict", "Counter"}:
            yield from (each.arg for each in node.keywords if each.arg)
