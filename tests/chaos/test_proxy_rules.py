"""What a proxy reads of Kafka's frames, and what its rules say to it."""

import struct

import pytest

from tests.chaos.proxy import Action, Api, Request, Rule
from tests.chaos.proxy.frames import error_of, parse_request


def request(api: Api, transactional_id: str | None = None, client_id: str = "c") -> Request:
    return Request(api, 0, 1, client_id, transactional_id, 10)


def test_a_rule_strikes_what_it_names() -> None:
    rule = Rule(Api.END_TXN, Action.DROP_REQUEST, "a", client_id="c", skip=1, times=2)
    for other in (request(Api.PRODUCE, "a"), request(Api.END_TXN, "b")):
        assert rule.take(other) is None
    assert rule.take(request(Api.END_TXN, "a", "d")) is None
    taken = [rule.take(request(Api.END_TXN, "a")) is not None for _ in range(4)]
    assert taken == [False, True, True, False]
    assert len(rule.strikes) == 2
    released = Rule(Api.END_TXN, Action.DROP_REQUEST)
    released.release()
    assert released.take(request(Api.END_TXN, "a")) is None


def test_an_answer_with_an_error_is_spared() -> None:
    """A commit that the broker has put off was not done: to lose that answer proves nothing."""
    rule = Rule(Api.END_TXN, Action.DROP_ANSWER)
    strike = rule.take(request(Api.END_TXN))
    assert strike is not None
    assert not rule.answer(strike, struct.pack(">iiih", 10, 1, 0, 51))
    assert rule.strikes == []
    strike = rule.take(request(Api.END_TXN))
    assert strike is not None
    assert rule.answer(strike, struct.pack(">iiih", 10, 1, 0, 0))
    assert rule.strikes == [strike]


@pytest.mark.parametrize(
    ("api", "version", "rest", "transactional_id"),
    [
        (26, 0, b"\x00\x01t" + bytes(10), "t"),
        (26, 3, b"\x00\x02t" + bytes(10), "t"),
        (0, 8, b"\xff\xff" + bytes(10), None),
        (0, 9, b"\x00\x00" + bytes(10), None),
        (0, 2, b"\x00\x01" + bytes(10), None),
        (12, 1, b"\x00\x01g" + bytes(10), None),
    ],
)
def test_a_request_is_read(
    api: int, version: int, rest: bytes, transactional_id: str | None
) -> None:
    body = struct.pack(">hhih", api, version, 7, 2) + b"me" + rest
    found = parse_request(struct.pack(">i", len(body)) + body)
    assert found == Request(api, version, 7, "me", transactional_id, len(body))


def test_an_error_is_read_where_it_stands() -> None:
    assert error_of(request(Api.END_TXN), struct.pack(">iiih", 10, 1, 9, 47)) == 47
    assert error_of(request(Api.HEARTBEAT), struct.pack(">iih", 6, 1, 25)) == 25
    assert error_of(request(Api.PRODUCE), bytes(20)) is None
