"""How the process of the interface keeps its memory small and its answers even: few heaps, and nothing to walk over.

Every page is made on a thread of its own, and what one of them needs for a moment is as large as a year of incidents.
"""

import ctypes
import gc
from typing import Final

# Source: <malloc.h> of glibc.
_M_ARENA_MAX: Final = -8
_HEAPS: Final = 2


def share_heaps() -> bool:
    """Let all threads share two heaps, before there are any; says whether the C library has such a setting.

    Otherwise each keeps its own, with what it once needed: half as much memory again for thirty people.

    Source: mallopt(3), M_ARENA_MAX.
    """
    try:
        return bool(ctypes.CDLL(None).mallopt(_M_ARENA_MAX, _HEAPS))
    except (AttributeError, OSError):
        return False


def leave_what_is_loaded() -> None:
    """Let whoever looks for rubbish walk round what is loaded by now, or a page waits a tenth of a second for it."""
    gc.collect()
    gc.freeze()
