"""Times, amounts and values of input records: rounding, ties, ranges."""

import pytest

from models.codec import decode_clicks, decode_purchases, decode_user_events
from models.dead_letters import Rejected
from tests.models.records import KAFKA_TIME, MAX_FUTURE, record, value_text


def timestamp_of(text: str, kafka_time: int = KAFKA_TIME) -> int | str:
    value = value_text("clicks", timestamp=text)
    [found] = decode_clicks([record(value, timestamp=kafka_time)], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.timestamp


def amount_of(text: str) -> int | str:
    [found] = decode_purchases([record(value_text("purchases", amount=text))], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.amount


def value_of(text: str) -> int | str | None:
    [found] = decode_user_events([record(value_text("user-events", value=text))], MAX_FUTURE)
    return found.error.value if isinstance(found, Rejected) else found.value


@pytest.mark.parametrize(
    ("text", "ms"),
    [
        ("0", 0),
        ("-0", 0),
        ("-0.0", 0),
        ("1e-400", 0),
        ("-1e-400", "out-of-range"),
        ("-0.0000001", "out-of-range"),
        ("-1", "out-of-range"),
        ("0.0005", 0),
        ("0.0015", 2),
        ("0.00150000000000000000000000001", 2),
        ("0.00050000000000000000000000001", 1),
        ("1469999999.0004999999999999999", 1_469_999_999_000),
        ("1469999999.0005", 1_469_999_999_000),
        ("1469999999.0015", 1_469_999_999_002),
        ("1469999999.00050000000000000001", 1_469_999_999_001),
        ("14.7e8", KAFKA_TIME),
        ("1469999999000", 1_469_999_999_000),
        ("1469999999000.5", 1_469_999_999_000),
        ("1469999999001.5", 1_469_999_999_002),
        ("1469999999000.50000000000000001", 1_469_999_999_001),
        ("100000000000.1", 100_000_000_000),
        ("100000000000.00000000000000000001", 100_000_000_000),
        ("100000000000", "future"),
        ("99999999999.9999999999999999999", "future"),
        ("1470000060", KAFKA_TIME + 60_000),
        ("1470000060.0005", KAFKA_TIME + 60_000),
        ("1470000060.001", "future"),
        ("1470000060001", "future"),
        ("1e308", "future"),
        ("1" + "0" * 308, "future"),
        ("-1e308", "out-of-range"),
        ("1e309", "out-of-range"),
        ("-1e309", "out-of-range"),
        ("1" + "0" * 5_000, "out-of-range"),
        ("1e99999999999999999999999", "out-of-range"),
        ("1e-99999999999999999999999", 0),
        ("0e99999999999999999999999", 0),
        ("1" + "0" * 5_000 + "e-4991", 1_000_000_000_000),
    ],
)
def test_timestamps(text: str, ms: int | str) -> None:
    assert timestamp_of(text) == ms


def test_a_timestamp_is_measured_against_the_record_s_own_kafka_timestamp() -> None:
    assert timestamp_of("1e308", 2**63 - 1) == "future"
    assert timestamp_of("9223372036854775807", 2**63 - 1) == 2**63 - 1
    assert timestamp_of("100000000000", 10**14) == 10**14
    assert timestamp_of("0", 0) == 0
    assert timestamp_of("0", -1) == "no-timestamp"
    assert timestamp_of("1470000000", -1) == "no-timestamp"


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("0", 0),
        ("-0.0", 0),
        ("1e-7", 0),
        ("-1e-7", "out-of-range"),
        ("5e-7", 0),
        ("15e-7", 2),
        ("5.0000000000000000000000001e-7", 1),
        ("12.3456785", 12_345_678),
        ("12.3456775", 12_345_678),
        ("12.34567750000000000000001", 12_345_678),
        ("12.34567849999999999999999", 12_345_678),
        ("0.1", 100_000),
        ("129.99", 129_990_000),
        ("1048576.0000005", 1_048_576_000_000),
        # Doubles of these, times a million, lie up to 0.0625 on the wrong side of the tie.
        ("542988052.43348150000000001", 542_988_052_433_482),
        ("272261167.8155575", 272_261_167_815_558),
        ("17349105.4060835", 17_349_105_406_084),
        ("539130462.3882385", 539_130_462_388_238),
        ("999999999.9999995", 10**15),
        ("999999999.999999", 10**15 - 1),
        ("1000000000", 10**15),
        ("1e9", 10**15),
        ("1000000000.0000001", "out-of-range"),
        ("1000000000.00000000000000000001", "out-of-range"),
        ("1.7e308", "out-of-range"),
        ("1e400", "out-of-range"),
    ],
)
def test_amounts(text: str, millionths: int | str) -> None:
    assert amount_of(text) == millionths


@pytest.mark.parametrize(
    ("text", "millionths"),
    [
        ("-1e308", "out-of-range"),
        ("-1e9", -(10**15)),
        ("-1000000000.0000001", "out-of-range"),
        ("1e9", 10**15),
        ("-2.5", -2_500_000),
        ("-542988052.43348150000000001", -542_988_052_433_482),
        ("-272261167.8155575", -272_261_167_815_558),
        ("-539130462.3882385", -539_130_462_388_238),
        ("-0.0000015", -2),
        ("-0.0000025", -2),
        ("-0.00000250000000000000001", -3),
        ("-1e-400", 0),
        ("0", 0),
        ("null", None),
    ],
)
def test_values(text: str, millionths: int | str | None) -> None:
    assert value_of(text) == millionths
