"""Valid input events: what the agents get (contract, section 2).

Built by `models.codec` alone. They are not the structs that JSON is decoded into, so that no field
of a record can set `source` or a rounded number. `gc=False` is sound: an event refers to strings,
integers and its record, and none of these ever refers to an event, so there is no cycle to collect.
"""

from msgspec import Struct

from models.records import Record


class Click(Struct, frozen=True, gc=False, eq=False):
    """A page view of a user. `timestamp`: event time in milliseconds since the epoch."""

    user_id: str
    page: str
    timestamp: int
    source: Record


class Purchase(Struct, frozen=True, gc=False, eq=False):
    """A purchase. `amount`: money in millionths; `timestamp`: event time in milliseconds."""

    user_id: str
    product_id: str
    amount: int
    timestamp: int
    source: Record


class UserEvent(Struct, frozen=True, gc=False, eq=False):
    """Anything a user did. `value`: in millionths; `timestamp`: event time in milliseconds.

    Optional fields are None where the record lacks them or holds null.
    """

    user_id: str
    action: str
    timestamp: int
    value: int | None
    page: str | None
    session_id: str | None
    source: Record


Event = Click | Purchase | UserEvent
