"""The whole service on one page: topics -> agents -> tables -> topics.

clicks ----+
           +--(merge by event time)--> enrich ---------> enriched-purchases
purchases -+                             |  tables: recent clicks, enriched, totals,
                                         |          partial revenue
                                         +-----------> {app_id}-revenue-partials
{app_id}-revenue-partials -------------> merge_revenue -> revenue-per-5min
user-events ---------------------------> follow_users -> event-counts-per-5min,
                                         |               moving-averages, user-sessions
                                         |  tables: event and hopping counts, averages,
                                         |          sessions, totals
whatever comes late -------------------> late-events
whatever is not valid -----------------> dead-letters (by the engine)
"""

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from agents.enrich import ShopWork, enrich
from agents.intake import Intake
from agents.merge import Merge
from agents.merge_revenue import RevenueWork, merge_revenue
from agents.partition import Partition
from agents.user_events import UserEventsWork, follow_users
from models.codec import decode_clicks, decode_purchases, decode_user_events
from models.dead_letters import Rejected
from models.partials import decode_partials
from models.topics import CLICKS, PURCHASES, REVENUE_PARTIALS, USER_EVENTS, Catalogue
from tables.rules import Rules


class Work(Protocol):
    """What an agent does in one partition."""

    @property
    def overdue(self) -> bool:
        """Whether another commit has something to write, though nothing more is taken."""

    def before_commit(self) -> None:
        """Write what is written once a commit."""

    def committed(self) -> None:
        """Note that the transaction has been committed."""


class Feed(Protocol):
    """The topics of one agent in one partition, in the order in which it takes them."""

    intakes: "list[Any]"

    def take(self, limit: int) -> "list[Any]":
        """Take events and `Rejected` records that may go now, `limit` at most."""

    def took_large(self) -> bool:
        """Whether a large record may be among those taken since the last call."""


class SingleFeed:
    """A feed of one topic, in offset order."""

    def __init__(self, intake: Intake[Any]) -> None:
        """See the class."""
        self.intakes = [intake]
        self.take = intake.take
        self.took_large = intake.took_large


@dataclass(frozen=True)
class Flow:
    """One agent: the topics that it takes, how they are queued, its work in a partition."""

    name: str
    topics: tuple[str, ...]
    agent: Callable[..., Coroutine[Any, Any, None]]
    feed: Callable[[Mapping[str, int]], Feed]
    work: Callable[[Partition], Work]


class Topology:
    """The flows that one partition consists of."""

    def __init__(self, catalogue: Catalogue, rules: Rules, max_future_ms: int) -> None:
        """`max_future_ms`: how far an event time may be ahead of its record's own."""
        self.catalogue = catalogue
        self.rules = rules
        self._future = max_future_ms
        clicks, purchases = catalogue.name(CLICKS), catalogue.name(PURCHASES)
        events, partials = catalogue.name(USER_EVENTS), catalogue.name(REVENUE_PARTIALS)

        def shop(offsets: Mapping[str, int]) -> Feed:
            return Merge(
                self._intake(clicks, decode_clicks, offsets),
                self._intake(purchases, decode_purchases, offsets),
                rules.join_wait,
            )

        def single(topic: str, decode: Any) -> Callable[[Mapping[str, int]], Feed]:  # noqa: ANN401
            return lambda offsets: SingleFeed(self._intake(topic, decode, offsets))

        self.flows = (
            Flow("enrich", (clicks, purchases), enrich, shop, self._work(ShopWork)),
            Flow(
                "merge-revenue",
                (partials,),
                merge_revenue,
                single(partials, decode_partials),
                self._work(RevenueWork),
            ),
            Flow(
                "follow-users",
                (events,),
                follow_users,
                single(events, decode_user_events),
                self._work(UserEventsWork),
            ),
        )

    @property
    def sources(self) -> tuple[str, ...]:
        """Names of all topics that are read."""
        return tuple(topic for flow in self.flows for topic in flow.topics)

    def _intake(
        self,
        topic: str,
        decode: Callable[..., list[Any | Rejected]],
        offsets: Mapping[str, int],
    ) -> Intake[Any]:
        return Intake(topic, partial(decode, max_future_ms=self._future), offsets[topic])

    def _work(self, kind: Callable[[Partition, Catalogue, Rules], Work]) -> Callable[..., Work]:
        return lambda partition: kind(partition, self.catalogue, self.rules)
