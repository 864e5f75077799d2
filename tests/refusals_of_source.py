"""The sentences of the source that reach people through the console, read off its syntax trees."""

import ast
import re
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Final

from agent.api.problems import sentence
from rules.roles import Right, Role

ROOT: Final = Path(__file__).parent.parent

# Where what refuses, warns and explains stands.
SCANNED: Final = (
    "agent/api",
    "agent/block_page",
    "agent/console",
    "agent/explaining",
    "agent/filter_changing",
    "agent/fleet",
    "agent/incidents",
    "agent/notices/notify.py",
    "agent/notices/notify_smtp.py",
    "agent/notices/notify_webhook.py",
    "agent/observing",
    "agent/people",
    "agent/record",
    "agent/requests",
    "agent/sites/site_draft.py",
    "agent/storage",
    "rules",
)

# Files whose sentences no page of the console shows, each with why.
LEFT_OUT: Final = {
    "agent/api/app.py": "the description of the interface, and what programs are told",
    "agent/api/bounded_connections.py": "what is no request yet, so that nobody knows in which language to answer",
    "agent/api/endpoint_routes.py": "what laptops are told",
    "agent/api/tls.py": "what technicians are told at the start",
    "agent/filter_changing/filter_dry_run.py": "the console words a dry run itself",
    "agent/filter_changing/filter_found.py": "stands among the changes of a site file, which are English",
    "agent/fleet/device_answers.py": "what laptops are told",
    "agent/fleet/fleet_devices.py": "what laptops are told",
    "agent/fleet/fleet_events.py": "what laptops are told",
    "agent/incidents/incident_metrics.py": "metrics",
    "agent/observing/observing_told.py": "what machines are told",
    "agent/observing/sign_ins.py": "what machines are told",
    "agent/people/bootstrap.py": "a command",
    "agent/record/evidence.py": "a command",
    "agent/storage/anchors.py": "a command",
    "rules/pack_union.py": "a command",
}
# Calls whose texts are not for the console, each with why.
LEFT_OUT_CALLS: Final = {
    "_": "is in the catalogue of its own",
    "gettext": "is in the catalogue of its own",
    "ngettext": "is in the catalogue of its own",
    "decode": "how octets become text",
    "encode": "how text becomes octets",
    "words": "is written in every language where it stands",
    "debug": "a log",
    "info": "a log",
    "warning": "a log",
    "error": "a log",
    "GaugeMetricFamily": "a metric",
    "CounterMetricFamily": "a metric",
    "Field": "the description of the interface",
    "Header": "the description of the interface",
    "Query": "the description of the interface",
    "get_openapi": "the description of the interface",
    "Problem": "a problem of the site file, for technicians",
    "RefusedDeviceError": "what laptops are told",
    "BadSignatureError": "what laptops are told",
    "StorageError": "a log; people read that the record cannot be used",
    "DayUnreadableError": "a log; people read that the record cannot be used",
    "RuntimeError": "a mistake of the program",
}

# Functions whose texts are not for the console, each with why.
LEFT_OUT_FUNCTIONS: Final = {
    "summary": "a command",
}

