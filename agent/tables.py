"""Tables on a terminal, of text that anybody may have written: it is shown, never obeyed."""

import os
import unicodedata
from collections.abc import Sequence
from io import StringIO
from typing import Final

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

# Wide enough that nothing is cut in a file or in a pipe.
UNBOUNDED_WIDTH: Final = 10_000


def render_table(columns: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Write rows under headings.

    Args:
        columns: the headings.
        rows: as many texts each as there are headings.
        width: of the terminal in columns; where there is none, no row is longer than it needs to be and none is cut.
    """
    table = Table(*columns, box=SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="")
    for row in rows:
        table.add_row(*(Text(printable(cell)) for cell in row))
    out = StringIO()
    console = Console(file=out, width=width or terminal_width(), color_system=None, legacy_windows=False)
    console.print(table)
    return "\n".join(line.rstrip() for line in out.getvalue().strip("\n").splitlines()) + "\n"


def terminal_width() -> int:
    """Give the width of standard output, if it is a terminal."""
    try:
        return os.get_terminal_size(1).columns or UNBOUNDED_WIDTH
    except OSError:
        return UNBOUNDED_WIDTH


def printable(text: str) -> str:
    """Give a text without what a terminal would take for a command, or what would turn the order of letters."""
    return "".join(_shown(character) for character in text)


def _shown(character: str) -> str:
    if character in "\t\n\r":
        return " "
    return "\ufffd" if unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp") else character
