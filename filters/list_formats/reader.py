"""What every format offers: whole runs of plain lines in one go, one odd line at a time, and what is still open."""

import re
from typing import ClassVar, Final

from filters.list_entries import BadLine, Chunk, Reason
from filters.list_names import Refused, shown

MAX_BAD_LINES: Final = 1_000


class Reader:
    """The reading of one list: a format, and where in the file it is.

    A subclass says what a run of plain lines looks like (in lower case, each with its line end) and takes such a
    run; or it takes a single line, of which white space at the end has been cut off.
    """

    plain: ClassVar[re.Pattern[bytes]]

    def __init__(self, file: str) -> None:
        self.file = file
        self.line = 0
        self.chunk = Chunk()
        self._bad_lines_kept = 0

    @property
    def is_open(self) -> bool:
        """Say whether what began on this line goes on in the next."""
        return False

    def take_run(self, run: bytes) -> bool:
        """Take a run of plain lines; False if it must be read line by line after all."""
        raise NotImplementedError

    def take_line(self, text: str) -> None:
        """Take one line.

        Raises:
            Refused: the line is not used.
        """
        raise NotImplementedError

    def close_chunk(self) -> None:
        """Hand over what was held back to see more of the chunk."""

    def close_list(self) -> None:
        """Hand over what was held back to the end of the list."""

    def ignore(self) -> None:
        """Count a line that says nothing."""
        self.chunk.ignored += 1

    def refuse(self, refused: Refused, text: str) -> None:
        """Count an entry that is not used, and keep it for people to see if there is still room."""
        self.chunk.counts[refused.reason] += 1
        if self._bad_lines_kept < MAX_BAD_LINES and refused.reason is not Reason.CANCELLED:
            self._bad_lines_kept += 1
            self.chunk.bad.append(BadLine(self.file, self.line, shown(text), refused.why))