# What stands in a sentence as a word or as a part of its own: in these classes, functions and tables.
PARTS: Final = {
    "agent/incidents/incident_letters.py": ("_CALLED",),
    "agent/incidents/incident_steps.py": ("_STANDING",),
    "agent/people/people.py": ("fault_of_text", "fault_of_roles"),
    "agent/requests/asked_names.py": ("EXPECTED", "_read"),
    "rules/document.py": ("describe",),
    "rules/incident.py": ("State", "_MOVED", "_STANDING"),
    "rules/medium.py": (
        "MediumState",
        "SignOutState",
        "ExceptionState",
        "_DONE_TO_MEDIUM",
        "_DONE_TO_SIGN_OUT",
        "_DONE_TO_EXCEPTION",
        "stands",
    ),
    "rules/name.py": ("parse_name", "_to_a_labels", "_check_labels"),
    "rules/override.py": ("State", "_MOVED"),
    "rules/span.py": ("EXPECTED", "parse_span"),
    "rules/suspension.py": ("State", "_MOVED"),
}
# Words that stand in sentences and are handed on from elsewhere.
WORDS: Final = (
    # What a text is called: `rules.reason.check_words`, `rules.medium.check_medium`.
    *("reason", "outcome", "step", "report", "purpose", "label", "storage place", "explanation", "lesson"),
    "outcome of the appeal",
    *("way in which it was done", "way in which it was cleared", "way in which it is protected"),
    # Whom something is for, and how long a reason is.
    *("everybody", "pupil", "staff", "guest"),
    *("1 word", "{1} words", "1 letter", "{1} letters"),
    # What `agent.api.security` asks for.
    *("a person who is signed in", "a confirmed account"),
    # What `agent.people.people.fault_of_text` expects of other names.
    "found no text; expected an id",
    "found no text; expected what it is for",
    "found no text; expected which laptop it is for",
)
# What is put together where the scan does not follow, by its file.
PUT_TOGETHER: Final = {
    "Found nothing; expected some words, and at most {1} characters.": "agent/api/report_routes.py",
    "Found {1} characters; expected some words, and at most {2} characters.": "agent/api/report_routes.py",
    "Found {1} characters; expected at most {2} characters.": "agent/api/report_routes.py",
}
# What pydantic says of what `agent.console.typed.build` does not word itself.
FOREIGN: Final = ("Input should be {1}.",)
# A sentence with a place that is no value but a part of its grammar, and each sentence that it can be.
SPREAD: Final = {
    "Found {1}; expected some of: {2}.": (
        "Found the scope {1}; expected some of: {2}.",
        "Found no scope; expected some of: {1}.",
    ),
    "No {1} is set up any more.": ("No mail is set up any more.", "No webhook is set up any more."),
    "The mail server did not take {1} (code {2}).": (
        "The mail server did not take the recipient (code {1}).",
        "The mail server did not take our name and password (code {1}).",
        "The mail server did not take us (code {1}).",
        "The mail server did not take the message (code {1}).",
    ),
    "None of your roles can {1}.": (
        "None of your roles can draft a change of the filter.",
        "None of your roles can decide about a change of the filter.",
    ),
    "Row {1} was {2}.": ("Row {1} was altered.", "Row {1} was altered or inserted."),
    "The suspension lasts {1}; at least {2} are needed.": (
        "The suspension lasts {1} seconds; at least {2} are needed.",
    ),
    "A request lasts at most {1}; this one would last longer.": (
        "A request lasts at most 1 day; this one would last longer.",
        "A request lasts at most {1} days; this one would last longer.",
    ),
    "The {1} has no time zone; expected one, such as 2026-11-24T10:15+00:00.": (
        "The beginning has no time zone; expected one, such as 2026-11-24T10:15+00:00.",
        "The end has no time zone; expected one, such as 2026-11-24T10:15+00:00.",
    ),
    "The {1} {2} has no time zone; expected one, such as 2026-11-24T10:15+00:00.": (
        "The beginning {1} has no time zone; expected one, such as 2026-11-24T10:15+00:00.",
        "The end {1} has no time zone; expected one, such as 2026-11-24T10:15+00:00.",
    ),
    "This incident is {1}held already.": (
        "This incident is held already.",
        "This incident is not held already.",
    ),
    "manifest.csv: found file.{1} as {2}, but {3}.csv is {4} the archive.": (
        "manifest.csv: found file.{1} as {2}, but {3}.csv is in the archive.",
        "manifest.csv: found file.{1} as {2}, but {3}.csv is not in the archive.",
    ),
    # A line of a roster: its place, the column, what is wrong there (`agent.people.people`), and the line.
    "{1}: classes: {2}: {3}": (),
    "{1}: group: {2}: {3}": (),
    "{1}: roles: {2}: {3}": (
        "{1}: roles: found no role; expected at least one: {2}",
        "{1}: roles: found a pupil with other roles; expected a pupil to be nothing else: {2}",
    ),
    "{1}: {2}: {3}: {4}": (
        "{1}: {2}: found a control character; expected readable text: {3}",
        "{1}: {2}: found no text; expected a name: {3}",
        "{1}: {2}: found no text; expected an id: {3}",
        "{1}: {2}: found {3} characters; expected at most {4}: {5}",
    ),
    "{1} becomes {2}: see that this is meant{3}.": (
        "{1} becomes {2}: see that this is meant.",
        "{1} becomes {2}: see that this is meant; it waits for a second person.",
    ),
    "{1} cannot be read; expected plain text on one line.": (
        "To whom this was referred cannot be read; expected plain text on one line.",
        "The reference cannot be read; expected plain text on one line.",
    ),
    "{1} has {2} characters; expected at most {3}.": (
        "To whom this was referred has {1} characters; expected at most {2}.",
        "The reference has {1} characters; expected at most {2}.",
    ),
    "{1} is no {2} of this request, and narrowing can only leave out.": (
        "{1} is no address of this request, and narrowing can only leave out.",
        "{1} is no category of this request, and narrowing can only leave out.",
        "{1} is no group of this request, and narrowing can only leave out.",
    ),
    "{1} removed.": ("Row {1} was removed.", "Rows {1} to {2} were removed."),
    "{1} removed at the end: {2} knows of row {3}.": (
        "Row {1} was removed at the end: the file knows of row {2}.",
        "Row {1} was removed at the end: the anchor of {2} knows of row {3}.",
        "Rows {1} to {2} were removed at the end: the file knows of row {3}.",
        "Rows {1} to {2} were removed at the end: the anchor of {3} knows of row {4}.",
    ),
    "{1} stays blocked: {2}.": (
        "{1} stays blocked: it is listed as {2}, which is illegal and blocked for everybody, always.",
        "{1} stays blocked: it is listed as {2}, which is never lifted by an override.",
        "{1} stays blocked: the category is illegal and blocked for everybody, always.",
        "{1} stays blocked: the category is never lifted by an override.",
    ),
    "{1} {2} already ({3}); expected one that is there.": (
        "{1} is asked for already ({2}); expected one that is there.",
        "{1} is signed out already ({2}); expected one that is there.",
    ),
    "{1} {2} were given; expected at most {3}.": (
        "{1} categories were given; expected at most {2}.",
        "{1} groups were given; expected at most {2}.",
    ),
    "{1}: row {2} is not the one that was anchored on {3}.": (
        (
            "A row from {1} to {2} was altered and the chain written anew from there:"
            " row {3} is not the one that was anchored on {4}."
        ),
    ),
    "{1}; expected one of {2}.": (
        "There is no row {1} in the table for {2}; expected one of {3}.",
        "There is no row; expected one of {1}.",
    ),
}

