"""A group of workers without Kafka: real HTTP servers over committed states in memory."""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple, TypeVar, cast

from aiohttp import web
from aiohttp.test_utils import TestServer
from aiohttp.typedefs import Middleware

from app.engine.metadata import KEY, LAYOUT, Metadata
from app.engine.partition_parts import Committed
from app.engine.store.memory import MemoryStore
from app.observability import catalogue
from app.observability.metrics import Metrics
from app.proofs import Proofs
from app.web.acceptor import Site
from app.web.access import Access
from app.web.connection import Why
from app.web.connections import Connections
from app.web.handlers import Handlers
from app.web.health import Health
from app.web.install import Between, application
from app.web.live.install import LiveParts, make_live
from app.web.membership import Snapshot
from app.web.overall import Overall
from app.web.peers import Peers
from app.web.problems import not_owner
from app.web.server import QuietRunner
from app.web.tls import ServerTls
from app.web.user_reads import UserReads
from app.web.users import Users
from app.web.workers import GroupView
from models.answers import Verdict
from models.topics import Catalogue
from models.workers import PartitionState, WorkerState
from tables import enrichment
from tables.recent_clicks import CLICK_PARTS, CLICKS, CLICKS_EXPIRY, ITEM_BYTES, RecentClicks
from tables.revenue import MERGED
from tables.rows import Rows
from tables.rules import Rules
from tables.totals import TOTALS, TotalsFold
from tables.undo import StreamTime
from tests.oracle.exact_numbers import partition_of
from tests.tables.making import Stored

T = TypeVar("T")
Change = tuple[bytes, bytes | None]
GROUP = "group"
CATALOGUE = Catalogue(GROUP)
WINDOW = Rules().tumbling


