"""What goes to the log: little in normal running, and no flood when a broker is away."""

import logging
import sys
import time

_SECONDS = 30.0


class Throttle(logging.Filter):
    """Lets one message of a kind through in half a minute, and says how many it held back."""

    def __init__(self) -> None:
        """See the class."""
        super().__init__()
        self._seen: dict[tuple[str, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether to let this one through."""
        kind = (record.name, str(record.msg))
        last, held = self._seen.get(kind, (float("-inf"), 0))
        now = time.monotonic()
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
