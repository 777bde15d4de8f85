"""The merge against a naive model of contract 4, under any arrival of records and answers."""

from dataclasses import dataclass, field

from hypothesis import example, given, settings
from hypothesis import strategies as st

from agents.enrich import TakenPurchase
from agents.intake import Intake
from agents.merge import Merge
from models.dead_letters import Rejected
from models.events import Click, Purchase
from tests.agents.making import Event, Partition

STEP = 250
"""ms: all times are multiples, so that seconds are exact in binary."""
Taken = tuple[str, int, int | None]
"""(topic, offset, clicks.offset of a purchase)."""


@dataclass
class Answer:
    """`at` seconds; `brought` records; whether the topic then had `more`."""

    at: float
    brought: bool
    more: bool


@dataclass
class Queue:
    """A topic as the contract sees it."""

    waiting: list[tuple[Event, float]] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    read_to: int = 0

    def head(self) -> Event | None:
        return self.waiting[0][0] if self.waiting else None

    def more(self) -> bool:
        """Before the broker's first answer a topic counts as having more to read."""
        return not self.answers or self.answers[-1].more

    def quiet_for(self, since: float) -> float:
        """How long it has had nothing more to read, as far as was answered, from `since` on."""
        quiet: list[Answer] = []
        for answer in self.answers:
            if answer.more:
                quiet = []
            elif answer.brought:
                quiet = [answer]
            else:
                quiet.append(answer)
        return quiet[-1].at - max(quiet[0].at, since) if quiet else -1.0


@dataclass
class NaiveMerge:
    """Two queues; the head that stands earlier goes next, a click first on a tie."""

    wait_ms: int
    clicks: Queue = field(default_factory=Queue)
    purchases: Queue = field(default_factory=Queue)

    def next(self) -> Taken | None:
        for queue in (self.clicks, self.purchases):
            if isinstance(head := queue.head(), Rejected):
                queue.waiting.pop(0)
                return head.source.topic, head.source.offset, None
        click, purchase = self.clicks.head(), self.purchases.head()
        if isinstance(purchase, Purchase):
            stands = purchase.timestamp + self.wait_ms
            if isinstance(click, Click):
                click_goes = click.timestamp <= stands
            else:
                fetched = self.purchases.waiting[0][1]
                if self.clicks.quiet_for(fetched) * 1000 < self.wait_ms:
                    return None
                click_goes = False
        elif isinstance(click, Click) and not self.purchases.more():
            click_goes = True
        else:
            return None
        if click_goes:
            event, _ = self.clicks.waiting.pop(0)
            return "clicks", event.source.offset, None
        event, _ = self.purchases.waiting.pop(0)
        behind = self.clicks.waiting
        following = behind[0][0].source.offset if behind else self.clicks.read_to
        return "purchases", event.source.offset, following


class World:
    """Both merges, fed alike."""

    def __init__(self, wait_ms: int) -> None:
        self.now = 100.0
        self.topics = {name: Partition(name) for name in ("clicks", "purchases")}
        self.intakes: dict[str, Intake[Event]] = {
            name: Intake(name, topic.decode) for name, topic in self.topics.items()
        }
        self.merge = Merge(self.intakes["clicks"], self.intakes["purchases"], wait_ms)  # type: ignore[arg-type]
        self.naive = NaiveMerge(wait_ms)
        self.queues = {"clicks": self.naive.clicks, "purchases": self.naive.purchases}

    def fetch(self, topic: str, limit: int) -> None:
        place, queue = self.topics[topic], self.queues[topic]
        records = place.fetch(limit)
        if records:
            self.intakes[topic].receive([event.source for event in records], self.now)
            queue.waiting += [(event, self.now) for event in records]
            queue.read_to = place.position
        end = len(place.log)
        self.intakes[topic].answered(place.position, end, self.now)
        queue.answers.append(Answer(self.now, bool(records), place.position < end))

    def take(self, limit: int) -> None:
        """Take all that may go now, `limit` at a time, and compare."""
        seen: list[Taken] = []
        while batch := self.merge.take(limit):
            assert len(batch) <= limit
            seen += [self.shown(item) for item in batch]
        wanted: list[Taken] = []
        while (taken := self.naive.next()) is not None:
            wanted.append(taken)
        assert seen == wanted

    def shown(self, item: Click | TakenPurchase | Rejected) -> Taken:
        offset = item.clicks_offset if isinstance(item, TakenPurchase) else None
        return item.source.topic, item.source.offset, offset

    def run(self, operation: tuple[str | int, ...]) -> None:
        match operation:
            case ("wait", int(steps)):
                self.now += steps * STEP / 1000
            case ("take", int(limit)):
                self.take(limit)
            case ("append", str(topic), int(time)):
                self.topics[topic].append(time * STEP if time >= 0 else None)
            case ("fetch", str(topic), int(limit)):
                self.fetch(topic, limit)


