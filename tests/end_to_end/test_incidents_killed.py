"""`kill -9` anywhere between a decision, its checklist and its end: nothing half, and what was told stands."""

import random
import secrets
import sqlite3
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing, suppress
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path

from incidents_of_test import WHY, IncidentsOfTest

from agent.incidents.incidents import Incidents
from agent.people.people import People
from agent.people.pseudonyms import Pseudonyms
from agent.sites.site import Site
from agent.sites.site_packs import load_pack
from agent.storage.incident_rows import Filed, read_incidents
from agent.storage.record import verify
from agent.storage.state import StateStore
from agent.storage.step_rows import FiledStep, read_steps
from agent.storage.warning_rows import read_warnings
from rules.incident import Intent, State
from rules.incident_kind import Kind
from rules.steps import ON_REGISTER, StepState

KILLS = 40
CANDIDATES = 300
ROW = "P13"
PACK = load_pack("uk-esafety")


def decide_on_and_on(folder: Path, head: str, site: Site, told: Connection) -> None:
    """Accept, work off and close one candidate after the other, and tell each thing that is done."""
    with closing(StateStore(folder / "state.db", clock=lambda: datetime.now(UTC))) as store:
        incidents = Incidents(
            store,
            People(store),
            Pseudonyms(folder / "keys"),
            packs=lambda: (PACK,),
            site=lambda: site,
            clock=lambda: datetime.now(UTC),
            new_id=lambda: secrets.token_hex(8),
        )
        for filed in incidents.looking.queue(head, limit=CANDIDATES):
            incident, version = filed.incident.id, filed.version
            if filed.incident.state is State.CANDIDATE:
                made = incidents.decisions.accept(
                    head, incident, version=version, row=ROW, deliberate=Intent.UNCLEAR, why=WHY
                )
                version = made.version
                told.send((incident, version, State.ACCEPTED, 0))
            for step in incidents.steps.of(head, incident):
                if step.state is StepState.OPEN:
                    incidents.steps.done(head, incident, step.number, how="We spoke with everybody.")
                    told.send((incident, version, State.ACCEPTED, step.number))
            made = incidents.decisions.close(
                head, incident, version=version, outcome="They have said sorry.", lesson="We say it earlier."
            )
            told.send((incident, made.version, State.CLOSED, 0))


def heard(ear: Connection) -> Iterator[tuple[str, int, State, int]]:
    with suppress(EOFError):
        while True:
            yield ear.recv()


def test_forty_kills_leave_nothing_half(tmp_path: Path) -> None:
    school = IncidentsOfTest(tmp_path)
    for number in range(CANDIDATES):
        school.open(Kind.BYPASS, "pupil", rows=(ROW,), id=f"observed {number}")
    school.store.close()
    chance = random.Random(2026)
    acknowledged: dict[str, tuple[int, State]] = {}
    done: set[tuple[str, int]] = set()
    for number in range(KILLS):
        ear, mouth = get_context("fork").Pipe(duplex=False)
        program = get_context("fork").Process(
            target=decide_on_and_on, args=(tmp_path, school.ids["head"], school.site, mouth)
        )
        program.start()
        mouth.close()
        # Some are killed while they begin, most when they are at it, however slow the machine is.
        if number % 4:
            ear.poll(10)
        time.sleep(chance.uniform(0.05, 0.25))
        program.kill()
        for incident, version, state, step in heard(ear):
            acknowledged[incident] = version, state
            done |= {(incident, step)} - {(incident, 0)}
        program.join(10)
        ear.close()
    assert len(acknowledged) > KILLS / 4, "it was never far enough to be cut off"
    ticked = [action.id for action in PACK.sanctions["pupil"].actions_of(ROW)]
    with closing(StateStore(tmp_path / "state.db", clock=lambda: datetime.now(UTC))) as store, store.read() as found:
        for filed in read_incidents(found):
            version, state = acknowledged.get(filed.incident.id, (1, State.CANDIDATE))
            # One act more may have been committed when its acknowledgement was cut off.
            assert filed.version in (version, version + 1)
            assert filed.version > version or filed.incident.state is state
            steps = read_steps(found, filed.incident.id)
            assert [step.action for step in steps] == ([] if filed.incident.state is State.CANDIDATE else ticked)
            finished = [step for step in steps if step.state is StepState.DONE]
            known = {number for incident, number in done if incident == filed.incident.id}
            assert known <= {step.number for step in finished}
            assert filed.incident.state is not State.CLOSED or len(finished) == len(steps)
            is_told_once(found, filed, finished)
        verdict = verify(found, anchors_key=None)
    assert verdict.is_whole, verdict.what


def is_told_once(database: sqlite3.Connection, filed: Filed, finished: Sequence[FiledStep]) -> None:
    """Check that the timeline, the record and the register of warnings tell of the same acts, each once."""
    incident = filed.incident.id
    entries = database.execute("SELECT what FROM incident_timeline WHERE incident = ?", (incident,))
    told = Counter(what for (what,) in entries)
    assert told["incident_step_done"] == len(finished)
    assert told["incident_accepted"] == (filed.incident.state is not State.CANDIDATE)
    given = read_warnings(database, incident=incident)
    assert len(given) == told["incident_warning_given"] == sum(step.step in ON_REGISTER for step in finished)
    noted = Counter(kind for (kind,) in database.execute("SELECT kind FROM audit WHERE subject = ?", (incident,)))
    assert noted.pop("incident_opened") == told.pop("observed") == 1
    assert noted == told, "one act is one transaction"
