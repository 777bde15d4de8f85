"""What goes to the log: little in normal running, and no flood when a broker is away."""

import logging
import sys
import time
from collections.abc import Callable

_SECONDS = 30.0
# A new broker makes the group's topic when it is first asked for: an error only if it goes on.
_BRIEF = {("aiokafka.consumer.group_coordinator", "Group Coordinator Request failed: %s")}
_BRIEF_SECONDS = 5.0


class Throttle(logging.Filter):
    """Lets one message of a kind through in half a minute, and says how many it held back.

    What is normal for a moment at a start is let through when it has gone on for longer.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock`: seconds."""
        super().__init__()
        self._clock = clock
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let this one through."""
        kind = (record.name, str(record.msg))
        now = self._clock()
        shown = now - _SECONDS + _BRIEF_SECONDS if kind in _BRIEF else float("-inf")
        last, held = self._seen.get(kind, (shown, 0))
        if now - last < _SECONDS:
            self._seen[kind] = (last, held + 1)
            return False
        self._seen[kind] = (now, 0)
        if held:
            record.msg = f"{record.getMessage()} ({held} more like it were not shown)"
            record.args = ()
        return True


class _Clients(logging.Filter):
    """Only what Kafka's clients and Faust say is throttled: our own messages are few."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = Throttle()

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name.startswith(("aiokafka", "faust", "mode", "app.engine.consumer")):
            return self._throttle.filter(record)
        return True


def configure(level: str) -> None:
    """Log to stderr from `level` up.

    What aiokafka warns of (a rebalance, say) is normal life, and its debugging shows records.
    """
    logging.getLogger("aiokafka").setLevel(max(logging.ERROR, logging.getLevelName(level)))
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(_Clients())
    logging.basicConfig(
        level=level, format="%(asctime)s %(levelname)s %(name)s %(message)s", handlers=[handler]
    )
