"""Text of one list in, names and bad lines out; every format that lists come in is known here and only here."""
