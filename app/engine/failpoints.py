"""Named places at which a worker can be made to die, to prove that nothing breaks there.

`STREAMJOIN_FAILPOINT=name:n` kills the process with SIGKILL at the n-th pass of that place. Unset,
`hit` is an empty function; it is called per batch or per commit, never per record.
"""

import os
import signal
from collections.abc import Callable

from app.errors import SettingError

AFTER_POLL = "after-poll"
AFTER_STATE_CHANGE = "after-state-change"
AFTER_SOME_SENDS = "after-some-sends"
BEFORE_ADD_OFFSETS = "before-add-offsets"
AFTER_OFFSETS = "after-txn-offset-commit"
BEFORE_END = "before-end-txn"
BEFORE_STORE_WRITE = "before-store-write"
AFTER_STORE_WRITE = "after-store-write"
IN_RECOVERY = "in-recovery"
ON_REVOKE = "on-revoke"
AT_DEAD_LETTER = "at-dead-letter"
AT_SHUTDOWN = "at-shutdown"
NAMES = (
    AFTER_POLL,
    AFTER_STATE_CHANGE,
    AFTER_SOME_SENDS,
    BEFORE_ADD_OFFSETS,
    AFTER_OFFSETS,
    BEFORE_END,
    BEFORE_STORE_WRITE,
    AFTER_STORE_WRITE,
    IN_RECOVERY,
    ON_REVOKE,
    AT_DEAD_LETTER,
    AT_SHUTDOWN,
)


def _nothing(name: str) -> None:
    pass


def armed(setting: str | None) -> Callable[[str], None]:
    """Make the function that call sites pass through; raises SettingError on an unknown name."""
    if not setting:
        return _nothing
    wanted, _, number = setting.partition(":")
    if wanted not in NAMES or not (number or "1").isdigit():
        raise SettingError(f"STREAMJOIN_FAILPOINT={setting}: NAME:N with one of {', '.join(NAMES)}")
    left = int(number or "1")

    def die_at_last(name: str) -> None:
        nonlocal left
        if name == wanted:
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    return die_at_last


hit = armed(os.environ.get("STREAMJOIN_FAILPOINT"))
