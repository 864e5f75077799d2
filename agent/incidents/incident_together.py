"""Deciding about several incidents at once: one transaction, in which each is decided about by itself, or none is.

Each has its own entry and its own row in the record, as if it had been decided about alone.
"""

from collections.abc import Callable, Sequence

from agent.incidents.incident_access import shown
from agent.incidents.incident_deciding import Seen, begin
from agent.incidents.incident_decisions import accept_as, correct_it, dismiss_as
from agent.incidents.incident_desk import Desk, NotYoursError
from agent.incidents.incident_merging import merge_into
from agent.incidents.incident_queue import MOST_IN_GROUP
from agent.incidents.incident_undoing import take_back
from agent.people.attempts import ConflictError, UnknownIdError
from agent.storage.incident_rows import Filed
from agent.storage.state import Act
from rules.errors import RefusedRequestError
from rules.incident import Dismissal, Intent, Move


class Together:
    """Decisions about several incidents; each gives them as a list shows them.

    Errors as for one; the sentence says at which case it failed, and nothing is decided about any of them.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def dismiss(self, person: str, seen: Sequence[Seen], *, dismissal: Dismissal, words: str) -> list[Filed]:
        """Say of several candidates that they are none, and why; those about the wrong person are corrected."""
        desk, is_wrong = self._desk, dismissal is Dismissal.WRONG_PERSON
        move = Move.CORRECT if is_wrong else Move.DISMISS

        def decide(act: Act, each: Seen) -> Filed:
            made = begin(desk, act, person, each, move, reason=words)
            return correct_it(desk, made) if is_wrong else dismiss_as(desk, made, dismissal)

        return self._each(person, seen, move.value, decide)

    def accept(
        self,
        person: str,
        seen: Sequence[Seen],
        *,
        row: str | None,
        deliberate: Intent,
        why: str,
        is_serious: bool | None = None,
    ) -> Filed:
        """Accept several candidates as one: the others become part of the first, which is then accepted.

        That can be undone, but they stay one.
        """
        desk, first = self._desk, seen[0] if seen else ("", 0)
        # The first is accepted at the end, when it holds all of them.
        into, version = first

        def decide(act: Act, each: Seen) -> Filed:
            if each != first:
                return merge_into(desk, begin(desk, act, person, each, Move.MERGE, reason=why), into)
            begun = begin(desk, act, person, (into, version + len(seen) - 1), Move.ACCEPT, explanation=why)
            return accept_as(desk, begun, row, deliberate, is_serious=is_serious)

        return self._each(person, [*seen[1:], *seen[:1]], "accept", decide)[-1]

    def undo(self, person: str, seen: Sequence[Seen]) -> list[Filed]:
        """Take back the last decision about each of several incidents."""
        return self._each(person, seen, "undo", lambda act, each: take_back(self._desk, act, person, *each))

    def _each(
        self, person: str, seen: Sequence[Seen], what: str, decide: Callable[[Act, Seen], Filed]
    ) -> list[Filed]:
        desk, at = self._desk, ""
        try:
            _check_number(seen)
            with desk.store.act() as act:
                done = []
                for each in seen:
                    at, _ = each
                    done.append(decide(act, each))
        except (NotYoursError, UnknownIdError):
            with desk.attempt(person, what, at):
                raise
        except RefusedRequestError as error:
            with desk.attempt(person, what, at):
                raise self._said_of(error, at, len(seen)) from error
        return list(map(shown, done))

    def _said_of(self, error: RefusedRequestError, incident_id: str, number: int) -> RefusedRequestError:
        """Give a refusal that says of which case it is, where there are several."""
        if not incident_id or number == 1:
            return error
        with self._desk.store.read() as database:
            case = self._desk.existing(database, incident_id).number
        sentence = f"Nothing was decided about any of these {number}, because of case {case}: {error}"
        return ConflictError(sentence) if isinstance(error, ConflictError) else RefusedRequestError(sentence)


def _check_number(seen: Sequence[Seen]) -> None:
    different = len({incident_id for incident_id, _ in seen})
    if different != len(seen) or not 1 <= different <= MOST_IN_GROUP:
        raise RefusedRequestError(
            f"Found {len(seen)} cases to decide about, {different} of them different; expected from 1 to"
            f" {MOST_IN_GROUP}, each once."
        )
