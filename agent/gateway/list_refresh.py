"""A look at the lists that are due, in a process of its own: what it takes is never the gateway's.

The gateway starts it with the path of the published policy, so that it works by the site in force whatever stands in
the site file by now. On standard output goes one line of JSON: the generation that came of it, if any, and a fault.
"""

import json
import sys
from datetime import UTC, datetime
from pathlib import Path

from agent.assembly import open_generations
from agent.dns.background import step_back
from agent.dns.snapshot import read_snapshot
from agent.lists.list_progress import PlainProgress
from agent.lists.list_schedule import due_lists
from agent.lists.list_updater import ListUpdater
from agent.logs import configure_logs, log
from agent.sites.site import Site
from rules.errors import SchoolgateError


def refresh(site: Site) -> dict[str, int | str | None]:
    """Look at the lists that are due, and compile if the site or a list has changed.

    Raises:
        SchoolgateError: another update is under way, or nothing can be kept.
    """
    updater = ListUpdater(site, index=open_generations(site), progress=PlainProgress(sys.stderr))
    report = updater.update(due_lists(site, datetime.now(UTC)))
    for outcome in report.outcomes:
        log.info("list_looked_at", list=outcome.list_name, state=type(outcome).__name__.lower())
    return {"generation": report.generation, "fault": report.fault}


def main() -> int:
    """Refresh by the policy whose path is the one argument."""
    configure_logs()
    step_back()
    try:
        result = refresh(read_snapshot(Path(sys.argv[1])).site)
    except SchoolgateError as error:
        result = {"generation": None, "fault": str(error)}
    sys.stdout.write(json.dumps(result) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
