"""What a figure was measured on."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import msgspec

PACKAGES = ("aiokafka", "faust-streaming", "msgspec", "rocksdict")


class Machine(msgspec.Struct, frozen=True):
    """The machine and the versions of what ran on it; `load` is the 1 min average before."""

    cpu: str
    cores: int
    memory_gb: float
    system: str
    python: str
    kafka: str
    java: str
    packages: dict[str, str]
    load: float


def describe(kafka: str, java: str) -> Machine:
    """Describe this machine, with the versions of the broker and of its Java."""
    return Machine(
        cpu=_field("/proc/cpuinfo", "model name") or platform.processor() or platform.machine(),
        cores=os.cpu_count() or 1,
        memory_gb=round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, 1),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        kafka=kafka,
        java=java,
        packages={name: version(name) for name in PACKAGES},
        load=round(os.getloadavg()[0], 2),
    )


def _field(path: str, name: str) -> str | None:
    try:
        lines = Path(path).read_text().splitlines()
    except OSError:
        return None
    found = [line.partition(":")[2].strip() for line in lines if line.startswith(name)]
    return found[0] if found else None
