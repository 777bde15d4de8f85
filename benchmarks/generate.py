"""The benchmark's data: seeded, skewed, slightly out of order, the same on every machine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import NamedTuple

from aiokafka.partitioner import murmur2

START_MS = 1_735_689_600_000
"""2025-01-01T00:00:00Z: far enough back that no event is ahead of its record's Kafka timestamp."""
SPAN_MS = 2 * 60 * 60 * 1000
MAX_DELAY_MS = 3_000
SKEW = 0.5
PAGES = 400
PRODUCTS = 10_000
ACTIONS = ("page_view", "search", "add_to_cart", "purchase")


class Click(NamedTuple):
    """One page view; `user` and `page` are indexes, `at` is in ms since the epoch."""

    user: int
    page: int
    at: int


class Purchase(NamedTuple):
    """One purchase; `user` and `product` are indexes, `cents` is the amount, `at` in ms."""

    user: int
    product: int
    cents: int
    at: int


class Keyed(NamedTuple):
    """One record ready to be produced."""

    partition: int
    key: bytes
    value: bytes


@dataclass(frozen=True)
class Shape:
    """How much to generate.

    `skew` is the exponent of the users' Zipf law (user number n is drawn with weight 1/n^skew);
    each record arrives a uniformly drawn 0 to `max_delay_ms` after its event time.
    """

    clicks: int = 1_000_000
    purchases: int = 200_000
    users: int = 50_000
    user_events: int = 0
    partitions: int = 4
    seed: int = 20_250_101
    skew: float = SKEW
    max_delay_ms: int = MAX_DELAY_MS

    @classmethod
    def of(cls, events: int) -> Shape:
        """Scale the default: 5 clicks to 1 purchase, 24 a user; and as many user events."""
        purchases = events // 6
        return cls(events - purchases, purchases, max(10, events // 24), events)


@dataclass(frozen=True)
class Dataset:
    """Clicks and purchases in order of arrival, which is their order in the topics."""

    shape: Shape
    clicks: list[Click]
    purchases: list[Purchase]
    homes: list[int]
    """The partition of each user."""

    def click_records(self) -> Iterator[Keyed]:
        """Encode the clicks as the contract has them (section 2)."""
        for user, page, at in self.clicks:
            name = user_id(user)
            value = f'{{"user_id":"{name}","page":"{page_path(page)}","timestamp":{seconds(at)}}}'
            yield Keyed(self.homes[user], name.encode(), value.encode())

    def purchase_records(self) -> Iterator[Keyed]:
        """Encode the purchases as the contract has them (section 2)."""
        for user, product, cents, at in self.purchases:
            name = user_id(user)
            value = (
                f'{{"user_id":"{name}","product_id":"{product_id(product)}",'
                f'"amount":{cents // 100}.{cents % 100:02d},"timestamp":{seconds(at)}}}'
            )
            yield Keyed(self.homes[user], name.encode(), value.encode())

    def first(self, events: int) -> Dataset:
        """Return what arrived first: `events` records in the same proportion."""
        purchases = events // 6
        return Dataset(
            self.shape, self.clicks[: events - purchases], self.purchases[:purchases], self.homes
        )

    def ends(self, records: list[Click] | list[Purchase]) -> dict[int, int]:
        """Count the records of each partition: the end offsets of their topic."""
        counts = dict.fromkeys(range(self.shape.partitions), 0)
        for record in records:
            counts[self.homes[record.user]] += 1
        return counts


def generate(shape: Shape) -> Dataset:
    """Draw the data set of `shape`; the same shape gives the same data everywhere."""
    draw = random.Random(shape.seed)
    weights = list(accumulate((n + 1) ** -shape.skew for n in range(shape.users)))
    clicks = [
        Click(user, int(draw.random() * PAGES), at)
        for user, at in _arrivals(draw, weights, shape, shape.clicks)
    ]
    purchases = [
        Purchase(user, int(draw.random() * PRODUCTS), 100 + int(draw.random() * 20_000), at)
        for user, at in _arrivals(draw, weights, shape, shape.purchases)
    ]
    homes = [partition_of(user_id(n).encode(), shape.partitions) for n in range(shape.users)]
    return Dataset(shape, clicks, purchases, homes)


def user_event_records(data: Dataset) -> Iterator[Keyed]:
    """Draw and encode `shape.user_events` user events; about half of them have a `value`."""
    shape = data.shape
    draw = random.Random(shape.seed + 1)
    weights = list(accumulate((n + 1) ** -shape.skew for n in range(shape.users)))
    for user, at in _arrivals(draw, weights, shape, shape.user_events):
        name = user_id(user)
        action = ACTIONS[int(draw.random() * len(ACTIONS))]
        cents = int(draw.random() * 20_000)
        extra = f',"value":{cents // 100}.{cents % 100:02d}' if draw.random() < 0.5 else ""
        value = f'{{"user_id":"{name}","action":"{action}","timestamp":{seconds(at)}{extra}}}'
        yield Keyed(data.homes[user], name.encode(), value.encode())


def even_user_events(count: int, users: int, partitions: int) -> Iterator[Keyed]:
    """Encode `count` user events in 10 minutes, of `users` users in turn, each with a value."""
    draw = random.Random(count + users)
    span = 10 * 60 * 1000
    times = [START_MS + number * span // count for number in range(count)]
    arrivals = sorted(
        (at + draw.random() * MAX_DELAY_MS, number) for number, at in enumerate(times)
    )
    for _, number in arrivals:
        name = user_id(number % users)
        value = (
            f'{{"user_id":"{name}","action":"{ACTIONS[number % len(ACTIONS)]}",'
            f'"timestamp":{seconds(times[number])},"value":{number % 1000}.5}}'
        )
        yield Keyed(partition_of(name.encode(), partitions), name.encode(), value.encode())


def _arrivals(
    draw: random.Random, weights: list[float], shape: Shape, count: int
) -> Iterator[tuple[int, int]]:
    """Draw (user, event time), ordered by arrival."""
    users = draw.choices(range(shape.users), cum_weights=weights, k=count)
    arrivals = []
    for user in users:
        at = START_MS + int(draw.random() * SPAN_MS)
        arrivals.append((at + int(draw.random() * shape.max_delay_ms), at, user))
    arrivals.sort()
    return ((user, at) for _, at, user in arrivals)


def user_id(user: int) -> str:
    """Name user number `user`."""
    return f"user-{user:06d}"


def page_path(page: int) -> str:
    """Name page number `page`."""
    return f"/shop/page-{page}"


def product_id(product: int) -> str:
    """Name product number `product`."""
    return f"product-{product}"


def seconds(at: int) -> str:
    """Write milliseconds since the epoch as seconds with three decimals."""
    return f"{at // 1000}.{at % 1000:03d}"


def partition_of(key: bytes, partitions: int) -> int:
    """Return the partition that Kafka's default partitioner gives `key` (murmur2)."""
    return int((murmur2(key) & 0x7FFFFFFF) % partitions)
