"""Each bad record is exactly one dead letter, and stops nothing (reliability, faults)."""

import hashlib
import json
from pathlib import Path

from models.topics import CLICKS, PURCHASES, USER_EVENTS
from tests.oracle.compare_outputs import compare_outputs
from tests.oracle.model import Expected, Model
from tests.oracle.records import Position, Record
from tests.service.traffic import BASE, traffic
from tests.support.admin import configure
from tests.support.kafka import Kafka
from tests.support.service import Message, Service, keyed, lines

MIB = 1 << 20
CLICK = '{"user_id":"u","page":"/p","timestamp":%s}'
BUY = '{"user_id":"u","product_id":"i","amount":%s,"timestamp":1471824000}'
DID = '{"user_id":"u","action":"a","value":%s,"timestamp":1471824000}'

BAD: dict[str, tuple[str, bytes | None, str | bytes | None, set[str]]] = {
    "bad JSON": ("clicks", b"u", '{"user_id":"u",', {"not-json"}),
    "empty": ("clicks", b"u", "", {"not-json"}),
    "cut UTF-8": ("clicks", b"u", (CLICK % 1).replace("/p", "é").encode()[:-20], {"not-json"}),
    "nesting 10,000": ("clicks", b"u", "[" * 10_000 + "]" * 10_000, {"not-json"}),
    "nesting 1,000": ("clicks", b"u", CLICK % ('1,"m":' + "[" * 999 + "]" * 999), {"not-json"}),
    "10 MB": ("clicks", b"u", "x" * 10 * MIB, {"not-json"}),
    "no object": ("clicks", b"u", "[1]", {"not-object"}),
    "wrong type": ("clicks", b"u", CLICK % '"1471824000"', {"wrong-type"}),
    "boolean": ("purchases", b"u", BUY % "true", {"wrong-type"}),
    "amount null": ("purchases", b"u", BUY % "null", {"wrong-type"}),
    "value string": ("user-events", b"u", DID % '"1"', {"wrong-type"}),
    "missing field": ("clicks", b"u", '{"user_id":"u","timestamp":1}', {"missing-field"}),
    "NaN": ("purchases", b"u", BUY % "NaN", {"not-json"}),
    "Infinity": ("purchases", b"u", BUY % "Infinity", {"not-json"}),
    "-Infinity": ("user-events", b"u", DID % "-Infinity", {"not-json"}),
    "1e400": ("purchases", b"u", BUY % "1e400", {"not-json", "out-of-range"}),
    "huge integer": ("purchases", b"u", BUY % ("9" * 4000), {"not-json", "out-of-range"}),
    "huge time": ("clicks", b"u", CLICK % ("9" * 400), {"not-json", "out-of-range", "future"}),
    "negative amount": ("purchases", b"u", BUY % "-0.01", {"out-of-range"}),
    "large amount": ("purchases", b"u", BUY % "1000000000.01", {"out-of-range"}),
    "large value": ("user-events", b"u", DID % "-1e10", {"out-of-range"}),
    "timestamp -1": ("clicks", b"u", CLICK % "-1", {"out-of-range"}),
    "ten years ahead": ("clicks", b"u", CLICK % "2115360000", {"future"}),
    "ten years ahead, ms": ("clicks", b"u", CLICK % "2115360000000", {"future"}),
    "key of another": ("clicks", b"v", CLICK % "1471824000", {"key-mismatch"}),
    "null key": ("clicks", None, CLICK % "1471824000", {"null-key"}),
    "null value": ("purchases", b"u", None, {"null-value"}),
    "both null": ("user-events", None, None, {"null-key", "null-value"}),
    "lone surrogate": ("clicks", b"u", (CLICK % 1).replace("/p", "\\ud800"), {"not-json"}),
}  # fmt: skip
BAD["user of 257 bytes"] = (
    "clicks", b"u" * 257, json.dumps({"user_id": "u" * 257, "page": "", "timestamp": 1}),
    {"out-of-range"},
)  # fmt: skip
GOOD = (
    ("clicks", CLICK % "0"),
    ("clicks", CLICK % "1471824000123"),
    ("user-events", DID % "null"),
    ("user-events", DID.replace("1471824000", "1471824000500") % "-1e9"),
    ("purchases", BUY % "1e9"),
    ("purchases", BUY % "0"),
    ("clicks", CLICK % ('1471824001,"more":' + "[" * 99 + "]" * 99)),
)


async def raise_input_limit(service: Service, size: int) -> None:
    """Let the inputs take records of `size` bytes, as a user's topics may."""
    catalogue, larger = service.catalogue, {"max.message.bytes": str(size)}
    topics = (CLICKS, PURCHASES, USER_EVENTS)
    configs = {catalogue.name(topic): catalogue.topic_configs(topic) | larger for topic in topics}
    await configure(service.bootstrap, configs)


