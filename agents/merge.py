"""Clicks and purchases of a partition as one stream by event time (contract 4, enrichment).

The result of the join depends on this order alone. Where both topics have records to read the
order depends on the records alone, so that a replay, a restart or another number of workers takes
them in the same order.
"""

from agents.enrich import TakenPurchase
from agents.intake import Intake
from models.dead_letters import Rejected
from models.events import Click, Purchase

ShopItem = Click | TakenPurchase | Rejected


class Merge:
    """Two queues; the head that stands earlier goes next, a click first on a tie."""

    def __init__(
        self, clicks: Intake[Click], purchases: Intake[Purchase], join_wait_ms: int
    ) -> None:
        """`join_wait_ms`: how long after its event time a purchase stands."""
        self._clicks = clicks
        self._purchases = purchases
        self._wait = join_wait_ms
        self._wait_seconds = join_wait_ms / 1000
        self.intakes: list[Intake[Click] | Intake[Purchase]] = [clicks, purchases]

    def take(self, limit: int) -> list[ShopItem]:
        """Take what may go now, `limit` at most; a record that is not valid goes as head."""
        taken: list[ShopItem] = []
        clicks, purchases = self._clicks, self._purchases
        while len(taken) < limit:
            click, purchase = clicks.head(), purchases.head()
            if isinstance(click, Rejected):
                clicks.index += 1
                taken.append(click)
            elif isinstance(purchase, Rejected):
                purchases.index += 1
                taken.append(purchase)
            elif purchase is None:
                if click is None or purchases.more:
                    break
                self._take_clicks(taken, limit, None)
            elif click is not None and click.timestamp <= purchase.timestamp + self._wait:
                self._take_clicks(taken, limit, purchase.timestamp + self._wait)
            elif click is not None or self._waited():
                purchases.index += 1
                taken.append(TakenPurchase(purchase, clicks.first_untaken))
            else:
                break
        return taken

    def _take_clicks(self, taken: list[ShopItem], limit: int, until: int | None) -> None:
        """Take the run of decoded clicks that stand at `until` or before."""
        clicks = self._clicks
        events = clicks.events
        first = index = clicks.index
        end = min(len(events), first + limit - len(taken))
        while index < end:
            click = events[index]
            if isinstance(click, Rejected) or (until is not None and click.timestamp > until):
                break
            index += 1
        taken += events[first:index]
        clicks.index = index

    def took_large(self) -> bool:
        """Whether a large record may be among those taken since the last call."""
        return any(intake.took_large() for intake in self.intakes)

    def _waited(self) -> bool:
        """Whether `clicks` has had nothing more to read for long enough for the head purchase."""
        clicks = self._clicks
        since = max(clicks.quiet_since, self._purchases.head_fetched_at)
        return not clicks.more and clicks.answered_at - since >= self._wait_seconds
