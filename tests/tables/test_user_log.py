"""Recent clicks and enriched purchases against lists: what is found, and that all is dropped."""

from itertools import chain

from hypothesis import given, settings
from hypothesis import strategies as st

from tables import enriched_purchases, recent_clicks
from tables.enriched_purchases import ENRICHED, ENRICHED_EXPIRY, ENRICHED_PARTS, EnrichedPurchases
from tables.log_rows import SOME
from tables.recent_clicks import CLICK_PARTS, CLICKS, CLICKS_EXPIRY, ITEM_BYTES, RecentClicks
from tables.rules import MINUTE, SECOND, Rules
from tables.user_log import PART_BYTES
from tests.tables.making import Stored

RULES = Rules()
BASE = 1_471_824_000_000
USERS = ("a", "b@", "ü")
EVENTS = st.lists(
    st.tuples(
        st.sampled_from(USERS),
        st.integers(-15, 12),
        st.sampled_from(["/p", "x" * 3000]),
        st.sampled_from(["", "commit", "sweep", "rollback", "restart"]),
    ),
    max_size=60,
)
"""(user, minutes by which time moves, page, what comes after)."""


class Clicks:
    """Recent clicks and the list that they must be."""

    def __init__(self) -> None:
        self.stored = Stored(cache_rows=1)
        self.now = 0
        self.kept: list[tuple[str, int, int, str]] = []
        self.open()

    def open(self) -> None:
        rows = self.stored.rows
        self.clicks = RecentClicks(rows(CLICKS), rows(CLICK_PARTS), rows(CLICKS_EXPIRY), RULES)

    def add(self, user: str, time: int, offset: int, page: str) -> None:
        self.now = max(self.now, time)
        if self.now - time <= RULES.click_keep:
            item = (time, offset, page)
            self.clicks.append(user, item, len(page) + ITEM_BYTES, self.now)
            self.kept.append((user, time, offset, page))

    def after(self, what: str) -> None:
        if what == "rollback":
            self.stored.savepoint()
            before, now = list(self.kept), self.now
            for offset in range(200):
                self.add(USERS[0], self.now, 10**6 + offset, "/taken back" * 20)
            self.kept, self.now = before, now
            self.stored.rollback()
        if what in ("sweep", "restart"):
            self.clicks.sweep(self.now)
        if what in ("commit", "sweep", "restart"):
            self.stored.commit()
        if what == "restart":
            store, self.stored = self.stored.store, Stored(cache_rows=1)
            self.stored.store = store
            self.open()

    def check(self, user: str, time: int) -> None:
        low = max(time - RULES.join_window, self.now - RULES.click_keep)
        mine = sorted(c[1:] for c in self.kept if c[0] == user and low <= c[1] <= time)
        seen = self.clicks.pages_before(user, time, self.now)
        assert seen == [page for _, _, page in mine][-RULES.max_pages :]

    def check_view(self, user: str) -> None:
        store = self.stored.store
        rows, parts = CLICKS.reader(store), CLICK_PARTS.reader(store)
        low = self.now - RULES.join_window
        wanted = sorted(c[1:] for c in self.kept if c[0] == user and low <= c[1] <= self.now)
        lists = list(recent_clicks.view(rows, parts, user, self.now, RULES))
        assert list(chain.from_iterable(lists)) == wanted
        assert all(0 < len(some) <= SOME for some in lists)


@given(EVENTS, st.sampled_from([1, 40]))
@settings(max_examples=150, deadline=None)
def test_clicks_are_found_kept_and_dropped(
    events: list[tuple[str, int, str, str]], burst: int
) -> None:
    clicks, time = Clicks(), BASE
    for number, (user, minutes, page, what) in enumerate(events):
        time += minutes * MINUTE // 2
        for more in range(burst):
            clicks.add(user, time + more % 7 * SECOND, number * burst + more, page)
        clicks.after(what)
        clicks.check(user, time + 3 * SECOND)
        clicks.check(user, clicks.now)
    clicks.after("commit")
    for user in USERS:
        clicks.check_view(user)
    clicks.now += 24 * 60 * MINUTE
    for _ in range(3):
        clicks.after("sweep")
    assert clicks.stored.count(CLICKS, CLICK_PARTS, CLICKS_EXPIRY) == 0


@given(EVENTS, st.integers(1, 20))
@settings(max_examples=100, deadline=None)
def test_enriched_purchases_are_found_kept_and_dropped(
    events: list[tuple[str, int, str, str]], limit: int
) -> None:
    stored, now, time = Stored(cache_rows=1), 0, BASE
    rows = stored.rows
    table = EnrichedPurchases(rows(ENRICHED), rows(ENRICHED_PARTS), rows(ENRICHED_EXPIRY), RULES)
    kept: list[tuple[str, int, int]] = []
    for number, (user, minutes, page, what) in enumerate(events):
        time += minutes * MINUTE
        now = max(now, time)
        table.add(user, (time, number, "i", 1, [page]), len(page), now)
        kept.append((user, time, number))
        if what:
            table.sweep(now)
            stored.commit()
    stored.commit()
    for user in USERS:
        readers = ENRICHED.reader(stored.store), ENRICHED_PARTS.reader(stored.store)
        seen = enriched_purchases.view(*readers, user, now, RULES, limit)
        mine = sorted(k[1:] for k in kept if k[0] == user and now - k[1] <= RULES.retention)
        assert [item[:2] for item in seen] == mine[::-1][:limit]
    for _ in range(3):
        table.sweep(now + 48 * 60 * MINUTE)
        stored.commit()
    assert stored.count(ENRICHED, ENRICHED_PARTS, ENRICHED_EXPIRY) == 0


def test_no_row_grows_with_the_number_or_the_size_of_events() -> None:
    """Rule 12: some 10 KB, and at most one item over."""
    clicks = Clicks()
    for offset in range(5000):
        clicks.add("a", BASE, offset, "/page/of/some/length")
    for offset in range(5000, 5040):
        clicks.add("a", BASE, offset, "y" * 8000)
    clicks.add("a", BASE, 6000, "z" * 100_000)
    clicks.stored.commit()
    sizes = [len(value) for _, value in clicks.stored.store.scan(b"\x00", b"\xff")]
    assert sorted(sizes)[-2] < 20_000
    assert sorted(sizes)[-1] < 101_000, "an item of its own size, alone in its row"
    assert len(clicks.clicks.pages_before("a", BASE, BASE)) == RULES.max_pages


def test_what_a_busy_user_costs_does_not_grow_with_what_is_kept() -> None:
    """A click a second for an hour, each committed: bytes written for each, rows and parts."""
    stored, now = Stored(cache_rows=1), BASE
    rows = stored.rows
    clicks = RecentClicks(rows(CLICKS), rows(CLICK_PARTS), rows(CLICKS_EXPIRY), RULES)
    written, largest = list[int](), 0
    for number in range(3600):
        now += SECOND
        clicks.append(USERS[0], (now, number, f"/{number}"), 40, now)
        changes = [*rows(CLICKS).changes(), *rows(CLICK_PARTS).changes()]
        written.append(sum(len(data or b"") for _, data in changes))
        largest = max(largest, *(len(data or b"") for _, data in changes))
        stored.commit()
    assert largest <= PART_BYTES
    middle, end = sum(written[900:1800]), sum(written[2700:])
    assert stored.count(CLICKS, CLICK_PARTS) < 30
    assert end < middle * 1.1
    assert end / 900 < 600
