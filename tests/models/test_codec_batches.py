"""Records that share a batch are decoded as if each were alone."""

from models.codec import DECODERS, decode_clicks
from models.dead_letters import ErrorType, Rejected
from tests.models.records import MAX_FUTURE, record, value_text
from tests.models.reference import judge


def test_long_and_short_records_share_a_batch() -> None:
    long = value_text("clicks", page=f'"{"p" * 1_000}"')
    deep = value_text("clicks", extra="[" * 200 + "]" * 200)
    user = "a" * 300
    texts = [value_text("clicks"), long, deep, value_text("clicks", user_id=f'"{user}"')]
    keys = [b"u1", b"u1", b"u1", user.encode()]
    batch = [record(text, key) for text, key in zip(texts, keys, strict=True)]
    batch += [record(None), record(long, None)]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [None, None, "not-json", "out-of-range", "null-value", "null-key"]


def test_a_value_cut_in_two_is_two_bad_records() -> None:
    whole = value_text("clicks")
    for cut in range(1, len(whole)):
        parts = [record(whole[:cut]), record(whole[cut:])]
        found = decode_clicks(parts, MAX_FUTURE)
        assert [judge("clicks", part, MAX_FUTURE) for part in parts] == [
            item.error.value if isinstance(item, Rejected) else "valid" for item in found
        ]
        assert all(isinstance(item, Rejected) for item in found)


def test_two_values_in_one_record_do_not_make_up_for_an_empty_one() -> None:
    whole = value_text("clicks")
    batch = [record(f"{whole},{whole}"), record(""), record(f"{whole}\n{whole}"), record(whole)]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [ErrorType.NOT_JSON] * 3 + [None]


def test_half_a_character_is_not_completed_by_the_next_record() -> None:
    batch = [record(b'{"a":"\xc3'), record(b'\xa4"}')]
    errors = [getattr(item, "error", None) for item in decode_clicks(batch, MAX_FUTURE)]
    assert errors == [ErrorType.NOT_JSON] * 2


def test_no_records_make_no_events() -> None:
    assert [list(decode([], MAX_FUTURE)) for decode in DECODERS.values()] == [[], [], []]
