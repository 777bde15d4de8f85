"""A worker whose stores reach the disk with every commit; files' modes bind it, as root too."""

import ctypes
import os
import struct

from app.cli.main import main
from app.engine.store import rocks

_VERSION = 0x20080522
"""Of capset's arguments: linux/capability.h."""


def give_up_capabilities() -> None:
    """Be an owner of files like any other: root passes over modes by CAP_DAC_OVERRIDE."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.capset(struct.pack("Ii", _VERSION, 0), bytes(24)):
        raise OSError(ctypes.get_errno(), "capset")


if __name__ == "__main__":
    if os.geteuid() == 0:
        give_up_capabilities()  # Of this thread, from which all others come.
    rocks._FLUSH_MS = 0
    main()