TOPICS = st.sampled_from(["clicks", "purchases"])
OPERATIONS = st.one_of(
    st.tuples(st.just("wait"), st.integers(1, 6)),
    st.tuples(st.just("take"), st.integers(1, 5)),
    st.tuples(st.just("append"), TOPICS, st.integers(-1, 12)),
    st.tuples(st.just("fetch"), TOPICS, st.integers(1, 4)),
)
FETCH_ALL: list[tuple[str | int, ...]] = [("fetch", "clicks", 99), ("fetch", "purchases", 99)]


@given(st.sampled_from([0, 500, 1000]), st.lists(OPERATIONS, max_size=40))
@example(
    1000,
    [
        ("fetch", "clicks", 1),
        ("append", "purchases", 1),
        ("wait", 1),
        ("fetch", "purchases", 1),
        ("wait", 3),
        ("append", "clicks", 1),
        ("fetch", "clicks", 1),
        ("take", 5),
        ("wait", 1),
        ("fetch", "clicks", 1),
        ("take", 5),
    ],
).via("a click that comes during the wait begins it anew")
@settings(max_examples=400, deadline=None)
def test_merge_takes_what_the_contract_says(
    wait_ms: int, operations: list[tuple[str | int, ...]]
) -> None:
    world = World(wait_ms)
    for operation in operations:
        world.run(operation)
    for _ in range(3):
        for last in [*FETCH_ALL, ("take", 3), ("wait", 8)]:
            world.run(last)
    assert not world.naive.clicks.waiting
    assert not world.naive.purchases.waiting


@given(
    st.sampled_from([0, 500, 1000]),
    st.lists(st.integers(-1, 20), max_size=25),
    st.lists(st.integers(-1, 20), max_size=25),
    st.lists(st.tuples(TOPICS, st.integers(1, 7)), max_size=20),
)
@settings(max_examples=200, deadline=None)
def test_order_of_what_lay_ready_is_the_same_however_it_is_fetched(
    wait_ms: int,
    clicks: list[int],
    purchases: list[int],
    fetches: list[tuple[str, int]],
) -> None:
    """All lay ready: fetched in any pieces, the merge is that of complete queues."""
    worlds = World(wait_ms), World(wait_ms)
    orders: list[list[Taken]] = []
    for world, pieces in zip(worlds, (fetches, []), strict=True):
        for topic, times in (("clicks", clicks), ("purchases", purchases)):
            for time in times:
                world.run(("append", topic, time))
        order: list[Taken] = []
        for fetch in [*pieces, *[("clicks", 99), ("purchases", 99)] * 3]:
            world.fetch(*fetch)
            while batch := world.merge.take(4):
                order += [world.shown(item) for item in batch]
            world.now += 2
        orders.append(order)
    valid = [[t for t in order if not is_refused(worlds[0], t)] for order in orders]
    assert [t[:2] for t in valid[0]] == [t[:2] for t in valid[1]]


def is_refused(world: World, taken: Taken) -> bool:
    return isinstance(world.topics[taken[0]].log[taken[1]], Rejected)
