"""The endpoint service on a computer in a folder, quick about everything; takes DATA, RUNTIME and TREE."""

import logging
import sys
from pathlib import Path

from agent.commands.cli_endpoint import serve
from agent.endpoint.probes import Intervals
from agent.endpoint.service import Folders, Service, World
from collectors.machine import Machine

QUICK = Intervals(media=0.2, media_polled=0.2, writes=0.3, programs=1.0, session=1.0, signs=2.0, filter=2.0)

if __name__ == "__main__":
    data, runtime, tree = map(Path, sys.argv[1:])
    logging.basicConfig(level=logging.INFO)
    world = World(
        machine=Machine(root=tree),
        intervals=QUICK,
        random_share=lambda: 0.0,
        trusted=(),
        heartbeat_seconds=1.0,
        pulse_seconds=0.2,
        events=False,
    )
    serve(Service(Folders(data, runtime), world))
