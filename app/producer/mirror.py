"""Clicks and priced purchases as user events, as the shop's recorded data means them."""

from typing import Any

import msgspec

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
    anything but clicks and purchases. `value` is a JSON object.
    """
    if topic is CLICKS:
        seen = _decode(value)
        event = UserEvent(
            seen.user_id, "page_view", seen.timestamp, page=seen.page, session_id=seen.session_id
        )
    elif topic is PURCHASES:
        seen = _decode(value)
        if type(seen.amount) is not float and type(seen.amount) is not int:
            return None
        event = UserEvent(
            seen.user_id,
            "purchase",
            seen.timestamp,
            value=seen.amount,
            session_id=seen.session_id,
        )
    else:
        return None
    return _encode(event)
