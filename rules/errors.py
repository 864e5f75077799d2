"""Every error of the product: one root, one leaf for each way that somebody reacts to it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in an input: where it is, what stands there, what should.

    `where` prints as `site.yaml:12:5`, or as a file or a command when there is no line.
    """

    where: str
    found: str
    expected: str

    def __str__(self) -> str:
        return f"{self.where}: found {self.found}; expected {self.expected}"


class SchoolgateError(Exception):
    """The root of every error that the product raises on purpose; its text is for a person."""


class ConfigurationError(SchoolgateError):
    """The site, a pack or a command cannot be used as written; all problems are reported at once."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems


class ListRejectedError(SchoolgateError):
    """A list was not taken; the last good copy stays in force."""


class IndexUnusableError(SchoolgateError):
    """A compiled index is missing, truncated, damaged or of another version."""


class UpstreamError(SchoolgateError):
    """An upstream did not give a usable answer."""


class StorageError(SchoolgateError):
    """The record could not be written or read."""


class RefusedRequestError(SchoolgateError):
    """A person asked for something that the rules do not give them."""
