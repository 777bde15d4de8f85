"""Where the broker's files lie: the user's folders, small files written whole, locks."""

import contextlib
import fcntl
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app.errors import UserError
from app.home import home


def default_cache(version: str = "4.3.1") -> Path:
    """Folder of Kafka's jars: `$XDG_CACHE_HOME` or `~/.cache`, then `streamjoin/kafka-VERSION`."""
    return _user_folder("XDG_CACHE_HOME", ".cache") / "streamjoin" / f"kafka-{version}"


def default_folder() -> Path:
    """Folder of the data: `$XDG_DATA_HOME` or `~/.local/share`, then `streamjoin/broker`."""
    return _user_folder("XDG_DATA_HOME", ".local/share") / "streamjoin" / "broker"


def _user_folder(variable: str, below_home: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG specification: a relative path is invalid and is to be ignored.
    return Path(value) if Path(value).is_absolute() else home() / below_home


def make_folder(folder: Path, remedy: str) -> None:
    """Create `folder` with its parents and prove that files can be written there.

    Raises UserError with the system's reason and `remedy`.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(f"cannot write to {folder}: {reason}; {remedy}") from error


def write_whole(path: Path, text: str) -> None:
    """Replace the file in one step, so that a reader or a crash sees the old or the new one."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock between processes on the file `path`; waits for its turn."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