_PLACE: Final = re.compile(r"\{(\d)\}")
_SENTENCE: Final = re.compile(
    r"(?:[A-Z]|\{1\}|manifest\.csv:|orgs\.csv:|users\.csv:)[^\n]* [^\n]*\.|[A-Z][^\n]* [^\n]*: \{\d\}"
)


def template_of(node: ast.AST) -> str | None:
    """Give a text of the source with a numbered place for each value in it; None for what is none."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return node.value
    if not isinstance(node, ast.JoinedStr):
        return None
    number, text = 0, ""
    for part in node.values:
        if isinstance(part, ast.Constant):
            text += str(part.value)
        else:
            number += 1
            text += f"{{{number}}}"
    return text


def _texts_in(node: ast.AST, *, calls: Iterable[str]) -> Iterator[str]:
    """Give the texts below a node, without docstrings and what stands in these calls."""
    text = template_of(node)
    if text is not None:
        yield text
        return
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return
    if isinstance(node, ast.Call) and _name_of(node.func) in calls:
        return
    if isinstance(node, ast.FunctionDef) and node.name in LEFT_OUT_FUNCTIONS:
        return
    for child in ast.iter_child_nodes(node):
        yield from _texts_in(child, calls=calls)


def _name_of(node: ast.AST) -> str:
    return node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""


@cache
def _trees() -> list[tuple[str, ast.Module]]:
    return list(_parsed())


def _parsed() -> Iterator[tuple[str, ast.Module]]:
    for place in SCANNED:
        whole = ROOT / place
        for file in sorted(whole.rglob("*.py")) if whole.is_dir() else [whole]:
            name = file.relative_to(ROOT).as_posix()
            if name not in LEFT_OUT:
                yield name, ast.parse(file.read_text(encoding="utf-8"))


@cache
def sentences() -> dict[str, str]:
    """Give every sentence that reaches people, and the file where it stands first."""
    found: dict[str, str] = {}
    for name, tree in _trees():
        for text in _texts_in(tree, calls=LEFT_OUT_CALLS):
            if _SENTENCE.fullmatch(text):
                for each in SPREAD.get(text, (text,)):
                    found.setdefault(each, name)
        for fault in _faults_of(tree):
            found.setdefault(sentence(fault), name)
        for line in _bad_lines_of(tree):
            for each in SPREAD.get(line, (line,)):
                found.setdefault(each, name)
    return found


def _bad_lines_of(tree: ast.Module) -> Iterator[str]:
    """Give what rosters say of a line that cannot be used: its place, why, and the line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) == "refuse" and len(node.args) == 2:
            why = template_of(node.args[1])
            if why is not None:
                places = len(_PLACE.findall(why))
                yield "{1}: " + _PLACE.sub(lambda place: f"{{{int(place[1]) + 1}}}", why) + f": {{{places + 2}}}"


