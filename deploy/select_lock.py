"""Prints the part of requirements.lock that some packages need, hashes and all.

There is one lock for everything; the image must hold only what runs in it. Without arguments the
roots are the project's own dependencies (pyproject.toml, without extras); `NAME...` are other
roots. Reads the "via" comments that uv leaves in the lock, needs nothing but Python:

    python deploy/select_lock.py > runtime.txt
    python deploy/select_lock.py hatchling > build.txt
"""

import re
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Entry:
    """One package of the lock: its pinned lines as they stand and who asks for it."""

    name: str
    lines: tuple[str, ...]
    parents: frozenset[str]


def normal(requirement: str) -> str:
    """The normalised name at the start of a requirement: `Foo_Bar[x]==1 ; ...` is `foo-bar`."""
    found = re.match(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)", requirement)
    if found is None:
        raise ValueError(f"not a requirement: {requirement!r}")
    return re.sub(r"[-_.]+", "-", found[1]).lower()


def read_lock(text: str) -> list[Entry]:
    """The lock's entries, in its order."""
    blocks: list[list[str]] = []
    for line in text.splitlines():
        if line and not line[0].isspace() and not line.startswith("#"):
            blocks.append([line])
        elif blocks and line.strip():
            blocks[-1].append(line)
    return [_entry(block) for block in blocks]


def _entry(block: list[str]) -> Entry:
    comments = [line.strip() for line in block if line.lstrip().startswith("#")]
    parents = (line.removeprefix("#").strip().removeprefix("via").strip() for line in comments)
    return Entry(
        name=normal(block[0]),
        lines=tuple(line for line in block if not line.lstrip().startswith("#")),
        parents=frozenset(normal(parent) for parent in parents if parent),
    )


def closure(entries: list[Entry], roots: Iterable[str]) -> list[Entry]:
    """The entries that the roots need, directly or not; ValueError if a root is not locked."""
    chosen = {normal(root) for root in roots}
    missing = chosen - {entry.name for entry in entries}
    if missing:
        raise ValueError(f"not in the lock: {', '.join(sorted(missing))} (run make lock)")
    size = 0
    while size != len(chosen):
        size = len(chosen)
        chosen |= {entry.name for entry in entries if entry.parents & chosen}
    return [entry for entry in entries if entry.name in chosen]


def main() -> None:
    """Print the chosen entries; the files are read from the current folder."""
    roots = sys.argv[1:]
    if not roots:
        project = tomllib.loads(Path("pyproject.toml").read_text(encoding="utf-8"))["project"]
        roots = project["dependencies"]
    try:
        chosen = closure(read_lock(Path("requirements.lock").read_text(encoding="utf-8")), roots)
    except ValueError as error:
        sys.exit(f"select_lock: {error}")
    sys.stdout.write("".join(line + "\n" for entry in chosen for line in entry.lines))


if __name__ == "__main__":
    main()
