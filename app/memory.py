"""Memory that is free goes back to the system."""

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 512 * 1024


def return_large_blocks() -> None:
    """Have each block of 512 KiB or more be its own mapping, which ends when it is freed.

    By default glibc's bound rises to the largest block that was ever freed, up to 32 MiB: large
    records then leave holes between small objects, and a worker keeps twice what it needs
    (mallopt(3), M_MMAP_THRESHOLD). Another C library has its own ways: there nothing is set.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, _LARGE)
