"""Totals since ever: user events per action, purchases and revenue (contract 4, totals).

Per user, and over the whole partition under the empty user. Never late, never dropped. The head row
holds the first 64 actions; further ones lie in overflow rows by a hash of their name, and a very
long name in a row of its own, so that no row grows without end.
"""

from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Self

import msgspec

from tables.big import Stored, stored
from tables.keys import LAST_TIME, USER_TIME
from tables.row import RowReader
from tables.rows import Rows, Table
from tables.undo import StreamTime

NAME = "totals"
EVERYBODY = ""
_HEAD_ACTIONS = 64
_OVERFLOW_ROWS = 1 << 16
_LONG_ACTION = 256
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[int, Stored, dict[str, int]]).decode


class TotalsRow:
    """Purchases, their revenue in millionths, and events per action."""

    __slots__ = ("actions", "purchases", "revenue")

    def __init__(self) -> None:
        """Start empty."""
        self.purchases = 0
        self.revenue = 0
        self.actions: dict[str, int] = {}

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.purchases, revenue, row.actions = _decode(data)
        row.revenue = int(revenue)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.purchases, stored(self.revenue), self.actions))

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.purchases, row.revenue, row.actions = self.purchases, self.revenue, self.actions.copy()
        return row


UserPart = tuple[str, int]
TOTALS = Table("totals", b"t", TotalsRow, USER_TIME)
_HEAD = 0


@dataclass
class Totals:
    """A user's totals, or everybody's in a partition; `revenue` in millionths."""

    purchases: int = 0
    revenue: int = 0
    actions: dict[str, int] = field(default_factory=dict)


class TotalsFold:
    """One partition's totals."""

    def __init__(self, rows: Rows[UserPart, TotalsRow], stream_time: StreamTime) -> None:
        """`stream_time`: of this computation: over user events and purchases."""
        self._rows = rows
        self._time = stream_time

    def purchase(self, user_id: str, time: int, amount: int) -> None:
        """Add a purchase of `amount` millionths."""
        self._time.advance(time)
        for user in (user_id, EVERYBODY):
            row = self._rows.edit((user, _HEAD))
            row.purchases += 1
            row.revenue += amount

    def event(self, user_id: str, time: int, action: str) -> None:
        """Add a user event."""
        self._time.advance(time)
        for user in (user_id, EVERYBODY):
            actions = self._rows.edit((user, _HEAD)).actions
            if action in actions:
                actions[action] += 1
            else:
                self._count(user, action)

    def _count(self, user_id: str, action: str) -> None:
        """Count an action that the head row does not have."""
        if len(action) > _LONG_ACTION:
            actions = self._rows.edit((user_id, _OVERFLOW_ROWS + 1 + _digest(action))).actions
        else:
            actions = self._rows.edit((user_id, _HEAD)).actions
            if action not in actions and len(actions) >= _HEAD_ACTIONS:
                overflow = 1 + _digest(action) % _OVERFLOW_ROWS
                actions = self._rows.edit((user_id, overflow)).actions
        actions[action] = actions.get(action, 0) + 1


def _digest(action: str) -> int:
    """Give 62 bits: more than anybody can fill with names that meet."""
    return int.from_bytes(blake2b(action.encode(), digest_size=8).digest(), "big") >> 2


def view(rows: RowReader[UserPart, TotalsRow], user_id: str) -> Totals:
    """Give a user's totals, or with `EVERYBODY` the partition's."""
    totals = Totals()
    for _, row in rows.scan((user_id, _HEAD), (user_id, LAST_TIME)):
        totals.purchases += row.purchases
        totals.revenue += row.revenue
        for action, count in row.actions.items():
            totals.actions[action] = totals.actions.get(action, 0) + count
    return totals
