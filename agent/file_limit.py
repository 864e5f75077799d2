"""How many files, and so connections, a process may have open."""

import contextlib
import resource


def raise_file_limit() -> None:
    """Open as many files as the system allows: a shell's usual limit is less than a crowd of connections takes."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
