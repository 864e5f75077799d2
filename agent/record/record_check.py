"""The record proved as a whole, in a process beside: when somebody asks, and by itself once a day.

What came of the daily proof is a row of the record itself, so whoever reads the record knows when it was last whole.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from agent.dns.background import step_back
from agent.logs import log
from agent.record.record_status import BROKEN, VERIFIED, record_status
from agent.storage.record import Verdict, verify_file
from agent.storage.state import Act, StateStore
from rules.errors import SchoolgateError, StorageError

DAY_SECONDS: Final = 86_400.0
# After a proof that failed.
RETRY_SECONDS: Final = 3_600.0
# So long a proof may take, which only runs while nobody else wants the processor.
MOST_SECONDS: Final = 3_600.0
_BESIDE: Final = "beside"


@dataclass(frozen=True, slots=True)
class Proof:
    """What was found, and in how many seconds."""

    verdict: Verdict
    seconds: int


def prove(path: Path) -> Proof:
    """Prove the record of a state file in a process beside, which leaves this one free to answer.

    Raises:
        StorageError: it could not be proved.
    """
    with _proving(path) as process:
        return _proof_of(process)


class RecordCheck:
    """The daily proof: begun with the process that looks, then once a day; it is in nobody's way.

    Args:
        store: whose record is proved, and where the outcome is noted.
        tell: tells somebody of a record that is not whole, in the act that notes it; once for each fault.
        monotonic: seconds.
    """

    def __init__(
        self,
        store: StateStore,
        *,
        tell: Callable[[Act], None] = lambda _act: None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._tell = tell
        self._monotonic = monotonic
        self._process: subprocess.Popen[bytes] | None = None
        self._begun_at = 0.0
        self._due_at = float("-inf")
        self._found: Proof | None = None

    def look(self) -> None:
        """Begin a proof that is due, or note what one found; call it often, it waits for nothing.

        Raises:
            StorageError: the record could not be proved, or the outcome not be noted; it is tried again later.
        """
        now = self._monotonic()
        if self._found is None and self._process is None and now >= self._due_at:
            self._begun_at, self._due_at = now, now + DAY_SECONDS
            self._process = _proving(self._store.path, _BESIDE)
        if self._process is not None and self._has_ended(self._process, now):
            process, self._process = self._process, None
            self._found = self._take(process, now)
        if self._found is not None:
            self._note(self._found)
            self._found = None

    def close(self) -> None:
        """End a proof that is under way; the next process begins another."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.communicate()

    def _has_ended(self, process: "subprocess.Popen[bytes]", now: float) -> bool:
        if now - self._begun_at > MOST_SECONDS:
            process.kill()
            process.wait()
        return process.poll() is not None

    def _take(self, process: "subprocess.Popen[bytes]", now: float) -> Proof:
        try:
            return _proof_of(process)
        except StorageError:
            self._due_at = now + RETRY_SECONDS
            raise

    def _note(self, proof: Proof) -> None:
        found = proof.verdict
        if found.is_whole:
            with self._store.act() as act:
                act.note(VERIFIED, actor="system", facts={"rows": found.rows, "seconds": proof.seconds})
            return
        with self._store.act() as act:
            before = record_status(act.database)
            facts = {"row": found.broken, "what": found.what, "seconds": proof.seconds}
            act.note(BROKEN, actor="system", facts=facts)
            if before.fault != found.what:
                self._tell(act)
        log.error("record_broken", reason=found.what)


def _proving(path: Path, *how: str) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-P", "-m", "agent.record.record_check", str(path), *how]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)  # noqa: S603 (our own module)


def _proof_of(process: "subprocess.Popen[bytes]") -> Proof:
    output, _ = process.communicate()
    if process.returncode:
        raise StorageError(f"The record could not be verified: the process ended with status {process.returncode}.")
    told = json.loads(output)
    if "fault" in told:
        raise StorageError(told["fault"])
    return Proof(Verdict(**told["verdict"]), told["seconds"])


def main() -> int:
    """Prove the record of the state file that is named, and write what was found as JSON."""
    if _BESIDE in sys.argv[2:]:
        step_back()
    begun_at = time.monotonic()
    try:
        told: dict[str, object] = {"verdict": asdict(verify_file(Path(sys.argv[1])))}
    except SchoolgateError as error:
        told = {"fault": str(error)}
    sys.stdout.write(json.dumps(told | {"seconds": round(time.monotonic() - begun_at)}))
    return 0


if __name__ == "__main__":
    sys.exit(main())
