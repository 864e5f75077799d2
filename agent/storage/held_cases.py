"""What is followed of laptops within one act: each thing is read once and written once, however often it changes."""

from collections.abc import Iterable
from dataclasses import replace

from agent.storage.case_rows import Case, delete_case, read_cases_of, write_case
from agent.storage.state import Act


class HeldCases:
    """The things with keys of one beginning, such as the media; nothing is written before the end.

    What changes after a mark can be undone, as with a savepoint.
    """

    def __init__(self, act: Act, prefix: str) -> None:
        self._act = act
        self._prefix = prefix
        self._known: dict[str, dict[str, Case]] = {}
        self._changed: dict[tuple[str, str], None] = {}
        self._before: dict[tuple[str, str], Case | None] = {}

    def read(self, device: str, key: str) -> Case | None:
        """Read one."""
        return self._of(device).get(key)

    def read_all(self, device: str) -> list[Case]:
        """Read everything of a laptop, by its keys."""
        return [case for _, case in sorted(self._of(device).items())]

    def write(self, case: Case) -> None:
        """Keep one whole; what its content becomes after that is not kept."""
        self._note(case.device, case.key)
        self._of(case.device)[case.key] = replace(case, content=dict(case.content))

    def delete(self, device: str, key: str) -> None:
        """Keep one no more."""
        self._note(device, key)
        self._of(device).pop(key, None)

    def mark(self) -> None:
        """Begin what may be undone."""
        self._before.clear()

    def undo(self) -> None:
        """Make everything as it was at the mark."""
        for (device, key), case in self._before.items():
            if case is None:
                self._known[device].pop(key, None)
            else:
                self._known[device][key] = case
        self._before.clear()

    def end(self) -> None:
        """Write down what has changed."""
        for device, key in self._changed:
            case = self._known[device].get(key)
            if case is None:
                delete_case(self._act, device, key)
            else:
                write_case(self._act, case)
        self._changed.clear()

    def _note(self, device: str, key: str) -> None:
        self._before.setdefault((device, key), self.read(device, key))
        self._changed[device, key] = None

    def _of(self, device: str) -> dict[str, Case]:
        known = self._known.get(device)
        if known is None:
            found: Iterable[Case] = read_cases_of(self._act.database, device)
            known = self._known[device] = {each.key: each for each in found if each.key.startswith(self._prefix)}
        return known
