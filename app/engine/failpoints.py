"""Named places at which a worker can be made to die, to prove that nothing breaks there.

`STREAMJOIN_FAILPOINT=name:n` kills the process at the n-th pass of that place (n is 1 if left
out), with SIGKILL. Unset, every function here is an empty one; they are called per batch, per
transaction or per request of an armed worker, never per record.

| name | the process dies |
|---|---|
| after-poll | with records taken from the queues and not yet handed to an agent |
| after-state-change | after an agent has changed rows, before any commit |
| at-dead-letter | before a dead letter joins the collected outputs |
| after-some-sends | when the broker has one batch of a transaction, and the rest is not sent |
| before-add-offsets | with the records acknowledged, before AddOffsetsToTxn is sent |
| before-txn-offset-commit | the same, between AddOffsetsToTxn and TxnOffsetCommit |
| after-txn-offset-commit | the same, when TxnOffsetCommit has been answered |
| before-end-txn | when all is acknowledged, before EndTxn |
| at-window-close | there too, in a transaction in which stream time passes a window's close |
| end-txn-unanswered | with EndTxn written to the socket, before its answer is read |
| before-store-write | after the commit, before the store is written |
| in-store-write | while a store's file, this commit in it, is being written to disk; RocksDB only |
| after-store-write | after that, before anything else |
| in-recovery | after a piece of the changelog's tail has been applied to the store |
| on-revoke | when partitions are about to be given up |
| at-shutdown | when the worker has been told to stop |
"""

import os
import signal
from collections.abc import Callable
from pathlib import Path

from app.errors import SettingError

AFTER_POLL = "after-poll"
AFTER_STATE_CHANGE = "after-state-change"
AT_DEAD_LETTER = "at-dead-letter"
AFTER_SOME_SENDS = "after-some-sends"
BEFORE_ADD_OFFSETS = "before-add-offsets"
BEFORE_OFFSETS = "before-txn-offset-commit"
AFTER_OFFSETS = "after-txn-offset-commit"
BEFORE_END = "before-end-txn"
AT_WINDOW_CLOSE = "at-window-close"
END_UNANSWERED = "end-txn-unanswered"
BEFORE_STORE_WRITE = "before-store-write"
IN_STORE_WRITE = "in-store-write"
AFTER_STORE_WRITE = "after-store-write"
IN_RECOVERY = "in-recovery"
ON_REVOKE = "on-revoke"
AT_SHUTDOWN = "at-shutdown"
NAMES = (
    AFTER_POLL,
    AFTER_STATE_CHANGE,
    AT_DEAD_LETTER,
    AFTER_SOME_SENDS,
    BEFORE_ADD_OFFSETS,
    BEFORE_OFFSETS,
    AFTER_OFFSETS,
    BEFORE_END,
    AT_WINDOW_CLOSE,
    END_UNANSWERED,
    BEFORE_STORE_WRITE,
    IN_STORE_WRITE,
    AFTER_STORE_WRITE,
    IN_RECOVERY,
    ON_REVOKE,
    AT_SHUTDOWN,
)
Passes = Callable[[str], bool]


def _never(name: str) -> bool:
    return False


def _nothing(name: str) -> None:
    pass


def _whole(folder: Path, flush: Callable[[], None]) -> None:
    pass


def counting(setting: str | None) -> tuple[str | None, Passes]:
    """Give the armed name, and what counts its passes: true at the one to die at.

    Raises SettingError on an unknown name.
    """
    if not setting:
        return None, _never
    wanted, _, number = setting.partition(":")
    if wanted not in NAMES or not (number or "1").isdigit() or number == "0":
        raise SettingError(f"STREAMJOIN_FAILPOINT={setting}: NAME:N with one of {', '.join(NAMES)}")
    left = int(number or "1")

    def passes(name: str) -> bool:
        nonlocal left
        left -= name == wanted
        return name == wanted and left == 0

    return wanted, passes


def die() -> None:
    """Kill this process, as `kill -9` does."""
    os.kill(os.getpid(), signal.SIGKILL)


def _die_at_last(name: str) -> None:
    if passes(name):
        die()


def die_in_flush(folder: Path, flush: Callable[[], None]) -> None:
    """Die while RocksDB writes what it holds in memory to a file in `folder`.

    A store has no log: writing a commit is this, some commits later. `flush` starts it.
    """
    there = set(folder.glob("*.sst"))
    flush()
    while not set(folder.glob("*.sst")) - there:
        pass
    die()


def _tear_at_last(folder: Path, flush: Callable[[], None]) -> None:
    if passes(IN_STORE_WRITE):
        die_in_flush(folder, flush)


ARMED, passes = counting(os.environ.get("STREAMJOIN_FAILPOINT"))
hit: Callable[[str], None] = _die_at_last if ARMED else _nothing
# Called with each write of a store: its folder, and what has RocksDB start to write to it.
store_write: Callable[[Path, Callable[[], None]], None] = _tear_at_last if ARMED else _whole
