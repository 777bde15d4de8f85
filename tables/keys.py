"""Keys of rows: big-endian, so that bytes sort as users, times and numbers do."""

from functools import lru_cache
from struct import Struct

from tables.row import KeyCodec

_U16 = Struct(">H")
_I64 = Struct(">q")
_TIME_NUMBER = Struct(">qI")
_NUMBER = Struct(">I")

UserTime = tuple[str, int]
TimeNumber = tuple[int, int]


@lru_cache(maxsize=32_768)
def _user(user_id: str) -> bytes:
    data = user_id.encode()
    return _U16.pack(len(data)) + data


def _user_of(key: bytes) -> str:
    return key[2:].decode()


def _user_time(key: UserTime) -> bytes:
    return _user(key[0]) + _I64.pack(key[1])


def _user_time_of(key: bytes) -> UserTime:
    return key[2:-8].decode(), _I64.unpack(key[-8:])[0]


def _user_number(key: UserTime) -> bytes:
    return _user(key[0]) + _NUMBER.pack(key[1])


def _user_number_of(key: bytes) -> UserTime:
    return key[2:-4].decode(), _NUMBER.unpack(key[-4:])[0]


def _time_of(key: bytes) -> int:
    return int(_I64.unpack(key)[0])


def _time_number(key: TimeNumber) -> bytes:
    return _TIME_NUMBER.pack(*key)


def _time_number_of(key: bytes) -> TimeNumber:
    time, number = _TIME_NUMBER.unpack(key)
    return time, number


USER = KeyCodec(_user, _user_of)
"""A user: no user's key is the start of another's."""

USER_TIME = KeyCodec(_user_time, _user_time_of)
"""A user and a time in ms, not negative: a user's rows lie together, in order of time."""

USER_NUMBER = KeyCodec(_user_number, _user_number_of)
"""A user and the number of a part, below 2**32."""

TIME = KeyCodec(_I64.pack, _time_of)
"""A time in ms, not negative."""

TIME_NUMBER = KeyCodec(_time_number, _time_number_of)
"""A time in ms, not negative, and a number below 2**32."""

LAST_TIME = 2**63 - 1
"""Above every time that occurs."""
