"""What goes wrong when: a list of faults that follows from a seed, to be had again."""

import random
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from app.engine import failpoints
from tests.chaos.proxy import Action, Api


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
    BROKER_OF_THREE = "broker of three"
    PARTITION = "network partition"
    LATE_MARKERS = "late markers"
    SLOW_LINK = "slow link"
    TOPIC_DELETED = "topic deleted"
    DISK_FULL = "disk full"


DAMAGES = ("delete", "truncate", "flip", "older")
BEYOND_TRANSACTION = "transaction"
BEYOND = ("session", BEYOND_TRANSACTION, "session")
"""What a zombie sleeps longer than, in turn."""
THREE = (
    *("kill", "freeze 15 s", "leaders", "two killed", "stop"),
    *("kill", "freeze 15 s", "leaders", "rolling", "stop"),
    *("kill", "freeze 15 s", "leaders", "freeze 60 s", "stop"),
    *("kill", "freeze 15 s", "leaders", "two frozen", "stop"),
    *("kill", "freeze 15 s", "leaders", "stop"),
)
"""What happens to brokers of three: to one of them, to each in turn, to two together."""
WITH_COORDINATOR = "with the coordinator"
CUT_OFF = ("without the coordinator", WITH_COORDINATOR)
"""Which broker a worker is cut off with."""
MARKERS = ("kill", "rebalance", "alone")
"""What happens while a transaction's markers are late."""
DELETED = ("clicks", "enriched-purchases", "changelog", "partials")
PAUSES = (5.0, 20.0, 70.0, 5.0)
SCALES = (4, 2, 1)
"""Numbers of workers, in turn; the first is reached from the last one."""
IN_TURN: Mapping[Kind, Sequence[str]] = {
    Kind.ZOMBIE: BEYOND,
    Kind.SCALE: tuple(map(str, SCALES)),
    Kind.DAMAGE: DAMAGES,
    Kind.BROKER_OF_THREE: THREE,
    Kind.PARTITION: CUT_OFF,
    Kind.LATE_MARKERS: MARKERS,
    Kind.TOPIC_DELETED: DELETED,
}
REQUESTS = (Api.END_TXN, Api.TXN_OFFSET_COMMIT, Api.ADD_OFFSETS_TO_TXN, Api.PRODUCE)
ACTIONS = (
    Action.DROP_ANSWER,
    Action.DROP_REQUEST,
    Action.HOLD_ANSWER,
    Action.SWALLOW_ANSWER,
    Action.HOLD_REQUEST,
    Action.SWALLOW_REQUEST,
    Action.DELIVER_LATE,
)
OPENING = (Api.INIT_PRODUCER_ID, Api.HEARTBEAT)
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

    @property
    def form(self) -> str:
        """Which of its kind's forms it has, where there are several: each has to strike."""
        match self.kind:
            case Kind.FAILPOINT:
                return self.detail.partition(":")[0]
            case Kind.BROKER_PAUSE:
                return f"{self.seconds:g} s"
            case Kind.SCALE:
                return f"to {self.detail}"
            case Kind.PROXY:
                api, action = proxied(int(self.detail))
                return f"{action.value} of {api.name}"
            case _:
                return self.detail

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

    @property
    def forms(self) -> dict[str, dict[str, int]]:
        """{kind: {form: how many of it have to strike}}."""
        counted = Counter((fault.kind, fault.form) for fault in self.faults)
        return {
            kind.value: {form: n for (of, form), n in sorted(counted.items()) if of is kind}
            for kind in self.wanted
        }

    def first(self, kind: str, form: str) -> Fault:
        """The first fault of this form."""
        return next(f for f in self.faults if f.kind.value == kind and f.form == form)

    def without(self, kinds: Iterable[Kind]) -> "Schedule":
        """The same faults but those of some kinds."""
        gone = set(kinds)
        kept = tuple(fault for fault in self.faults if fault.kind not in gone)
        return Schedule(self.seed, kept, {k: n for k, n in self.wanted.items() if k not in gone})


def make_schedule(seed: int, wanted: Mapping[Kind, int]) -> Schedule:
    """Same seed and numbers, same schedule. Each kind's faults follow from the seed alone."""
    made = [make_fault(seed, kind, index) for kind in Kind for index in range(wanted.get(kind, 0))]
    random.Random(f"{seed}/order").shuffle(made)
    numbered = [replace(fault, number=number) for number, fault in enumerate(made, 1)]
    return Schedule(seed, tuple(scaled(numbered)), dict(wanted))


def again(seed: int, fault: Fault, number: int) -> Fault:
    """The same form of the same fault at another moment, alone."""
    dice = random.Random(f"{seed}/again/{number}")
    after, target = round(dice.uniform(0.2, 2.0), 2), dice.randrange(12)
    return replace(fault, number=number, after=after, target=target, overlap=False)


def make_fault(seed: int, kind: Kind, index: int) -> Fault:
    """The `index`-th fault of a kind, without a number."""
    dice = random.Random(f"{seed}/{kind.name}/{index}")
    after, target = round(dice.uniform(0.2, 2.0), 2), dice.randrange(12)
    detail, seconds = particulars(kind, index, dice)
    overlap = kind in (Kind.KILL, Kind.FAILPOINT) and dice.random() < 0.15
    return Fault(0, kind, after, target, detail, round(seconds, 2), overlap)


def particulars(kind: Kind, index: int, dice: random.Random) -> tuple[str, float]:
    """What is done exactly, and for how long."""
    match kind:
        case Kind.FAILPOINT:
            name = POINTS[index % len(POINTS)]
            often = 1 if name in (failpoints.IN_RECOVERY, failpoints.ON_REVOKE) else 2
            return f"{name}:{often + (dice.randrange(8) if often > 1 else 0)}", 0.0
        case Kind.BROKER_PAUSE:
            return "", PAUSES[index % len(PAUSES)]
        case Kind.PROXY:
            return str(index), 0.0
        case _:
            turns = IN_TURN.get(kind, ("",))
            detail = turns[index % len(turns)]
            return detail, lasting(kind, detail, dice)


def lasting(kind: Kind, detail: str, dice: random.Random) -> float:
    """For how long, in seconds."""
    match kind, detail.split():
        case Kind.KILL, _:
            return dice.choice((0.0, dice.uniform(0, 3)))
        case Kind.ZOMBIE, _:
            return dice.uniform(0.5, 2)
        case Kind.LATE_MARKERS, _:
            return dice.uniform(3, 12)
        case Kind.BROKER_OF_THREE, ["freeze", seconds, _]:
            return float(seconds)
        case Kind.BROKER_OF_THREE, ["two", _]:
            return dice.uniform(8, 16)
        case ((Kind.BROKER_KILL | Kind.BROKER_OF_THREE), _):
            return dice.uniform(0, 3)
        case _:
            return 0.0


def proxied(index: int) -> tuple[Api, Action]:
    """What the `index`-th fault of the proxy strikes, and how."""
    api = REQUESTS[index % len(REQUESTS)] if index % 6 else OPENING[index // 6 % 2]
    return api, ACTIONS[index % len(ACTIONS)]


def scaled(faults: Iterable[Fault]) -> Iterable[Fault]:
    """Scale changes in the order of `SCALES`, wherever they came to stand."""
    index = 0
    for f in faults:
        if f.kind is Kind.SCALE:
            yield replace(f, detail=str(SCALES[index % len(SCALES)]))
            index += 1
        else:
            yield f
