"""What a DNS worker is told when it is started; apart, so that the supervisor need not load the worker."""

import json
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class WorkerJob:
    """What the supervisor tells a worker: its slot, where things are, and its sockets' descriptors."""

    slot: int
    shared_memory: str
    snapshot: str
    spool: str
    spool_bytes: int
    datagrams: tuple[int, ...]
    streams: tuple[int, ...]

    def to_json(self) -> str:
        """Compose the one argument that the worker is started with."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> "WorkerJob":
        """Read what `to_json` composed."""
        values = json.loads(text)
        return cls(**{**values, "datagrams": tuple(values["datagrams"]), "streams": tuple(values["streams"])})
