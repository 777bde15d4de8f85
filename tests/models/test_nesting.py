"""Depth of nesting, compared with counting bracket by bracket."""

import json
import random

import pytest

from models.nesting import deeper_than


def depth(value: object) -> int:
    deepest, left = 0, [(value, 1)]
    while left:
        found, level = left.pop()
        if isinstance(found, dict | list):
            deepest = max(deepest, level)
            inner = found.values() if isinstance(found, dict) else found
            left += [(one, level + 1) for one in inner]
    return deepest


def chain(rng: random.Random, levels: int, inmost: object) -> object:
    value = inmost
    for _ in range(levels):
        value = rng.choice([[value], {"a": value}, [1, value, '"]'], {"[": "\\", "b": value}])
    return value


@pytest.mark.parametrize("seed", range(200))
def test_depth_is_that_of_the_parsed_value(seed: int) -> None:
    rng = random.Random(seed)
    texts = ["]", "[[[", '"', "\\", '\\"]', "}}{", "x"]
    value: object = [
        chain(rng, rng.randrange(12), rng.choice([rng.choice(texts), {}, [], 1]))
        for _ in range(rng.randrange(60))
    ]
    value = chain(rng, rng.randrange(12), value)
    encoded = json.dumps(value, ensure_ascii=False).encode()
    true = depth(value)
    for levels in (1, 2, true - 1, true, true + 1, 128):
        if levels > 0:
            assert deeper_than(levels, encoded) == (true > levels)


@pytest.mark.parametrize("levels", [127, 128, 129, 130, 1000, 100_000])
@pytest.mark.parametrize("beside", [b"", b"[]," * 5000, b"[[[]]]," * 300, b'"]]]]",' * 100])
def test_one_deep_place_is_found_beside_many_shallow_ones(levels: int, beside: bytes) -> None:
    value = b"[" + beside + b"[" * (levels - 1) + b"]" * levels
    assert deeper_than(128, value) == (levels > 128)


def test_brackets_in_strings_do_not_count() -> None:
    assert not deeper_than(2, b'[{"a":"' + b"[{" * 500 + b'\\"[\\\\"}]')
