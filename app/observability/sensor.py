"""What Faust tells of its life, counted."""

from faust import Sensor
from faust.types import AppT

from app.observability.metrics import Metrics


class RebalanceSensor(Sensor):
    """Counts the group's rebalances."""

    def __init__(self, metrics: Metrics) -> None:
        """See the class."""
        super().__init__()
        self._metrics = metrics

    def on_rebalance_start(self, app: AppT) -> dict[str, float]:
        """Count one."""
        self._metrics.rebalanced()
        return {}
