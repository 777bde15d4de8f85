"""What goes wrong when: a list of faults that follows from a seed, to be had again."""

import random
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.engine import failpoints


class Kind(StrEnum):
    """Kinds of faults; the values are the names in the report."""

    KILL = "kill -9 at random"
    FAILPOINT = "kill -9 at a failpoint"
    ZOMBIE = "zombie"
    BROKER_KILL = "broker kill -9"
    BROKER_PAUSE = "broker stopped"
    SCALE = "scale change"
    DAMAGE = "store damage"
    PROXY = "proxy fault"
    HIJACK = "hijacked transactional id"


DAMAGES = ("delete", "truncate", "flip", "older")
BEYOND = ("session", "transaction", "session")
"""What a zombie sleeps longer than, in turn."""
PAUSES = (5.0, 20.0, 70.0, 5.0)
SCALES = (4, 2, 1, 3)
POINTS = tuple(name for name in failpoints.NAMES if name != failpoints.AT_SHUTDOWN)


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault. `after`: seconds since the end of the one before; `target`: which of the running
    workers, modulo their number; `seconds`: how long it lasts (a worker stays down, the broker
    stays away); `overlap`: the next one does not wait until all is well again.
    """

    number: int
    kind: Kind
    after: float
    target: int = 0
    detail: str = ""
    seconds: float = 0.0
    overlap: bool = False

    def __str__(self) -> str:
        more = f" {self.detail}" if self.detail else ""
        ends = ", the next one at once" if self.overlap else ""
        return (
            f"#{self.number} +{self.after:.2f} s: {self.kind.value}{more}, target {self.target}, "
            f"{self.seconds:.2f} s{ends}"
        )


@dataclass(frozen=True)
class Schedule:
    """All faults of a run in their order. `wanted`: how many of each kind have to strike."""

    seed: int
    faults: tuple[Fault, ...]
    wanted: Mapping[Kind, int]

    def __str__(self) -> str:
        return "\n".join(str(fault) for fault in self.faults)

    @property
    def by_name(self) -> dict[str, int]:
        """`wanted` by the names in the report."""
        return {kind.value: number for kind, number in self.wanted.items()}

    def without(self, kinds: Iterable[Kind]) -> "Schedule":
        """The same faults but those of some kinds."""
        gone = set(kinds)
        kept = tuple(fault for fault in self.faults if fault.kind not in gone)
        return Schedule(self.seed, kept, {k: n for k, n in self.wanted.items() if k not in gone})


def make_schedule(seed: int, wanted: Mapping[Kind, int]) -> Schedule:
    """Same seed and numbers, same schedule. Each kind's faults follow from the seed alone."""
    made = [make_fault(seed, kind, index) for kind in Kind for index in range(wanted.get(kind, 0))]
    random.Random(f"{seed}/order").shuffle(made)
    numbered = [
        Fault(n, f.kind, f.after, f.target, f.detail, f.seconds, f.overlap)
        for n, f in enumerate(made, 1)
    ]
    return Schedule(seed, tuple(scaled(numbered)), dict(wanted))


def make_fault(seed: int, kind: Kind, index: int, number: int = 0) -> Fault:
    """The `index`-th fault of a kind."""
    dice = random.Random(f"{seed}/{kind.name}/{index}")
    after, target = round(dice.uniform(0.2, 2.0), 2), dice.randrange(12)
    detail, seconds = particulars(kind, index, dice)
    overlap = kind in (Kind.KILL, Kind.FAILPOINT) and dice.random() < 0.15
    return Fault(number, kind, after, target, detail, round(seconds, 2), overlap)


def particulars(kind: Kind, index: int, dice: random.Random) -> tuple[str, float]:
    """What is done exactly, and for how long."""
    match kind:
        case Kind.KILL:
            return "", dice.choice((0.0, dice.uniform(0, 3)))
        case Kind.FAILPOINT:
            name = POINTS[index % len(POINTS)]
            often = 1 if name in (failpoints.IN_RECOVERY, failpoints.ON_REVOKE) else 2
            return f"{name}:{often + (dice.randrange(8) if often > 1 else 0)}", 0.0
        case Kind.ZOMBIE:
            return BEYOND[index % len(BEYOND)], dice.uniform(0.5, 2)
        case Kind.BROKER_KILL:
            return "", dice.uniform(0, 3)
        case Kind.BROKER_PAUSE:
            return "", PAUSES[index % len(PAUSES)]
        case Kind.SCALE:
            return str(SCALES[index % len(SCALES)]), 0.0
        case Kind.DAMAGE:
            return DAMAGES[index % len(DAMAGES)], 0.0
        case Kind.PROXY | Kind.HIJACK:
            return str(index), 0.0


def scaled(faults: Iterable[Fault]) -> Iterable[Fault]:
    """Scale changes in the order of `SCALES`, wherever they came to stand."""
    index = 0
    for f in faults:
        if f.kind is Kind.SCALE:
            to = str(SCALES[index % len(SCALES)])
            index += 1
            yield Fault(f.number, f.kind, f.after, f.target, to, f.seconds, f.overlap)
        else:
            yield f
