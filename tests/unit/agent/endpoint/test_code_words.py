"""Words for every code: each table has all that the collectors can tell, read from their own code, and no more."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import fields
from pathlib import Path

import pytest

import agent.endpoint.notice
import agent.endpoint.service_state
import agent.endpoint.told_by_session
import collectors
from agent.endpoint import code_words, event_spool
from agent.endpoint.code_words import Gettext, Table, reason, reworded
from agent.endpoint.notice_texts import LANGUAGES, endpoint_texts
from agent.endpoint.probes import COLLECTORS
from agent.storage.fleet_rows import FindingKind
from collectors.bypass import Seen as Signs
from collectors.bypass import load_lists
from collectors.posture import Check, State
from collectors.probe import Health
from collectors.program_signature import Signature
from collectors.school_filter import Seen
from collectors.volume import Crypt
from collectors.write_stream import Gap

FOLDER = Path(collectors.__file__).parent
OF_VOLUMES = ("linux_volumes", "macos_volumes", "windows_volumes", "volume_header", "phones")
# Why it is not known of what is no medium that is plugged in: it is never told of.
NOT_TOLD = (
    "medium in it|no medium is in it|an optical disc|a disk that stays|its file lies on|another"
    " computer|a disc$|zfs did"
    "|its device is not there|it is not known what|devices were looked at|the sealed system volume"
)


def tree(file: str | Path) -> ast.Module:
    path = Path(file) if str(file).endswith(".py") else FOLDER / f"{file}.py"
    return ast.parse(path.read_text(encoding="utf-8"))


def calls(parsed: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(parsed):
        if isinstance(node, ast.Call) and name in {getattr(node.func, "id", ""), getattr(node.func, "attr", "")}:
            yield node


def text_of(node: ast.AST) -> str:
    """Give a text with `X` for each of its parts that differ; empty for what is none."""
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(text_of(part) if isinstance(part, ast.Constant) else "X" for part in node.values)
    return ""


def texts_of(parsed: ast.AST) -> set[str]:
    return {text for node in ast.walk(parsed) if (text := text_of(node))}


def named(parsed: ast.Module, name: str) -> ast.AST:
    """Give a function or what is assigned to a name."""
    for node in ast.walk(parsed):
        if isinstance(node, ast.FunctionDef) and node.name == name:
            return node
    raise LookupError(name)


def given(parsed: ast.Module, keyword: str) -> set[str]:
    """Give the codes that are handed over by a keyword, or assigned to an attribute of that name."""
    found = set()
    for node in ast.walk(parsed):
        if isinstance(node, ast.keyword) and node.arg == keyword:
            found |= texts_of(node.value)
        if isinstance(node, ast.Assign) and any(keyword in ast.unparse(target) for target in node.targets):
            found |= texts_of(node.value)
    return found - {""}


def signals() -> set[str]:
    found = {
        text
        for module in ("bypass", "resolver_settings")
        for call in calls(tree(module), "Signal")
        if (text := text_of(call.args[0]))
    }
    return (found - {"program_X"}) | {f"program_{kind}" for kind in load_lists().programs.values()}


def unchecked() -> set[str]:
    files = [*sorted(FOLDER.glob("*posture.py")), Path(agent.endpoint.told_by_session.__file__)]
    found = {text for file in files for call in calls(tree(file), "unknown") if (text := text_of(call.args[1]))}
    return found | {"timed_out", "ended"}


def odd_labels() -> set[str]:
    return {
        text
        for node in ast.walk(named(tree("volume"), "printed"))
        if isinstance(node, ast.Tuple) and (text := text_of(node.elts[0]))
    }


CLOSED: list[tuple[Callable[[Gettext], Table], set[str]]] = [
    (code_words.crypts, set(Crypt)),
    (code_words.marks, odd_labels()),
    (code_words.unclean, {"mount_left", "not_seen_unmounted"} & texts_of(named(tree("removable_media"), "_removed"))),
    (code_words.checks, set(Check)),
    (code_words.states, set(State)),
    (code_words.unchecked, unchecked()),
    (code_words.signs, signals()),
    (code_words.unseen, {each.name for each in fields(Signs)} - {"unseen"}),
    (code_words.answers, {"", *Seen}),
    (code_words.gaps, set(Gap)),
    (code_words.signatures, set(Signature)),
    (code_words.unread, given(tree("new_programs"), "why")),
    (code_words.collectors, set(COLLECTORS)),
    (code_words.healths, set(Health)),
    (code_words.findings, set(FindingKind)),
]


@pytest.mark.parametrize(("table", "codes"), CLOSED, ids=lambda each: getattr(each, "__name__", ""))
def test_every_code_has_words(table: Callable[[Gettext], Table], codes: set[str]) -> None:
    assert set(table(str)) == codes


def test_every_way_to_know_who_is_signed_in_has_words() -> None:
    returned = [each.value for each in ast.walk(named(tree("session"), "who")) if isinstance(each, ast.Return)]
    codes = {
        text_of(node.elts[2])
        for each in returned
        if each is not None
        for node in ast.walk(each)
        if isinstance(node, ast.Tuple)
    }
    assert set(code_words.sessions(str)) == codes


def test_why_a_notice_was_not_shown_has_words() -> None:
    parsed = tree(agent.endpoint.notice.__file__)
    assert given(parsed, "why") | given(parsed, "deferred") == set(code_words.not_shown(str))


def test_how_the_service_ended_before_has_words() -> None:
    start = named(tree(agent.endpoint.service_state.__file__), "start")
    assigned = [node.value for node in ast.walk(start) if isinstance(node, ast.Assign)]
    codes = {text for each in assigned for text in texts_of(each)}
    assert codes == set(code_words.starts(str))


def test_why_the_store_began_anew_has_words() -> None:
    codes = {text_of(call.args[1]) for call in calls(tree(event_spool.__file__), "_note_reset")}
    assert codes == set(code_words.spool_resets(str))


def sentences() -> Iterator[str]:
    """Give every sentence that may say why it is not known whether a medium is encrypted."""
    for module in OF_VOLUMES:
        parsed = tree(module)
        documented = {ast.get_docstring(node, clean=False) for node in ast.walk(parsed) if hasattr(node, "body")
                      and isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)}  # fmt: skip
        parts = {id(part) for node in ast.walk(parsed) if isinstance(node, ast.JoinedStr) for part in node.values}
        for node in ast.walk(parsed):
            text = "" if id(node) in parts else text_of(node)
            if re.match(r"[a-zW].* .* ", text) and text not in documented:
                yield text


def test_every_reason_why_a_medium_is_unknown_is_a_pattern_and_every_pattern_is_a_reason() -> None:
    told = {each for each in sentences() if not re.search(NOT_TOLD, each) and not each.startswith("protection X")}
    patterns = {re.sub(r"%\(\w+\)s", "X", each) for each in code_words.unknown_media(str)}
    assert told - patterns == {"diskutil gave no list of disks"}
    assert patterns - told == set()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_sentence_with_a_part_keeps_the_part(language: str) -> None:
    why = "it shows the reader of BitLocker To Go, and its first sectors could not be read: Permission denied"
    said = reworded(why, code_words.unknown_media, endpoint_texts(language).gettext)
    assert "BitLocker To Go" in said
    assert "Permission denied" in said
    assert (said == why) == (language == "en")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("needs_root", "that needs more rights than the service has"),
        ("PermissionError:EACCES", "access was refused (PermissionError:EACCES)"),
        ("FileNotFoundError:ENOENT", "it is not there (FileNotFoundError:ENOENT)"),
        ("FileNotFoundError", "it is not there (FileNotFoundError)"),
        ("TimeoutError", "it took too long"),
        ("OSError:EIO", "OSError:EIO"),
        ("of_a_newer_version", "of_a_newer_version"),
    ],
)
def test_a_reason(code: str, words: str) -> None:
    assert reason(code, code_words.unchecked(str), str) == words


def test_a_sentence_that_nobody_knows_stays() -> None:
    assert reworded("the moon is full (100 %)", code_words.unknown_media, str) == "the moon is full (100 %)"
