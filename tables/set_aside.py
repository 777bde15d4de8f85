"""How many records a partition has set aside since ever: late events and dead letters, by reason.

Part of the committed state, so that what is counted is what was written, whoever owns the
partition. One row: its names are topics, computations and reasons, which are few.
"""

from dataclasses import dataclass, field
from typing import Self

import msgspec

from tables.keys import TIME
from tables.row import RowReader
from tables.rows import Rows, Table

_KEY = 0
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(tuple[dict[str, int], dict[str, dict[str, int]]]).decode


class SetAsideRow:
    """Late events by computation; dead letters by the source's topic and the reason."""

    __slots__ = ("dead", "late")

    def __init__(self) -> None:
        """Start empty."""
        self.late: dict[str, int] = {}
        self.dead: dict[str, dict[str, int]] = {}

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """See `Row`."""
        row = cls.__new__(cls)
        row.late, row.dead = _decode(data)
        return row

    def encode(self) -> bytes:
        """See `Row`."""
        return _encode((self.late, self.dead))

    def copy(self) -> Self:
        """See `Row`."""
        cls = type(self)
        row = cls.__new__(cls)
        row.late = self.late.copy()
        row.dead = {topic: reasons.copy() for topic, reasons in self.dead.items()}
        return row


SET_ASIDE = Table("set-aside", b"g", SetAsideRow, TIME)


class SetAsideFold:
    """One partition's counts."""

    def __init__(self, rows: Rows[int, SetAsideRow]) -> None:
        """`rows`: of `SET_ASIDE`."""
        self._rows = rows

    def late_event(self, computation: str) -> None:
        """Count a record that was late for a computation."""
        late = self._rows.edit(_KEY).late
        late[computation] = late.get(computation, 0) + 1

    def dead_letter(self, topic: str, reason: str) -> None:
        """Count a dead letter of a source topic."""
        reasons = self._rows.edit(_KEY).dead.setdefault(topic, {})
        reasons[reason] = reasons.get(reason, 0) + 1


@dataclass
class SetAside:
    """Late events by computation; dead letters by the source's topic and the reason."""

    late: dict[str, int] = field(default_factory=dict)
    dead: dict[str, dict[str, int]] = field(default_factory=dict)


def view(rows: RowReader[int, SetAsideRow]) -> SetAside:
    """Give a partition's counts."""
    row = rows.get(_KEY)
    return SetAside() if row is None else SetAside(row.late, row.dead)
