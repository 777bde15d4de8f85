"""Puts the live views together: called where the HTTP interface is."""

import logging
from collections.abc import Callable
from typing import NamedTuple

from app.engine.faust_app import StreamApp
from app.engine.partition_parts import Committed
from app.observability.metrics import Metrics
from app.web.handlers import some
from app.web.live.handlers import LiveHandlers
from app.web.live.hub import Hub, Overalls
from app.web.live.newest import NewestOfPartitions, merge_newest
from app.web.live.peer_states import PeerStates
from app.web.live.rates import GroupRates, Rates
from app.web.live.set_aside import merge_set_aside, set_aside_question
from app.web.live.streams import Streams
from app.web.live.user_states import UserStates
from app.web.overall import (
    Overall,
    merge_revenue,
    merge_totals,
    revenue_question,
    totals_question,
)
from app.web.parameters import Span
from app.web.peers import Peers
from app.web.problems import unavailable
from app.web.user_reads import UserReads
from app.web.workers import GroupView
from models.answers import Answer
from models.topics import Direction

log = logging.getLogger(__name__)


class LiveParts(NamedTuple):
    """What live views ask."""

    reads: UserReads
    peers: Peers
    overall: Overall
    workers: GroupView


def install_live(app: StreamApp, metrics: Metrics, parts: LiveParts, clients: int) -> LiveHandlers:
    """Make a worker's live views, told of its commits and of its end. `clients`: see `Streams`."""
    live, committed = make_live(metrics, parts, clients)
    app.engine.listeners.append(_careful(committed))
    app.engine.closing.append(live.close)
    return live


def make_live(
    metrics: Metrics, parts: LiveParts, clients: int
) -> tuple[LiveHandlers, Callable[[Committed], None]]:
    """Make the live views, and what is to be told of commits."""
    reads = parts.reads
    membership, rules, catalogue = reads.membership, reads.rules, reads.catalogue
    newest = NewestOfPartitions(membership, catalogue, rules)
    own_rates = Rates(catalogue.names(Direction.INPUT))
    rates = GroupRates(membership, parts.peers, own_rates)
    hub = Hub(
        membership,
        lambda touched: UserStates(reads, touched),
        PeerStates(parts.peers),
        _overalls(parts, newest, rates),
    )
    questions = (newest.question(), set_aside_question())
    streams = Streams(hub, clients, metrics)

    def committed(commit: Committed) -> None:
        own_rates.committed(commit)
        newest.committed(commit)
        hub.committed(commit)

    return LiveHandlers(streams, hub, rates, parts.overall, questions), committed


def _overalls(parts: LiveParts, newest: NewestOfPartitions, rates: GroupRates) -> Overalls:
    overall, rules = parts.overall, parts.reads.rules

    async def revenue(limit: int) -> Answer:
        question = revenue_question(rules, Span(), limit + 1)
        found = some(await overall.ask(question))
        return await overall.turns.run(lambda: merge_revenue(found, limit))

    async def totals(_: int) -> Answer:
        return merge_totals(some(await overall.ask(totals_question())))

    async def purchases(_: int) -> Answer:
        found = await overall.ask(newest.question())
        if not found.found:
            raise unavailable("recovering", "the newest purchases are being looked for")
        return merge_newest(found)

    async def set_aside(_: int) -> Answer:
        return merge_set_aside(some(await overall.ask(set_aside_question())))

    async def workers(_: int) -> Answer:
        return await parts.workers.look()

    async def throughput(_: int) -> Answer:
        return await rates.look()

    return {
        "revenue": revenue,
        "totals": totals,
        "newest-purchases": purchases,
        "set-aside": set_aside,
        "workers": workers,
        "throughput": throughput,
    }


def _careful(listener: Callable[[Committed], None]) -> Callable[[Committed], None]:
    """Have a listener's bug be logged: a view is not worth a commit."""

    def told(committed: Committed) -> None:
        try:
            listener(committed)
        except Exception:
            log.exception("a live view could not take a commit")

    return told