class State:
    """A partition's committed state, changed by hand."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.store = MemoryStore()
        self._offset = 0
        self._commit([])

    def _commit(self, changes: list[Change], now: int | None = None) -> None:
        offsets = dict.fromkeys(("clicks", "purchases", "user-events"), self._offset)
        times = {"totals": self._offset} | ({} if now is None else {enrichment.NAME: now})
        row = Metadata(LAYOUT, {}, 2, offsets, times)
        self._offset += 1
        self.store.write([*changes, (KEY, row.encode())], self._offset)

    def purchase(self, user: str, amount: int) -> None:
        rows = Rows(TOTALS, self.store)
        TotalsFold(rows, StreamTime("totals")).purchase(user, 0, amount)
        self._commit(list(rows.changes()))

    def clicks(self, user: str, clicks: list[tuple[int, int, str]]) -> list[Change]:
        """Commit clicks of (ms, offset, page); the rows that changed."""
        stored, now = Stored(store=self.store), max(time for time, _, _ in clicks)
        rows, parts = stored.rows(CLICKS), stored.rows(CLICK_PARTS)
        index = stored.rows(CLICKS_EXPIRY)
        log = RecentClicks(rows, parts, index, Rules())
        for click in clicks:
            log.append(user, click, ITEM_BYTES + len(click[2]), now)
        changes = [change for table in (rows, parts, index) for change in table.changes()]
        self._commit(changes, now)
        return changes

    def window(self, start: int, revenue: int) -> None:
        rows = Rows(MERGED, self.store)
        rows.edit(start).sums[0] = (revenue, 1)
        self._commit(list(rows.changes()))

    @property
    def snapshot(self) -> Snapshot:
        metadata = Metadata.decode(self.store.get(KEY))
        assert metadata is not None
        return Snapshot(self.number, self.store, metadata)


class Member:
    """A `Membership` held by hand. `table`: what it believes of who owns what."""

    def __init__(self, partitions: int, states: Mapping[int, State]) -> None:
        self.url = self.address = ""
        self.proofs = Proofs(None, GROUP)
        self.partitions = partitions
        self.states = dict(states)
        self.table: dict[int, str] = {}
        # Of partitions whose owners do not advertise their URLs as they should: what they say.
        self.advertised: dict[int, str] = {}
        self.looked = 0
        self.clients = 200
        self.answer_bytes = 64 * 1024 * 1024
        # Of partitions that do not keep up.
        self.verdicts: dict[int, Verdict] = {}
        self.told: Callable[[Committed], None] = lambda _: None

    def owners(self) -> dict[int, str]:
        self.looked += 1
        return {
            n: self.advertised.get(n, self.proofs.advertised(url)) for n, url in self.table.items()
        }

    def members(self) -> dict[str, list[int]]:
        owners = self.owners()
        return {url: sorted(n for n in owners if owners[n] == url) for url in owners.values()}

    def state(self) -> WorkerState:
        running = [
            PartitionState(
                partition=number,
                state="running",
                lag={"clicks": number},
                progress=self.verdicts.get(number, "ok"),
                lag_seconds=0.5 * number,
            )
            for number in sorted(self.states)
        ]
        return WorkerState(ready=True, reasons=[], partitions=running, standbys=[])

    def owns(self, number: int) -> bool:
        return number in self.states

    def read(self, number: int, work: Callable[[Snapshot], T]) -> T:
        if number not in self.states:
            raise not_owner(number)
        return work(self.states[number].snapshot)


def application_of(
    member: Member, api_key: str | None = None, checks: Sequence[Middleware] = ()
) -> web.Application:
    """Make a member's application."""
    access, metrics = Access(api_key), Metrics()
    member.proofs = Proofs(api_key, GROUP)
    peers = Peers(member.proofs, metrics.key_failed, member.answer_bytes)
    overall = Overall(member, peers)
    reads = UserReads(member, overall.turns, Rules(), CATALOGUE)
    handlers = Handlers(
        Users(reads, peers),
        overall,
        cast("Health", None),
        access,
        metrics,
        Rules(),
    )
    workers = GroupView(member, peers, member.state)
    parts = LiveParts(reads, peers, overall, workers)
    live, member.told = make_live(metrics, parts, member.clients)
    between = Between(member.proofs, lambda: member.address, peers)
    return application(handlers, access, between, workers, live, checks)


@asynccontextmanager
async def serving(member: Member, api_key: str | None = None) -> AsyncIterator[str]:
    """Serve a member's application; its URL."""
    async with listening(application_of(member, api_key)) as url:
        member.address, member.url = url, member.proofs.advertised(url)
        yield url


@asynccontextmanager
async def listening(app: web.Application) -> AsyncIterator[str]:
    """Serve any application on loopback; its URL."""
    async with TestServer(app) as server:
        yield str(server.make_url("")).rstrip("/")


class Running(NamedTuple):
    """A server as a worker has it."""

    url: str
    connections: Connections
    metrics: Metrics

    def closed(self, why: Why) -> float:
        """How many connections it has closed for this reason."""
        name = catalogue.HTTP_CONNECTIONS_CLOSED.full_name
        return self.metrics.registry.get_sample_value(name, {"reason": why.value}) or 0


@asynccontextmanager
async def running(
    app: web.Application, limit: int = 1000, tls: ServerTls | None = None
) -> AsyncIterator[Running]:
    """Serve an application as a worker does, `limit` connections at most."""
    metrics = Metrics()
    runner = QuietRunner(app, Connections(limit, metrics))
    await runner.setup()
    try:
        await Site(runner, runner.connections, "127.0.0.1", 0, tls).start()
        host, port = runner.addresses[0][:2]
        scheme = "http" if tls is None else "https"
        yield Running(f"{scheme}://{host}:{port}", runner.connections, metrics)
    finally:
        await runner.cleanup()


def user_in(partition: int, partitions: int) -> str:
    """A user of this partition."""
    names = (f"user-{number}" for number in range(1000))
    return next(name for name in names if partition_of(name.encode(), partitions) == partition)
