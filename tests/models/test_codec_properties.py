"""Whatever the bytes, the codec agrees with an independent reading of the contract."""

import json

from aiokafka.structs import ConsumerRecord
from hypothesis import example, given, settings
from hypothesis import strategies as st

from models.codec import DECODERS
from models.dead_letters import Rejected
from models.events import Event
from tests.models.records import FIELDS, KAFKA_TIME, MAX_FUTURE, record, value_text
from tests.models.reference import judge

KINDS = st.sampled_from(sorted(FIELDS))


def outcome(found: Event | Rejected) -> object:
    if isinstance(found, Rejected):
        return found.error.value
    fields = {name: getattr(found, name) for name in found.__struct_fields__ if name != "source"}
    return {name: value for name, value in fields.items() if value is not None}


def decoded(kind: str, records: list[ConsumerRecord[bytes, bytes]]) -> list[object]:
    found = DECODERS[kind](records, MAX_FUTURE)
    assert all(item.source is source for item, source in zip(found, records, strict=True))
    return [outcome(item) for item in found]


def near_ties(places: int, limit: int) -> st.SearchStrategy[str]:
    """Number texts that lie at, just above or just below a tie between multiples of 10**-places."""
    last = st.sampled_from(["", "5", "4999999", "49999999999999999", "50000001", "0", "51", "498"])
    tiny = st.sampled_from(["", "000000000000000000000000001", "0"])
    whole = st.integers(0, limit).map(str)
    digits = st.text("0123456789", min_size=places, max_size=places)
    return st.builds(lambda w, d, x, t: f"{w}.{d}{x}{t}", whole, digits, last, tiny)


NUMBERS = st.one_of(
    near_ties(3, 1_600_000_000),
    near_ties(6, 1_000_000_001),
    near_ties(0, 10**12),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.floats(0, 2e9).map(repr),
    st.floats(0, 1e7).map(lambda number: f"{number:.7f}"),
    st.integers(-(10**13), 10**13).map(str),
    st.integers(1_469_999_990_000, 1_470_000_070_000).map(str),
    st.integers(1_469_999_990, 1_470_000_070).map(str),
    st.sampled_from(["0", "-0", "-0.0", "1e400", "-1e-400", "1E9", "1e11", "99999999999.9999999"]),
)
STRINGS = st.one_of(
    st.just('"u1"'),
    st.text(max_size=5).map(json.dumps),
    st.text(max_size=5).map(lambda text: json.dumps(text, ensure_ascii=False)),
    st.sampled_from(['"\\ud800"', '"\\ud83d\\ude00"', '"\\/\\"\\\\"', '"\x00"', '"\\x"', '"}{,"']),
)
SCALARS = st.one_of(NUMBERS, STRINGS, st.sampled_from(["null", "true", "false", "NaN", "[1,]"]))
JSON = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: f"[{','.join(items)}]")
        | st.dictionaries(STRINGS, inner, max_size=3).map(
            lambda pairs: "{" + ",".join(f"{k} :{v}" for k, v in pairs.items()) + "}"
        )
    ),
    max_leaves=5,
)
NAMES = st.sampled_from(
    ["user_id", "page", "timestamp", "product_id", "amount", "action", "value", "session_id", "x"]
)


@st.composite
def values(draw: st.DrawFn, kind: str) -> bytes:
    """A valid value of this kind with some fields replaced, doubled, left out or added."""
    pairs = [(name, json.dumps(value)) for name, value in FIELDS[kind].items()]
    for _ in range(draw(st.integers(0, 3))):
        name = draw(NAMES)
        texts = {"timestamp": NUMBERS, "amount": NUMBERS, "value": NUMBERS, "x": JSON}
        pairs.append((name, draw(texts.get(name, STRINGS) if draw(st.booleans()) else JSON)))
    if draw(st.integers(0, 5)) == 0:
        pairs.pop(draw(st.integers(0, len(pairs) - 1)))
    if draw(st.booleans()):
        pairs = draw(st.permutations(pairs))
    space = draw(st.sampled_from(["", "", " ", "\n"]))
    text = "{" + f"{space},{space}".join(f'"{k}":{space}{v}' for k, v in pairs) + "}"
    return text.encode("utf-8", "surrogatepass")


@st.composite
def mangled(draw: st.DrawFn, kind: str) -> bytes:
    """A value with a slice cut out, put elsewhere or replaced by other bytes."""
    value = draw(values(kind))
    start = draw(st.integers(0, len(value)))
    end = draw(st.integers(start, min(len(value), start + 4)))
    new = draw(
        st.binary(max_size=2)
        | st.sampled_from([b"{", b"}", b",", b'"', b"\\", b"\xef", b"[", b"e", b".", b"0", b"-"])
    )
    return value[:start] + new + value[end:]


@st.composite
def batches(draw: st.DrawFn) -> tuple[str, list[ConsumerRecord[bytes, bytes]]]:
    """Records good and bad, some of them one text cut in several."""
    kind = draw(KINDS)
    parts: list[bytes | None] = []
    for _ in range(draw(st.integers(1, 4))):
        value = draw(values(kind) | mangled(kind) | st.binary(max_size=8))
        cut = draw(st.integers(0, len(value)))
        shape = draw(st.integers(0, 9))
        if shape == 0:
            parts += [value[:cut], value[cut:]]
        elif shape == 1:
            parts += [*value.split(b",", 1), b""]
        elif shape == 2:
            parts += [value + draw(st.sampled_from([b",", b"\n", b""])) + value, None]
        else:
            parts.append(value)
    keys = st.sampled_from([b"u1", b"u1", b"u1", b"u1", b"u1", b"", b"\xff", None])
    return kind, [record(part, draw(keys)) for part in parts]


@settings(max_examples=400, deadline=None)
@given(batches())
@example(("clicks", [record(b'{"user_id":"a'), record(b'b","page":"","timestamp":1}')]))
def test_a_batch_is_judged_as_the_contract_says(
    batch: tuple[str, list[ConsumerRecord[bytes, bytes]]],
) -> None:
    kind, records = batch
    expected = [judge(kind, item, MAX_FUTURE) for item in records]
    assert decoded(kind, records) == expected


@settings(max_examples=150, deadline=None)
@given(batches(), st.integers(0, 5))
def test_a_bad_record_does_not_touch_the_others(
    batch: tuple[str, list[ConsumerRecord[bytes, bytes]]], place: int
) -> None:
    kind, records = batch
    good = record(value_text(kind))
    mixed = [*records[:place], good, *records[place:]]
    alone = [decoded(kind, [item])[0] for item in mixed]
    assert decoded(kind, mixed) == alone
    assert alone[min(place, len(records))] == judge(kind, good, MAX_FUTURE)


@settings(max_examples=400, deadline=None)
@given(NUMBERS)
def test_timestamps_are_rounded_as_their_decimal_text(text: str) -> None:
    item = record(value_text("clicks", timestamp=text), timestamp=2 * KAFKA_TIME)
    assert decoded("clicks", [item]) == [judge("clicks", item, MAX_FUTURE)]


@settings(max_examples=400, deadline=None)
@given(NUMBERS, st.sampled_from(["", "-"]))
def test_money_is_rounded_as_its_decimal_text(text: str, sign: str) -> None:
    text = sign + text.lstrip("-")
    amount = record(value_text("purchases", amount=text))
    value = record(value_text("user-events", value=text))
    assert decoded("purchases", [amount]) == [judge("purchases", amount, MAX_FUTURE)]
    assert decoded("user-events", [value]) == [judge("user-events", value, MAX_FUTURE)]