async def run(
    service: Service, tmp_path: Path, failing: dict[bytes, str] | None = None
) -> tuple[list[Record], list[Record], Expected]:
    """Inputs, outputs and what must be; `failing`: reasons by the value of valid records."""
    with service.worker(tmp_path) as worker:
        await service.at_rest()
        inputs, outputs = await service.inputs(), await service.outputs()
        assert await worker.terminate() == 0, worker.text
    dead: dict[Position, str] = {
        r.position: (failing or {})[r.value] for r in inputs if r.value in (failing or {})
    }
    expected = Model(inputs, service.oracle, failing=dead).run()
    differences = compare_outputs(expected, outputs)
    assert not differences, lines(differences)
    return inputs, outputs, expected


def dead_letters(service: Service, outputs: list[Record]) -> list[Record]:
    return [r for r in outputs if r.topic == service.names["dead-letters"]]


async def test_bad_records_are_dead_letters_and_the_rest_counts(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await raise_input_limit(service, 12 * MIB)
    messages: list[Message] = list(traffic(7, 300, 1))
    types: dict[tuple[str, bytes | None, bytes | None], set[str]] = {}
    for number, (topic, key, value, reasons) in enumerate(BAD.values()):
        data = value.encode() if isinstance(value, str) else value
        messages.insert(number * 7, (topic, 0, key, data, None))
        types[service.names[topic], key, data] = reasons
    messages += [keyed(topic, "u", value, 1) for topic, value in GOOD]
    await service.send(messages)
    inputs, outputs, _ = await run(service, tmp_path)
    by_position = {r.position: r for r in inputs}
    seen: dict[tuple[str, bytes | None, bytes | None], list[str]] = {}
    for letter in dead_letters(service, outputs):
        offset = int(letter.header("source.offset") or -1)
        source = by_position[letter.header("source.topic") or "", letter.partition, offset]
        error = letter.header("error.type") or ""
        seen.setdefault((source.topic, source.key, source.value), []).append(error)
    for (topic, key, data), reasons in types.items():
        found = seen[topic, key, data]
        assert len(found) == 1, (topic, (data or b"")[:60], found)
        assert found[0] in reasons, (topic, (data or b"")[:60], found, reasons)


async def test_dead_letter_that_the_broker_refuses_holds_size_and_digest(
    kafka: Kafka, tmp_path: Path
) -> None:
    service = await Service(kafka.bootstrap, 1).create()
    await raise_input_limit(service, 12 * MIB)
    large = b'["' + b"x" * 10 * MIB + b'"]'
    await service.send([("clicks", 0, b"u", large, None), *traffic(8, 50, 1)])
    _, outputs, _ = await run(service, tmp_path)
    letter = next(r for r in dead_letters(service, outputs) if r.header("source.offset") == "0")
    assert letter.value is None
    assert letter.key == b"u"
    assert letter.header("error.type") == "not-object"
    assert letter.header("value.size") == str(len(large))
    assert letter.header("value.sha256") == hashlib.sha256(large).hexdigest()


async def test_output_larger_than_the_broker_accepts_is_a_dead_letter(
    kafka: Kafka, tmp_path: Path
) -> None:
    """Two large pages and one purchase: together larger than `enriched-purchases` takes."""
    service = await Service(kafka.bootstrap, 1).create()
    user = "large"

    def event(topic: str, time: int, **more: object) -> Message:
        content = {"user_id": user, "timestamp": BASE + time, **more}
        return keyed(topic, user, json.dumps(content), 1)

    pages = [event("clicks", n, page=f"/{n}" + "x" * 600_000) for n in range(2)]
    before = event("purchases", 0, product_id="fits", amount=1)
    bought = event("purchases", 5, product_id="too large", amount=2)
    after = event("purchases", 1000, product_id="fits again", amount=4)
    await service.send([before, *pages, bought, *traffic(9, 200, 1), after])
    assert bought[3] is not None
    _, outputs, _ = await run(service, tmp_path, {bought[3]: "too-large"})
    letters = [r for r in dead_letters(service, outputs) if r.value == bought[3]]
    assert [letter.header("error.type") for letter in letters] == ["too-large"]


async def test_large_fields_fit_into_the_state(kafka: Kafka, tmp_path: Path) -> None:
    """Records near the inputs' own limit are valid: rows of state must hold them."""
    service = await Service(kafka.bootstrap, 1).create()
    user = "large"

    def event(topic: str, time: int, **more: object) -> Message:
        content = {"user_id": user, "timestamp": BASE + time, **more}
        return keyed(topic, user, json.dumps(content), 1)

    most = "x" * 1_048_300
    messages = [event("clicks", n, page="/small" * 200) for n in range(6)]
    messages += [event("clicks", 10, page=most)]
    messages += [event("user-events", n, action=f"{n}{most}") for n in range(3)]
    messages += [event("purchases", 3000 + n, product_id="i" * 4000, amount=1) for n in range(2)]
    messages += [event("purchases", 3010, product_id="i" * 1_047_900, amount=1)]
    await service.send(messages)
    await run(service, tmp_path)
