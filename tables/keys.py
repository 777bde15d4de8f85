"""Keys of rows: big-endian, so that bytes sort as users, times and numbers do."""

from struct import Struct

_U16 = Struct(">H").pack
_I64 = Struct(">q")
_USER_TIME = Struct(">q")
_SEQUENCE = Struct(">I").pack


def user_prefix(user_id: str) -> bytes:
    """Prefix of all rows of a user: no user's prefix is the start of another's."""
    data = user_id.encode()
    return _U16(len(data)) + data


def user_time_key(prefix: bytes, time: int) -> bytes:
    """Key of a user's row of the time bucket that starts at `time` (ms, not negative)."""
    return prefix + _I64.pack(time)


def part_key(row_key: bytes, number: int) -> bytes:
    """Key of the `number`-th overflow part of a row: it sorts right behind the row."""
    return row_key + _SEQUENCE(number)


def time_key(time: int) -> bytes:
    """Key that sorts by a time in ms, not negative."""
    return _I64.pack(time)


def time_of(key: bytes) -> int:
    """Inverse of `time_key`."""
    return int(_I64.unpack(key)[0])


def after(prefix: bytes) -> bytes:
    """The least key above every key that starts with `prefix` (not all 0xff)."""
    trimmed = prefix.rstrip(b"\xff")
    return trimmed[:-1] + bytes([trimmed[-1] + 1])
