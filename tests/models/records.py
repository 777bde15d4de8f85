"""Records for tests: the real class that aiokafka hands over."""

import json

from aiokafka.structs import ConsumerRecord

KAFKA_TIME = 1_470_000_000_000
MAX_FUTURE = 60_000

FIELDS: dict[str, dict[str, object]] = {
    "clicks": {"user_id": "u1", "page": "/p", "timestamp": 1_470_000_000},
    "purchases": {"user_id": "u1", "product_id": "x", "amount": 1.5, "timestamp": 1_470_000_000},
    "user-events": {
        "user_id": "u1",
        "action": "view",
        "timestamp": 1_470_000_000,
        "value": 2.25,
        "page": "/p",
        "session_id": "s",
    },
}


def record(
    value: bytes | str | None,
    key: bytes | None = b"u1",
    timestamp: int = KAFKA_TIME,
    topic: str = "clicks",
    offset: int = 7,
) -> ConsumerRecord[bytes, bytes]:
    data = value.encode() if isinstance(value, str) else value
    return ConsumerRecord(topic, 3, offset, timestamp, 0, key, data, None, 1, 1, ())


def value_text(kind: str, **fields: str) -> str:
    """JSON text of a valid value, with JSON texts put in for some fields; "" leaves one out."""
    texts = {name: json.dumps(value) for name, value in FIELDS[kind].items()} | fields
    return "{" + ",".join(f'"{name}":{text}' for name, text in texts.items() if text) + "}"
