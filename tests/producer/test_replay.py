import asyncio
import gzip
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.errors import SettingError, UserError
from app.producer import ReplayOptions, ReplayResult, by_key, replay
from app.producer.bulk import LARGEST_RECORD
from tests.producer.support import LONG, Record, new_topic, patient, records_in
from tests.support.kafka import Kafka

NOW = 2_000_000_000.0


@dataclass
class Shop:
    """Input topics of a test's own, of one partition, and replays into them."""

    bootstrap: str
    names: Mapping[str, str]
    problems: list[str] = field(default_factory=list)

    async def replay(self, *files: Path, **options: Any) -> ReplayResult:  # noqa: ANN401
        chosen = ReplayOptions(names=self.names, **options)
        async with patient(self.bootstrap, now=lambda: NOW) as producer:
            return await replay(files, producer, chosen, on_problem=self.problems.append)

    async def records(self, topic: str) -> list[Record]:
        return await records_in(self.bootstrap, self.names[topic])

    async def events(self, topic: str) -> list[Any]:
        return [json.loads(record.value) for record in await self.records(topic)]


@pytest.fixture
async def shop(kafka: Kafka) -> Shop:
    topics = ("clicks", "purchases", "user-events")
    return Shop(
        kafka.bootstrap,
        {topic: await new_topic(kafka.bootstrap, 1, name=topic) for topic in topics},
    )


def written(path: Path, *events: object) -> Path:
    path.write_bytes(b"".join(_line(event) + b"\n" for event in events))
    return path


def _line(event: object) -> bytes:
    return event if isinstance(event, bytes) else json.dumps(event).encode()


def click(time: object, user: str = "u") -> dict[str, object]:
    return {"user_id": user, "page": f"/{time}", "timestamp": time}


def purchase(time: object, amount: object = 1.5) -> dict[str, object]:
    return {
        "user_id": "u",
        "product_id": "p",
        "amount": amount,
        "timestamp": time,
        "session_id": "s",
    }


async def test_lines_are_sent_as_they_are_keyed_by_user(shop: Shop, tmp_path: Path) -> None:
    odd = b'{ "user_id" : "u","page":1e2, "timestamp":  7.50, "amount": null }'
    result = await shop.replay(written(tmp_path / "my-clicks.json", odd, click(8, "ü")))
    assert [(record.key, record.value) for record in await shop.records("clicks")] == [
        (b"u", odd),
        ("ü".encode(), _line(click(8, "ü"))),
    ]
    assert (result.total, result.bad, result.first_ms, result.last_ms) == (2, 0, 7_500, 8_000)


async def test_files_are_merged_by_time_and_each_keeps_its_order(
    shop: Shop, tmp_path: Path
) -> None:
    one = written(tmp_path / "clicks-1", *map(click, (10, 40, 30, 60)))
    two = written(tmp_path / "clicks-2.gz", *map(click, (20, 50, "x", 70)))
    two.write_bytes(gzip.compress(two.read_bytes()))
    result = await shop.replay(two, one)
    times = [event["timestamp"] for event in await shop.events("clicks")]
    assert times == [10, 20, 40, 30, 50, "x", 60, 70]
    assert result.sent == {shop.names["clicks"]: 8}


async def test_a_bad_line_is_reported_with_its_number_and_the_rest_is_sent(
    shop: Shop, tmp_path: Path
) -> None:
    too_large = {"user_id": "u", "page": "x" * 1_100_000, "timestamp": 2}
    path = written(
        tmp_path / "clicks",
        *(click(1), b"oops", b"", b"[1]", {"user_id": 5}, {"page": "/"}, too_large, click(3)),
    )
    result = await shop.replay(path)
    assert [event["timestamp"] for event in await shop.events("clicks")] == [1, 3]
    assert (result.total, result.bad) == (2, 5)
    numbers = [line.removeprefix(f"{path}:").split(":")[0] for line in shop.problems]
    assert numbers == ["2", "4", "5", "6", "7"]
    assert "not JSON" in shop.problems[0]
    assert "no user_id" in shop.problems[3]


async def test_a_missing_time_is_now(shop: Shop, tmp_path: Path) -> None:
    await shop.replay(written(tmp_path / "clicks", {"user_id": "u"}, click(None)))
    assert [event["timestamp"] for event in await shop.events("clicks")] == [NOW, None]


async def test_shift_to_now_keeps_distances_and_all_else(shop: Shop, tmp_path: Path) -> None:
    clicks = written(tmp_path / "clicks", click(100.25), click(1_470_000_000_000), click("soon"))
    purchases = written(tmp_path / "purchases", purchase(1_470_000_030.5, None))
    result = await shop.replay(clicks, purchases, shift_to_now=True)
    moved = [event["timestamp"] for event in await shop.events("clicks")]
    assert moved == [pytest.approx(NOW - 1_469_999_930.25), NOW - 30.5, "soon"]
    assert await shop.events("purchases") == [purchase(NOW, None)]
    assert result.last_ms == NOW * 1000


async def test_clicks_and_priced_purchases_are_mirrored(shop: Shop, tmp_path: Path) -> None:
    clicks = written(tmp_path / "clicks", click(1), click(4))
    purchases = written(tmp_path / "purchases", purchase(2), purchase(3, None))
    result = await shop.replay(clicks, purchases, mirror_user_events=True, shift_ms=1_000)
    assert await shop.events("user-events") == [
        {"user_id": "u", "action": "page_view", "timestamp": 2.0, "page": "/1"},
        {"user_id": "u", "action": "purchase", "timestamp": 3.0, "value": 1.5, "session_id": "s"},
        {"user_id": "u", "action": "page_view", "timestamp": 5.0, "page": "/4"},
    ]
    assert list(result.sent.values()) == [2, 2, 3]
    assert len(await shop.events("purchases")) == 2


