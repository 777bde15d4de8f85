from decimal import Decimal

import pytest

from benchmarks.generate import partition_of
from benchmarks.latency import BASE, PARTITIONS, counts_in, percentiles, users_by_partition
from benchmarks.measure import RunFailedError


def test_a_sum_tells_the_number_of_purchases_of_each_partition() -> None:
    counts = [999, 0, 17, 240]
    total = sum(
        (n * Decimal(BASE**partition) / 1_000_000 for partition, n in enumerate(counts)), Decimal(0)
    )
    assert counts_in(total) == counts


def test_percentiles_are_by_nearest_rank() -> None:
    found = percentiles([n / 100 for n in range(100, 0, -1)], missing=2)
    assert (found.p50, found.p99, found.count, found.missing) == (0.5, 0.99, 100, 2)


def test_one_sample_is_all_percentiles() -> None:
    assert percentiles([0.25], 0).p99 == 0.25


def test_nothing_visible_is_an_error() -> None:
    with pytest.raises(RunFailedError, match="12 records"):
        percentiles([], 12)


def test_users_lie_in_their_partitions() -> None:
    users = users_by_partition(20)
    for partition in range(PARTITIONS):
        assert len(set(users[partition])) == 20
        assert {partition_of(user.encode(), PARTITIONS) for user in users[partition]} == {partition}
