"""Counts, averages and sessions of a user over HTTP, for the shop that is worked out by hand."""

from decimal import Decimal

import pytest

from tests.oracle.exact_numbers import partition_of
from tests.web.asking import Asker, user_path
from tests.web.shop import ANN, BOB, PARTITIONS, T0, at


async def test_event_counts(asker: Asker, names: dict[str, str]) -> None:
    windows = [
        {"start": at(0), "end": at(300), "count": 2, "closed": True},
        {"start": at(300), "end": at(600), "count": 1, "closed": True},
        {"start": at(600), "end": at(900), "count": 1, "closed": False},
    ]
    reply = await asker.user(ANN, "event-counts")
    assert reply.json["windows"] == windows
    assert reply.json["as_of"] == at(700)
    assert reply.json["offsets"] == {names["user-events"]: 4}


@pytest.mark.parametrize(
    ("query", "starts"),
    [
        (f"from={T0 + 300}&to={T0 + 600}", [300]),
        (f"from={T0 + 299.999}&to={T0 + 300.001}", [0, 300]),
        ("from=2016-08-01T09:05:00%2B02:00&to=2016-08-01T07:10:00.000Z", [300]),
        ("from=2016-08-01T09:05:00+02:00", [300, 600]),
        (f"to={T0}", []),
        (f"from={T0 + 100}&to={T0 + 100}", []),
        (f"from=-1e9&to={T0 + 1}", [0]),
        ("unknown=1", [0, 300, 600]),
    ],
)
async def test_a_range_of_event_counts(asker: Asker, query: str, starts: list[int]) -> None:
    reply = await asker.get(user_path(ANN, "event-counts") + "?" + query)
    assert [window["start"] for window in reply.json["windows"]] == [at(s) for s in starts]


async def test_hopping_counts(asker: Asker, names: dict[str, str]) -> None:
    reply = await asker.get(user_path(ANN, "hopping-counts") + f"?from={T0 + 600}")
    assert reply.json["windows"] == [
        {"start": at(start), "end": at(start + 600), "count": count, "closed": False}
        for start, count in ((120, 3), (240, 3), (360, 1), (480, 1), (600, 1))
    ]
    assert reply.json["as_of"] == at(700)
    assert reply.json["offsets"] == {names["user-events"]: 4}
    whole = (await asker.user(ANN, "hopping-counts")).json["windows"]
    assert whole[0]["start"] == "2016-08-01T06:52:00.000Z"
    assert [w["closed"] for w in whole] == [True] * 5 + [False] * 5


async def test_moving_average(asker: Asker, names: dict[str, str]) -> None:
    reply = await asker.user(ANN, "moving-average")
    assert reply.json == {
        "user_id": ANN,
        "partition": partition_of(ANN.encode(), PARTITIONS),
        "as_of": at(299),
        "offsets": {names["user-events"]: 4},
        "average": Decimal("3.25"),
        "count": 2,
        "start": "2016-08-01T06:54:59.000Z",
        "end": at(299),
    }
    none = (await asker.user(BOB, "moving-average")).json
    assert [none[name] for name in ("average", "count", "start", "end")] == [None, 0, None, None]


async def test_sessions(asker: Asker, names: dict[str, str]) -> None:
    reply = await asker.user(ANN, "sessions")
    assert reply.json["sessions"] == [{"start": at(0), "end": at(700), "count": 4, "closed": False}]
    assert reply.json["as_of"] == at(700)
    assert reply.json["offsets"] == {names["user-events"]: 4}
