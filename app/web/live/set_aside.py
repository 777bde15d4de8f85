"""Late events and dead letters of all partitions, added up."""

import msgspec

from app.web.membership import Snapshot
from app.web.overall import Parts, Question
from models.live import DeadLetterCount, SetAside
from tables import set_aside

PATH = "/v1/live/set-aside"


class SetAsidePart(msgspec.Struct, frozen=True):
    """A partition's: late events by computation, dead letters by topic and reason."""

    late: dict[str, int]
    dead: dict[str, dict[str, int]]


def set_aside_question() -> Question[SetAsidePart]:
    """Ask for a partition's counts."""
    return Question(PATH, {}, _read, SetAsidePart)


def _read(state: Snapshot) -> SetAsidePart:
    found = set_aside.view(state.rows(set_aside.SET_ASIDE))
    return SetAsidePart(found.late, found.dead)


def merge_set_aside(parts: Parts[SetAsidePart]) -> SetAside:
    """Add up the partitions' counts, in the order of names."""
    late: dict[str, int] = {}
    dead: dict[tuple[str, str], int] = {}
    for part in parts.found.values():
        for computation, count in part.late.items():
            late[computation] = late.get(computation, 0) + count
        for topic, reasons in part.dead.items():
            for reason, count in reasons.items():
                dead[topic, reason] = dead.get((topic, reason), 0) + count
    letters = [
        DeadLetterCount(topic=topic, reason=reason, count=count)
        for (topic, reason), count in sorted(dead.items())
    ]
    return SetAside(
        late_events=dict(sorted(late.items())),
        dead_letters=letters,
        complete=not parts.missing,
        missing=parts.missing,
    )
