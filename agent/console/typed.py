"""What somebody typed into a form: text, kept as it is until every fault of it is told."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails
from starlette.datastructures import FormData, UploadFile

from agent.api.problems import sentence
from rules.errors import SchoolgateError

MAX_FIELDS: Final = 1000
# Of a form that anybody may send.
MAX_OPEN_FIELDS: Final = 50
# What a page adds to a form of its own accord; and with it, what is never put into a page again.
UNSENT: Final = frozenset({"csrf", "door", "form_number", "form_about"})
SECRETS: Final = UNSENT | {"password", "new_password", "again", "totp"}
# Kinds of faults whose own message is plain: those of our schemas, and those that name what there is.
_WORDED: Final = frozenset({"schoolgate", "value_error", "enum", "literal_error"})
# As `<input type="datetime-local">` writes it.
_LOCAL: Final = re.compile(r"(\d{4})-(\d{2})-(\d{2})[T ](\d{2}):(\d{2})(?::\d{2}(?:\.\d+)?)?")
# Which of two instants is meant that a clock shows alike.
FIRST: Final = "first"
SECOND: Final = "second"
Model = TypeVar("Model", bound=BaseModel)
NOT_WRITTEN_SO: Final = "This is not written as it has to be; please look at it again."
MOMENT_EXPECTED: Final = "Expected a date and a time such as 2026-03-02T09:15."


class TypedError(SchoolgateError):
    """A form cannot be taken as it is.

    Args:
        faults: a sentence for each field that has one; `""` is for the whole form.
    """

    def __init__(self, faults: Mapping[str, str]) -> None:
        super().__init__(" ".join(faults.values()))
        self.faults = dict(faults)


@dataclass(frozen=True, slots=True)
class Typed:
    """The fields of a form, by name; nothing where nothing was typed.

    Args:
        timezone: that of the school, whose clock the instants in forms are on.
    """

    fields: Mapping[str, Sequence[str]] = field(default_factory=dict)
    files: Mapping[str, bytes] = field(default_factory=dict)
    timezone: str = "UTC"

    def __bool__(self) -> bool:
        return bool(self.fields)

    def get(self, name: str, default: str = "") -> str:
        """Give the text of a field without the white space around it."""
        values = self.fields.get(name)
        return values[-1].strip() if values else default

    def many(self, name: str) -> list[str]:
        """Give all values of a field, such as those boxes that are ticked."""
        return [value for each in self.fields.get(name, ()) if (value := each.strip())]

    def words(self, name: str) -> list[str]:
        """Give what stands in a field apart by white space or commas, each once."""
        return list(dict.fromkeys(self.get(name).replace(",", " ").split()))

    def has(self, name: str) -> bool:
        """Say whether a box is ticked, or a button was the one that was pressed."""
        return name in self.fields

    def moment(self, name: str) -> datetime | None:
        """Give an instant in UTC from the clock of the school; None where the field is empty.

        Raises:
            TypedError: it is none, or it is two and nobody said which.
        """
        written = self.get(name)
        which = self.get(f"{name}_which")
        return parse_moment(written, self.timezone, name=name, which=which) if written else None

    def is_twice(self, name: str) -> bool:
        """Say whether the clock of the school shows what stands in a field twice, so that somebody has to choose."""
        try:
            local = _local(self.get(name), self.timezone)
        except ValueError:
            return False
        return len(_instants(local)) > 1

    def version(self) -> int:
        """Give the version of what somebody looked at when they decided.

        Raises:
            TypedError: the form does not say.
        """
        written = self.get("version")
        if not written.isascii() or not written.isdigit() or len(written) > 9:
            raise TypedError({"": "The page did not say which version you saw; please look at it again."})
        return int(written)

    @property
    def holds_something(self) -> bool:
        """Say whether anything was typed or chosen that somebody would have to type again."""
        return any(value.strip() for name, value in self.kept() if name != "version")

    def kept(self) -> list[tuple[str, str]]:
        """Give what may be shown again: never a secret."""
        return [(name, value) for name, values in self.fields.items() if name not in SECRETS for value in values]


def parse_moment(written: str, timezone: str, *, name: str, which: str = "") -> datetime:
    """Read an instant on the clock of the school.

    Args:
        which: FIRST or SECOND, where the clock shows the time twice in autumn.

    Raises:
        TypedError: there is no such instant, as one that a clock skips in spring, or there are two.
    """
    try:
        local = _local(written, timezone)
    except ValueError:
        raise TypedError({name: MOMENT_EXPECTED}) from None
    found = _instants(local)
    if not found:
        raise TypedError({name: "The clocks of the school skip this time; expected one before or after it."})
    if len(found) > 1 and which not in (FIRST, SECOND):
        raise TypedError({name: "The clocks of the school show this time twice that night; choose which is meant."})
    return found[-1 if which == SECOND else 0]


def _local(written: str, timezone: str) -> datetime:
    """Read a time on a clock.

    Raises:
        ValueError: it is none.
    """
    found = _LOCAL.fullmatch(written)
    if found is None:
        raise ValueError(written)
    return datetime(*map(int, found.groups()), tzinfo=ZoneInfo(timezone))  # type: ignore[arg-type, misc] # five numbers


def _instants(local: datetime) -> list[datetime]:
    """Give the instants at which a clock shows a time, in their order: mostly one."""
    told = {local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    wall = local.replace(tzinfo=None)
    return sorted(at for at in told if at.astimezone(local.tzinfo).replace(tzinfo=None, fold=0) == wall)


async def read_form(form: FormData, timezone: str) -> Typed:
    """Take a form apart; files are octets."""
    fields: dict[str, list[str]] = {}
    uploads: dict[str, bytes] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            uploads[name] = await value.read()
        else:
            fields.setdefault(name, []).append(value)
    return Typed(fields, uploads, timezone)


def build(model: type[Model], **values: Any) -> Model:
    """Make what the interface takes from what was typed.

    Raises:
        TypedError: with a sentence for each field that has a fault.
    """
    try:
        return model(**values)
    except ValidationError as error:
        raise TypedError(
            {str(each["loc"][0] if each["loc"] else ""): _plainly(each) for each in error.errors()}
        ) from None


def _plainly(error: ErrorDetails) -> str:
    """Say in plain words what a field lacks, as far as the kind of the fault says it."""
    limits = error.get("ctx", {})
    most, least = limits.get("max_length"), limits.get("min_length")
    said = {
        "missing": "Something is missing here.",
        "string_too_long": f"This is too long; expected at most {most} characters.",
        "string_too_short": f"This is too short; expected at least {least} characters.",
        "too_long": f"These are too many; expected at most {most}.",
        "too_short": f"These are too few; expected at least {least}.",
        "greater_than": f"Expected a number above {limits.get('gt')}.",
        "greater_than_equal": f"Expected a number of at least {limits.get('ge')}.",
        "less_than": f"Expected a number below {limits.get('lt')}.",
        "less_than_equal": f"Expected a number of at most {limits.get('le')}.",
        "int": "Expected a whole number.",
        "float": "Expected a number.",
        "date": "Expected a date such as 2026-03-02.",
        "datetime": MOMENT_EXPECTED,
        "timezone": MOMENT_EXPECTED,
    }
    kind = error["type"]
    if kind in {"too_long", "too_short"} and isinstance(error["input"], str):
        kind = f"string_{kind}"
    if kind in _WORDED:
        return sentence(error["msg"].removeprefix("Value error, "))
    return said.get(kind) or said.get(kind.partition("_")[0]) or NOT_WRITTEN_SO