async def test_a_line_without_a_possible_user_event_is_sent_without_it(
    shop: Shop, tmp_path: Path
) -> None:
    large = b'{"user_id":"u","page":"%s","timestamp":3}' % (b"x" * (LARGEST_RECORD - 40))
    assert LARGEST_RECORD - 5 <= len(large) < LARGEST_RECORD
    lines = (b'{"user_id":"u","page":"\xff","timestamp":2}', large, _line(click(5)))
    odd = b'{"user_id":"u","amount":1e999,"timestamp":4}'
    clicks = written(tmp_path / "clicks", *lines)
    purchases = written(tmp_path / "purchases", purchase(1), odd)
    result = await shop.replay(clicks, purchases, mirror_user_events=True)
    assert [record.value for record in await shop.records("clicks")] == list(lines)
    assert [record.value for record in await shop.records("purchases")][1] == odd
    assert [event["timestamp"] for event in await shop.events("user-events")] == [1, 5]
    assert (list(result.sent.values()), result.bad) == ([3, 2, 2], 3)
    places = (f"{clicks}:1", f"{clicks}:2", f"{purchases}:2")
    for place, problem in zip(places, shop.problems[:3], strict=True):
        assert problem.startswith(f"{place}: sent without its user event: ")
    assert [problem.split(" (")[0] for problem in shop.problems[3:]] == [
        f"{path}: sent, and will be a dead letter" for path in (f"{purchases}:2", f"{clicks}:1")
    ]
    assert result.refused == {"not-json": 1, "missing-field": 1}


async def test_limit_from_and_until_select(shop: Shop, tmp_path: Path) -> None:
    path = written(tmp_path / "clicks", *map(click, range(10)))
    await shop.replay(path, limit=2, from_ms=3_000, until_ms=8_000)
    await shop.replay(path, from_ms=8_000)
    assert [event["timestamp"] for event in await shop.events("clicks")] == [3, 4, 8, 9]


async def test_a_speed_sends_what_is_due_before_it_waits(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "clicks", click(0), click(600), click(600), click(1_200))
    waits: list[float] = []

    async def no_pause(seconds: float, *_: object) -> None:
        waits.append(seconds)
        async with asyncio.timeout(LONG):
            while len(await shop.records("clicks")) < len(waits):
                continue

    monkeypatch.setattr("app.producer.replaying.pause", no_pause)
    await shop.replay(path, speed=1)
    # Nothing really waits here, so the second 600 is still to be waited for.
    assert [math.ceil(seconds / 600) for seconds in waits] == [1, 1, 2]
    assert [event["timestamp"] for event in await shop.events("clicks")] == [0, 600, 600, 1_200]


async def test_a_speed_does_not_wait_for_events_without_a_time(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    start = 1_470_000_000
    times = (None, start, "soon", start + 60)
    waits: list[float] = []

    async def no_pause(seconds: float, *_: object) -> None:
        waits.append(seconds)

    monkeypatch.setattr("app.producer.replaying.pause", no_pause)
    await shop.replay(written(tmp_path / "clicks", *map(click, times)), speed=1)
    assert [math.ceil(seconds / 60) for seconds in waits] == [1]
    assert [event["timestamp"] for event in await shop.events("clicks")] == list(times)


async def test_a_truncated_gzip_is_reported_with_what_was_sent(shop: Shop, tmp_path: Path) -> None:
    path = tmp_path / "clicks.gz"
    lines = b"".join(_line(click(time)) + b"\n" for time in range(20_000))
    path.write_bytes(gzip.compress(lines)[:20_000])
    whole = written(tmp_path / "purchases", purchase(30_000))
    result = await shop.replay(path, whole)
    sent = await shop.events("clicks")
    assert 0 < len(sent) < 20_000
    assert sent == [click(time) for time in range(len(sent))]
    assert len(await shop.events("purchases")) == 1
    assert result.sent[shop.names["clicks"]] == len(sent)
    assert result.damaged == (f"{path} ends in the middle (truncated gzip)",)
    assert shop.problems == list(result.damaged)


async def test_nothing_is_sent_when_a_file_is_missing(shop: Shop, tmp_path: Path) -> None:
    there = written(tmp_path / "clicks", click(1))
    with pytest.raises(UserError, match="No such file") as caught:
        await shop.replay(there, tmp_path / "purchases")
    assert caught.value.exit_status == 1
    nameless = written(tmp_path / "data", click(1))
    with pytest.raises(SettingError, match="give --topic"):
        await shop.replay(there, nameless)
    assert await shop.records("clicks") == []


async def test_all_partitions_take_part(kafka: Kafka, tmp_path: Path) -> None:
    topic = await new_topic(kafka.bootstrap, 8)
    path = written(tmp_path / "clicks", *(click(n, f"u{n % 500}") for n in range(5_000)))
    async with patient(kafka.bootstrap, compression="lz4") as producer:
        await replay([path], producer, ReplayOptions(names={"clicks": topic}))
    records = await records_in(kafka.bootstrap, topic)
    assert {record.partition for record in records} == set(range(8))
    assert all(record.partition == by_key(record.key, 8) for record in records)
