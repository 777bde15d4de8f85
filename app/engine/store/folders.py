"""A store's folder: made, dropped, or set aside when it is damaged."""

import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path

from app.engine.store.faults import explained

log = logging.getLogger(__name__)
_KEPT = 2
_DAMAGED, _DROPPED = ".damaged-", ".dropped"


def make(folder: Path) -> None:
    """Make it, its parents too. Raises StoreError."""
    try:
        shutil.rmtree(folder.with_name(folder.name + _DROPPED), ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise explained(error, folder, writing=True) from error


def drop(folder: Path) -> None:
    """Delete it: at once under its name, so that a crash leaves no half of it there."""
    dropped = folder.with_name(folder.name + _DROPPED)
    try:
        shutil.rmtree(dropped, ignore_errors=True)
        folder.rename(dropped)
        shutil.rmtree(dropped, ignore_errors=True)
    except OSError as error:
        raise explained(error, folder, writing=True) from error


def set_aside(folder: Path, why: str) -> None:
    """Rename a damaged store, for people to look at; of those the newest two are kept."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
    aside = folder.with_name(f"{folder.name}{_DAMAGED}{stamp}")
    try:
        folder.rename(aside)
        found = list(folder.parent.glob(f"*{_DAMAGED}*"))
    except OSError as error:
        raise explained(error, folder, writing=True) from error
    older = sorted(found, key=lambda path: path.name.rpartition(_DAMAGED)[2])[:-_KEPT]
    for path in older:
        shutil.rmtree(path, ignore_errors=True)
    log.warning(
        "%s; it is set aside as %s (the newest %d such folders are kept, delete them when you "
        "like) and rebuilt from the changelog",
        why, aside.name, _KEPT,
    )  # fmt: skip
