"""What a view of one user is: where it reads, and how its answer is put together."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.web.membership import Snapshot
from app.web.parameters import DEFAULT_LIMIT, Query, Span
from models.answers import Answer, UserAnswer, instant
from models.encoding import encode, encode_items, encode_long
from models.topics import Catalogue, Topic
from tables.rules import Rules


class Selection(NamedTuple):
    """What of the view is wanted."""

    span: Span = Span()
    limit: int = DEFAULT_LIMIT


Fields = Callable[[Snapshot, str, int, Rules, Selection], dict[str, Any]]


@dataclass(frozen=True)
class UserView:
    """One view. `computation`: whose stream time it is as of; `topics`: whose offsets it shows.

    `select` reads its parameters; `fields` gives the members of `answer` beyond the common ones,
    of (state, user, stream time in ms or -1, rules, selection), their items as plain dicts: the
    model checks those faster than they could be made one by one. `long`: the member that may have
    tens of thousands of items, and their model; `fields` gives an iterator of lists of them.
    """

    name: str
    computation: str
    topics: tuple[Topic, ...]
    answer: type[UserAnswer]
    select: Callable[[Query], Selection]
    fields: Fields
    long: tuple[str, type[Answer]] | None = None

    def read(
        self, state: Snapshot, user_id: str, rules: Rules, catalogue: Catalogue, wanted: Selection
    ) -> Generator[None, None, bytes]:
        """Give the JSON of the answer about a user, in pieces; an unknown one has empty contents.

        All that is needed of the state is read before the first `yield`.
        """
        as_of = state.stream_time(self.computation)
        members = self.fields(state, user_id, as_of, rules, wanted)
        lists = members.pop(self.long[0]) if self.long else ()
        answer = self.answer(
            user_id=user_id,
            partition=state.number,
            as_of=None if as_of < 0 else instant(as_of),
            offsets=state.offsets(tuple(catalogue.name(topic) for topic in self.topics)),
            **members,
            **({self.long[0]: []} if self.long else {}),
        )
        if self.long is None:
            return encode(answer)
        name, kind = self.long
        items: list[bytes] = []
        for some in lists:
            if items:
                yield
            items.append(encode_items(kind, some))
        return encode_long(answer, name, items)
