"""Windows: their arithmetic, and the revenue kept in them against plain sums."""

from collections import defaultdict

from hypothesis import given, settings
from hypothesis import strategies as st

from tables import revenue
from tables.revenue import MERGED, PARTIAL, SOURCES, MergedRevenue, PartialRevenue
from tables.rules import MINUTE, Rules
from tables.undo import Changed, StreamTime
from tables.windows import Hopping, Tumbling, is_closed, is_dropped
from tests.tables.making import Stored

BASE = 1_471_824_000_000
SIZE = 5 * MINUTE
MOVES = st.lists(st.tuples(st.integers(0, 2), st.integers(-9 * 60, 8 * 60)), max_size=60)
"""(user or partition, seconds by which event time moves)."""


@given(st.integers(0, 2**42), st.integers(1, 10**7))
def test_a_window_holds_its_start_and_not_its_end(time: int, size: int) -> None:
    window = Tumbling(size)
    start = window.start(time)
    assert start % size == 0
    assert start <= time <= window.last(start) < window.end(start)
    assert window.start(window.end(start)) == window.end(start)


@given(st.integers(0, 2**42), st.integers(1, 10**6), st.integers(1, 40))
def test_hopping_windows_are_those_that_hold_the_time(time: int, step: int, most: int) -> None:
    for size in (step, step * most, step * most + step // 2):
        window = Hopping(size, step)
        starts = window.starts(time)
        assert all(start % step == 0 and start <= time < window.end(start) for start in starts)
        assert starts[-1] + step > time
        assert starts[0] == 0 or window.end(starts[0] - step) <= time
        assert Tumbling(size).starts(time) == range(
            time - time % size, time - time % size + 1, size
        )


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**4), st.integers(0, 10**4))
def test_a_window_closes_when_the_grace_is_over(
    last: int, stream_time: int, grace: int, retention: int
) -> None:
    assert is_closed(last, last + grace + 1, grace)
    assert not is_closed(last, last + grace, grace)
    assert is_dropped(last, last + grace + retention + 1, grace, retention)
    assert not is_dropped(last, last + grace + retention, grace, retention)
    if is_dropped(last, stream_time, grace, retention):
        assert is_closed(last, stream_time, grace)


class Shop:
    """Three source partitions and the owner of all windows; messages between them as in Kafka."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self.stored = [Stored(cache_rows=1) for _ in range(4)]
        self.changed: list[Changed[int]] = [Changed() for _ in range(4)]
        self.times = [StreamTime("revenue") for _ in range(3)]
        self.told = [-1] * 3
        self.partials = [
            PartialRevenue(self.stored[n].rows(PARTIAL), self.times[n], self.changed[n], n, rules)
            for n in range(3)
        ]
        rows = self.stored[3].rows
        self.merged = MergedRevenue(rows(MERGED), rows(SOURCES), self.changed[3], 3, rules)
        self.sums: dict[int, list[int]] = defaultdict(lambda: [0, 0])

    def purchase(self, number: int, time: int, amount: int) -> None:
        late = self.partials[number].add(time, amount)
        start = time - time % SIZE
        closed = self.times[number].value - (start + SIZE - 1) > self.rules.grace
        assert (late is not None) == closed
        if late is None:
            self.sums[start][0] += amount
            self.sums[start][1] += 1

    def commit(self, number: int) -> None:
        """As the agents do: changed sums, then the stream time where it has closed a window."""
        partial = self.partials[number]
        for start in self.changed[number]:
            self.merged.partial(number, start, *partial.partial(start))
        if partial.closes() != self.told[number]:
            self.merged.stream_time(number, self.times[number].value)
            self.told[number] = partial.closes()
        partial.sweep()
        for store, changed in ((number, number), (3, 3)):
            self.stored[store].commit()
            self.changed[changed].committed()


@given(MOVES, st.sampled_from([0, 60]))
@settings(max_examples=150, deadline=None)
def test_revenue_in_two_stages_is_the_sum_over_all(
    moves: list[tuple[int, int]], grace: int
) -> None:
    shop, times = Shop(Rules(grace=grace * 1000)), [BASE] * 3
    for number, (source, seconds) in enumerate(moves):
        times[source] += seconds * 1000
        shop.purchase(source, times[source], number)
        if number % 3 == 0:
            shop.commit(number // 3 % 3)
    for source in range(3):
        shop.commit(source)
    store = shop.stored[3].store
    readers = MERGED.reader(store), SOURCES.reader(store)
    seen = revenue.view(*readers, shop.rules, 0, 2**60, 1000)
    assert {w.start: [w.revenue, w.purchases] for w in seen} == shop.sums
    assert [w.start for w in seen] == sorted(shop.sums, reverse=True)
    known = [time.value for time in shop.times if time.value >= 0]
    for window in seen:
        assert window.end == window.start + SIZE
        last = window.start + SIZE - 1
        assert window.closed == (min(known) - last > shop.rules.grace)
    for number, time in enumerate(shop.times):
        shop.commit(number)
        still_open = [s for s in shop.sums if not is_closed(s + SIZE - 1, time.value, grace * 1000)]
        assert shop.stored[number].count(PARTIAL) <= len(still_open)
