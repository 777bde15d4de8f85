"""Clicks and priced purchases as user events, as the shop's recorded data means them."""

from typing import Any

import msgspec

from app.producer.errors import BadEventError
from app.producer.events import NOT_DECODABLE
from models.topics import CLICKS, PURCHASES, Topic


class _Seen(msgspec.Struct):
    user_id: Any = None
    timestamp: Any = None
    session_id: Any = msgspec.UNSET
    page: Any = msgspec.UNSET
    amount: Any = None


class UserEvent(msgspec.Struct):
    """A record of `user-events`; optional fields are left out where the source has none."""

    user_id: Any
    action: str
    timestamp: Any
    value: Any = msgspec.UNSET
    page: Any = msgspec.UNSET
    session_id: Any = msgspec.UNSET


_decode = msgspec.json.Decoder(_Seen).decode
_encode = msgspec.json.Encoder().encode


def mirrored(topic: Topic, value: bytes) -> bytes | None:
    """Return the user event for a click (`page_view`) or a priced purchase (`purchase`).

    A purchase's `amount` becomes `value`; one without a number there has no user event, nor has
    anything but clicks and purchases. Raises `BadEventError` where `value` is no JSON object, or
    a field that the user event takes over cannot be read.
    """
    if topic is not CLICKS and topic is not PURCHASES:
        return None
    try:
        event = _event(topic, _decode(value))
        return None if event is None else _encode(event)
    except NOT_DECODABLE as error:
        raise BadEventError(str(error)) from None


def _event(topic: Topic, seen: _Seen) -> UserEvent | None:
    if topic is CLICKS:
        return UserEvent(
            seen.user_id, "page_view", seen.timestamp, page=seen.page, session_id=seen.session_id
        )
    if type(seen.amount) is not float and type(seen.amount) is not int:
        return None
    return UserEvent(
        seen.user_id, "purchase", seen.timestamp, value=seen.amount, session_id=seen.session_id
    )
