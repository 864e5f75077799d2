# ruff: noqa: INP001 (programs, not a package)
"""Write the dashboards, after a change of a board: `python deploy/grafana/boards/build.py`. Grafana loads the files.

A board is rows of panels, a panel is a question in plain words with its queries.
"""

from pathlib import Path
from typing import Final

from coordinator import COORDINATOR
from governors import GOVERNORS
from leadership import SLT
from panels import render
from technician import TECHNICIAN

BOARDS: Final = (COORDINATOR, TECHNICIAN, SLT, GOVERNORS)

if __name__ == "__main__":
    for each in BOARDS:
        path = Path(__file__).parents[1] / "dashboards" / each.folder / f"{each.name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(render(each))
