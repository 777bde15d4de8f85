"""What Faust tells of its life, counted."""

import time

from faust import Sensor
from faust.types import AppT

from app.observability.metrics import Metrics


class RebalanceSensor(Sensor):
    """Counts the group's rebalances, and measures those that come to an end."""

    def __init__(self, metrics: Metrics) -> None:
        """See the class."""
        super().__init__()
        self._metrics = metrics

    def on_rebalance_start(self, app: AppT) -> dict[str, float]:
        """Count one."""
        self._metrics.rebalanced()
        return {"began": time.monotonic()}

    def on_rebalance_end(self, app: AppT, state: dict[str, float]) -> None:
        """Measure one: all that was assigned runs."""
        self._metrics.rebalance_took(time.monotonic() - state["began"])
