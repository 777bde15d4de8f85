"""Exact arithmetic on what JSON says, Kafka's partitioner, and times as answers write them."""

from datetime import UTC, datetime
from decimal import MAX_EMAX, MIN_EMIN, ROUND_HALF_EVEN, Context, Decimal, InvalidOperation

EXACT = Context(prec=6_000, rounding=ROUND_HALF_EVEN, Emax=MAX_EMAX, Emin=MIN_EMIN)
MILLISECONDS_ABOVE = Decimal(10) ** 11
LARGEST_DOUBLE = Decimal("1.7976931348623157e308")
LARGEST_INT64 = Decimal(2**63 - 1)
MILLION = 1_000_000


def json_number(text: str) -> Decimal:
    """The number as written; an exponent beyond Decimal's own becomes 1e400 or 0."""
    try:
        return Decimal(text)
    except InvalidOperation:
        mantissa, _, exponent = text.lower().partition("e")
        if exponent.startswith("-") or not Decimal(mantissa):
            return Decimal(0)
        return Decimal("-1e400" if mantissa.startswith("-") else "1e400")


def milliseconds(timestamp: Decimal) -> Decimal:
    """`timestamp` (seconds, above 1e11 milliseconds) in whole milliseconds, ties to even."""
    scaled = timestamp if timestamp > MILLISECONDS_ABOVE else EXACT.scaleb(timestamp, 3)
    return EXACT.to_integral_value(scaled)


def millionths(amount: Decimal) -> int:
    """Money or a `value` in integer millionths, ties to even; |amount| must be moderate."""
    return int(EXACT.to_integral_value(EXACT.scaleb(amount, 6)))


def money(micro: int) -> Decimal:
    """Integer millionths as a number."""
    return EXACT.scaleb(Decimal(micro), -6)


def mean(micro: int, count: int) -> float:
    """Sum / count in double precision."""
    return micro / MILLION / count


def iso(time: int) -> str:
    """Epoch milliseconds as ISO 8601 UTC with milliseconds: 2016-08-22T00:00:00.000Z."""
    whole = datetime.fromtimestamp(time // 1_000, UTC)
    return f"{whole:%Y-%m-%dT%H:%M:%S}.{time % 1_000:03d}Z"


def from_iso(text: str) -> int:
    """Epoch milliseconds of a time in an answer; ValueError unless UTC with milliseconds."""
    moment = datetime.fromisoformat(text)
    offset = moment.utcoffset()
    if offset is None or offset.total_seconds() != 0:
        raise ValueError(f"not UTC: {text!r}")
    fraction = text.partition(".")[2].rstrip("Z").partition("+")[0]
    if len(fraction) != 3:
        raise ValueError(f"not in milliseconds: {text!r}")
    since = moment - datetime.fromtimestamp(0, UTC)
    return (since.days * 86_400 + since.seconds) * 1_000 + since.microseconds // 1_000


def murmur2(data: bytes) -> int:
    """Kafka's murmur2 (seed 0x9747b28c), unsigned 32 bits."""
    mask, m = 0xFFFFFFFF, 0x5BD1E995
    h = (0x9747B28C ^ len(data)) & mask
    whole = len(data) & ~3
    for at in range(0, whole, 4):
        k = int.from_bytes(data[at : at + 4], "little") * m & mask
        k = (k ^ (k >> 24)) * m & mask
        h = (h * m & mask) ^ k
    if whole < len(data):
        h = (h ^ int.from_bytes(data[whole:], "little")) * m & mask
    h = (h ^ (h >> 13)) * m & mask
    return h ^ (h >> 15)


def partition_of(key: bytes, partitions: int) -> int:
    """Where Kafka's default partitioner puts a key."""
    return (murmur2(key) & 0x7FFFFFFF) % partitions
