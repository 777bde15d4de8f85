"""How a partition finds the record for which no commit can be made, and goes on without it.

What an agent makes only once a commit (`Work.before_commit`) and the encoding of rows may raise
like a handler does, but for all that was taken since the last commit. It is done again in pieces
that are committed one by one, of an eighth of what failed, and a piece that fails in pieces of an
eighth of it: an eighth eight times, so that some ten records in a thousand go alone.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from app.engine.errors import TooLargeError
from models.dead_letters import ErrorType, Rejected

_PARTS = 8


def verdict(
    item: Any,  # noqa: ANN401 (an event of any flow)
    cause: BaseException | None,
    where: str,
    attempts: int,
    max_attempts: int,
) -> Rejected | None:
    """Give the dead letter to be made of a record that raised; None: it is to be tried again.

    `attempts`: how often it has raised by now; `where`: in what, for the dead letter's message.
    """
    if isinstance(cause, TooLargeError):
        return Rejected(ErrorType.TOO_LARGE, str(cause), item.source)
    if attempts >= max_attempts:
        raised = f"{where} raised {type(cause).__name__}"
        return Rejected(ErrorType.HANDLER, raised, item.source)
    return None


class _Mark:
    """Pieces of `size` records until what is committed has reached `offsets`, by topic."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.offsets: dict[str, int] = {}

    def reach(self, offsets: Mapping[str, int]) -> None:
        for topic, offset in offsets.items():
            self.offsets[topic] = max(offset, self.offsets.get(topic, 0))

    def reached(self, offsets: Mapping[str, int]) -> bool:
        return all(offsets[topic] >= offset for topic, offset in self.offsets.items())


class Pieces:
    """One partition's. Active from a commit that could not be made until one behind its place."""

    def __init__(self, most: int, max_attempts: int) -> None:
        """`most`: records of one flow at a time where nothing has failed."""
        self._most = most
        self._max_attempts = max_attempts
        # The last one lies inside of those before it.
        self._marks: list[_Mark] = []
        self._attempts: Counter[tuple[str, int]] = Counter()
        self._rejected: dict[tuple[str, int], Rejected] = {}

    @property
    def active(self) -> bool:
        """Whether each piece, of one flow alone, is to be committed by itself."""
        return bool(self._marks)

    @property
    def size(self) -> int:
        """How many records of a flow to take at a time."""
        return min(self._marks[-1].size, self._most) if self._marks else self._most

    def sort_out(self, items: Sequence[Any]) -> list[Any]:
        """Put dead letters in place of the records for which no commit could be made."""
        return [self._rejected.get((item.source.topic, item.source.offset), item) for item in items]

    def failed(
        self, error: Exception, taken: int, last: Sequence[Any], offsets: Mapping[str, int]
    ) -> None:
        """Note that no commit could be made of `taken` records: they will come again.

        `last`: the last ones taken; `offsets`: behind all of them, by topic. Raises the error if
        no record can be blamed: nothing was taken, or what fails is a dead letter already.
        """
        if taken == 0:
            raise error
        if taken == 1:
            self._blame(last[-1], error)
        size = max(taken // _PARTS, 1)
        if not self._marks or self._marks[-1].size > size:
            self._marks.append(_Mark(size))
        self._marks[-1].reach(offsets)

    def _blame(self, item: Any, error: Exception) -> None:  # noqa: ANN401
        place = (item.source.topic, item.source.offset)
        self._attempts[place] += 1
        attempts = self._attempts[place]
        if not isinstance(item, Rejected):
            rejected = verdict(item, error, "the commit", attempts, self._max_attempts)
            if rejected is not None:
                self._rejected[place] = rejected
                del self._attempts[place]
        elif attempts >= self._max_attempts:
            raise error

    def committed(self, offsets: Mapping[str, int]) -> None:
        """Note what has been committed, by topic: larger pieces again behind what failed."""
        while self._marks and self._marks[-1].reached(offsets):
            self._marks.pop()
        if not self._marks:
            self._attempts.clear()
            self._rejected.clear()
