"""Fuzzed records are the seed's, of all sizes; what the service calls too large has to be so."""

import random

from tests.chaos.fuzz import FITS, LARGEST, fuzzed, not_large, size, too_large
from tests.oracle.records import DEAD, ENRICHED, Record
from tests.support.service import Message

BASE: Message = ("clicks", 0, b"u1", b'{"user_id": "u1", "page": "/", "timestamp": 5}', None)
NAMES = {DEAD: "dead", ENRICHED: "enriched"}


def made(seed: int, count: int) -> list[bytes]:
    dice = random.Random(seed)
    return [fuzzed(BASE, dice)[0][3] or b"" for _ in range(count)]


def test_the_seed_tells_what_is_written() -> None:
    assert made(1, 20) == made(1, 20) != made(2, 20)


def test_sizes_go_from_a_kilobyte_to_what_is_largest() -> None:
    dice = random.Random(1)
    sizes = [size(dice) for _ in range(20_000)]
    assert min(sizes) < 2048
    assert LARGEST / 2 < max(sizes) <= LARGEST
    assert sum(sizes) / len(sizes) < 1 << 18


def dead(source: int, error: str, topic: str = "dead") -> Record:
    headers = (
        ("error.type", error.encode()),
        ("source.topic", b"clicks"),
        ("source.partition", b"0"),
        ("source.offset", b"%d" % source),
    )
    return Record(topic, 0, source, 0, b"u1", b"", headers)


def test_what_was_too_large_is_read_from_the_dead_letters() -> None:
    outputs = [dead(1, "too-large"), dead(2, "not-json"), dead(3, "too-large", "enriched")]
    assert too_large(outputs, NAMES) == {("clicks", 0, 1): "too-large"}


def test_a_small_record_cannot_be_too_large() -> None:
    large = Record("clicks", 0, 1, 0, b"u1", b"x" * FITS)
    small = Record("clicks", 0, 2, 0, b"u1", b"x" * 1000)
    found = not_large([large.position, small.position], [large, small])
    assert found == ["fuzz:not-large: ('clicks', 0, 2) of 1002 bytes"]
