"""Reading a view of one user from this worker's committed state, in pieces where it is long."""

from collections.abc import Generator
from dataclasses import dataclass

from app.web.membership import Membership, Snapshot
from app.web.turns import Turns
from app.web.user_view import Selection, UserView
from models.topics import Catalogue
from tables.rules import Rules


@dataclass(frozen=True)
class UserReads:
    """The state of the partitions that this worker owns; `turns`: shared by all its long reads."""

    membership: Membership
    turns: Turns
    rules: Rules
    catalogue: Catalogue

    async def read(self, number: int, view: UserView, user_id: str, wanted: Selection) -> bytes:
        """Give the JSON of the answer about a user of partition `number`, as of one commit.

        Raises ProblemError where this worker must not answer for it, or too many long answers are
        under way.
        """
        begun = self.membership.read(number, lambda state: self.begin(state, view, user_id, wanted))
        if begun.body is not None:
            return begun.body
        with self.turns.callers.take():
            return await begun.end(self.turns)

    def begin(self, state: Snapshot, view: UserView, user_id: str, wanted: Selection) -> "Reading":
        """Read all that is needed of the state."""
        return Reading(view.read(state, user_id, self.rules, self.catalogue, wanted))


class Reading:
    """A read that has begun: it asks the state no more. `body`: the answer, once it is whole."""

    def __init__(self, pieces: Generator[None, None, bytes]) -> None:
        """Run the first piece, which is all of a short answer."""
        self._pieces = pieces
        self.body: bytes | None = None
        self._step()

    async def end(self, turns: Turns) -> bytes:
        """Give the answer, after the rest of its pieces, each in its turn."""
        while self.body is None:
            await turns.run(self._step)
        return self.body

    def _step(self) -> None:
        try:
            next(self._pieces)
        except StopIteration as end:
            self.body = end.value
