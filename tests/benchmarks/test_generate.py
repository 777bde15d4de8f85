import json
from collections import Counter

import pytest

from app.producer.partitioners import by_key
from benchmarks.generate import (
    MAX_DELAY_MS,
    SPAN_MS,
    START_MS,
    Shape,
    generate,
    seconds,
    user_event_records,
    user_id,
)
from models.codec import decode_clicks, decode_purchases, decode_user_events
from models.dead_letters import Rejected
from tests.oracle.records import Record

SHAPE = Shape(clicks=5_000, purchases=1_000, users=300, user_events=2_000)


def test_the_same_shape_gives_the_same_bytes() -> None:
    first, second = generate(SHAPE), generate(SHAPE)
    assert list(first.click_records()) == list(second.click_records())
    assert list(first.purchase_records()) == list(second.purchase_records())
    assert list(user_event_records(first)) == list(user_event_records(second))


def test_another_seed_gives_other_data() -> None:
    other = Shape(clicks=5_000, purchases=1_000, users=300, seed=1)
    assert generate(SHAPE).clicks != generate(other).clicks


def test_numbers_and_times_are_as_asked() -> None:
    data = generate(SHAPE)
    assert (len(data.clicks), len(data.purchases)) == (5_000, 1_000)
    assert len(list(user_event_records(data))) == 2_000
    times = [click.at for click in data.clicks] + [purchase.at for purchase in data.purchases]
    assert START_MS <= min(times) <= max(times) < START_MS + SPAN_MS
    assert {click.user for click in data.clicks} <= set(range(300))


def test_records_are_out_of_order_by_at_most_three_seconds() -> None:
    times = [click.at for click in generate(SHAPE).clicks]
    newest, behind = 0, []
    for at in times:
        newest = max(newest, at)
        behind.append(newest - at)
    assert 0 < max(behind) <= MAX_DELAY_MS


def test_users_are_skewed() -> None:
    counts = Counter(click.user for click in generate(SHAPE).clicks)
    assert counts[0] > 5 * (counts[298] + counts[299]) / 2


def test_keys_are_user_ids_in_murmur2_partitions() -> None:
    for record in generate(SHAPE).click_records():
        assert record.key.decode() == json.loads(record.value)["user_id"]
        assert record.partition == by_key(record.key, 4)


@pytest.mark.parametrize(
    ("at", "text"), [(1_735_689_600_123, "1735689600.123"), (1_735_689_600_007, "1735689600.007")]
)
def test_times_are_seconds_with_milliseconds(at: int, text: str) -> None:
    assert seconds(at) == text


def test_the_first_events_keep_the_proportion_and_the_order() -> None:
    data = generate(SHAPE)
    first = data.first(600)
    assert first.clicks == data.clicks[:500]
    assert first.purchases == data.purchases[:100]
    assert sum(first.ends(first.clicks).values()) == 500


def test_half_of_the_user_events_have_a_value() -> None:
    values = [json.loads(record.value) for record in user_event_records(generate(SHAPE))]
    share = sum("value" in value for value in values) / len(values)
    assert 0.4 < share < 0.6


def test_users_are_named_by_number() -> None:
    assert user_id(7) == "user-000007"


def test_every_record_is_valid_by_the_contract() -> None:
    data = generate(SHAPE)
    now = START_MS + SPAN_MS
    for decode, records in (
        (decode_clicks, data.click_records()),
        (decode_purchases, data.purchase_records()),
        (decode_user_events, user_event_records(data)),
    ):
        stored = [Record("t", r.partition, 0, now, r.key, r.value) for r in records]
        assert not [event for event in decode(stored, 60_000) if isinstance(event, Rejected)]
