import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from app.producer import BadEventError, RoundRobin, by_key, murmur2
from app.producer.partitioners import checked

# org.apache.kafka.common.utils.UtilsTest.testMurmur2
KAFKAS_VECTORS = {
    b"21": -973932308,
    b"foobar": -790332482,
    b"a-little-bit-long-string": -985981536,
    b"a-little-bit-longer-string": -1486304829,
    b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
    b"abc": 479470107,
}


@pytest.mark.parametrize(("key", "signed"), KAFKAS_VECTORS.items())
def test_murmur2_is_kafkas(key: bytes, signed: int) -> None:
    assert murmur2(key) == signed & 0xFFFFFFFF


@given(st.binary(max_size=400), st.integers(1, 100))
def test_by_key_is_the_default_partitioner(key: bytes, partitions: int) -> None:
    reference = DefaultPartitioner()(key, list(range(partitions)), [])
    assert by_key(key, partitions) == reference


def test_by_key_refuses_a_record_without_a_key() -> None:
    with pytest.raises(BadEventError, match="no key"):
        by_key(None, 8)


def test_round_robin_takes_partitions_in_turn() -> None:
    in_turn = RoundRobin()
    assert [in_turn(b"same", 3) for _ in range(7)] == [0, 1, 2, 0, 1, 2, 0]


@pytest.mark.parametrize("choice", [-1, 4, None, "1", True, 1.0])
def test_a_custom_choice_must_be_a_partition(choice: object) -> None:
    with pytest.raises(BadEventError, match="partitions 0 to 3"):
        checked(lambda _key, _count: choice, b"k", 4)  # type: ignore[arg-type,return-value]