def _faults_of(tree: ast.Module) -> Iterator[str]:
    """Give what schemas say by `_fault`, as a sentence."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and _name_of(node.func) == "_fault":
            yield from (text for each in node.args if (text := template_of(each)))


@cache
def parts() -> dict[str, str]:
    """Give the words and parts of sentences, and the file where each stands first."""
    found: dict[str, str] = {}
    for name, tree in _trees():
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and _name_of(node.func) == "UnknownThingError" and node.args:
                found.setdefault(str(template_of(node.args[0])), name)
        for node in tree.body:
            if _defined(node) in PARTS.get(name, ()):
                texts = (text for text in _texts_in(node, calls=LEFT_OUT_CALLS) if not _SENTENCE.fullmatch(text))
                for text in texts:
                    if _is_words(text):
                        found.setdefault(text.replace("_", "-") if " " not in text else text, name)
    return found


def _defined(node: ast.AST) -> str:
    if isinstance(node, ast.AnnAssign):
        return _name_of(node.target)
    if isinstance(node, ast.Assign):
        return _name_of(node.targets[0])
    return node.name if isinstance(node, ast.ClassDef | ast.FunctionDef) else ""


def _is_words(text: str) -> bool:
    return any(map(str.isalpha, _PLACE.sub("", text)))


@cache
def all_messages() -> dict[str, str]:
    """Give every message of `refusals.po`, and where it comes from."""
    rights = {right.value.replace("_", " "): "rules/roles.py" for right in Right}
    roles = {spelt: "rules/roles.py" for role in Role for spelt in (role.value, role.in_words)}
    return (
        sentences()
        | parts()
        | PUT_TOGETHER
        | dict.fromkeys(FOREIGN, "agent/console/typed.py")
        | dict.fromkeys(WORDS, "rules/reason.py")
        | rights
        | roles
    )
