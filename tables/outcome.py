"""What a fold says of a record that it did not, or not wholly, apply."""

from typing import NamedTuple


class Late(NamedTuple):
    """A record that came too late for a computation (contract 3).

    `by`: ms that its event time is behind `stream_time`, the computation's in that partition.
    """

    computation: str
    by: int
    stream_time: int
