"""Outputs of an open transaction: limits, savepoints."""

import pytest

from app.engine.errors import TooLargeError, TransactionTooLargeError
from app.engine.outputs import Outputs
from models.outputs import Output

LIMIT = 100_000


def make_output(size: int, topic: str = "limited", key: bytes = b"k") -> Output:
    return Output(topic, 0, key, b"x" * size)


def test_an_output_beyond_the_topics_limit_is_refused() -> None:
    outputs = Outputs({"limited": LIMIT})
    outputs.add(make_output(LIMIT - 500))
    with pytest.raises(TooLargeError):
        outputs.add(make_output(LIMIT))
    outputs.add(make_output(LIMIT, topic="without limit"))
    assert [len(output.value or b"") for output in outputs.records] == [LIMIT - 500, LIMIT]


@pytest.mark.parametrize("value", [b"", None])
def test_a_large_key_counts_too(value: bytes | None) -> None:
    outputs = Outputs({"limited": LIMIT})
    with pytest.raises(TooLargeError):
        outputs.add(Output("limited", 0, b"k" * LIMIT, value))
    with pytest.raises(TooLargeError):
        outputs.add(Output("limited", 0, b"k" * (LIMIT - 1000), value, None, [("h", b"x" * 1000)]))


def test_rollback_drops_what_came_after_the_savepoint() -> None:
    outputs = Outputs({})
    first, second = make_output(1), make_output(2)
    outputs.add(first)
    outputs.savepoint()
    outputs.add(second)
    outputs.rollback()
    assert outputs.records == [first]
    outputs.rollback()
    assert outputs.records == [first]


def test_a_transaction_starts_empty() -> None:
    outputs = Outputs({})
    outputs.add(make_output(1))
    outputs.savepoint()
    outputs.committed()
    outputs.rollback()
    assert outputs.records == []
    outputs.add(make_output(2))
    outputs.discard()
    assert outputs.records == []


def test_what_would_take_too_much_memory_is_refused_until_the_transaction_ends() -> None:
    outputs = Outputs({})
    outputs.bound = 10_000
    outputs.add(make_output(6_000))
    outputs.savepoint()
    with pytest.raises(TransactionTooLargeError):
        outputs.add(make_output(6_000))
    outputs.rollback()
    assert outputs.weight == 6_001
    with pytest.raises(TransactionTooLargeError):
        outputs.weigh(5_000)
    outputs.discard()
    outputs.add(make_output(6_000))
    outputs.unbounded()
    outputs.add(make_output(60_000))
    assert outputs.weight == 66_002
