"""What a run found: which faults struck, and which named checks of the oracle failed."""

import math
from typing import Any

import msgspec

LIVENESS = frozenset({"rest", "ready", "worker-exit", "went-on", "error", "load", "views"})
"""Checks that say that something stood still or ended: no proof that a result is wrong."""
LOST = ("missing", "conservation")
TWICE = ("duplicates", "twice", "unexpected")
KILLS = ("kill -9 at random", "kill -9 at a failpoint")
"""What the limits `p95` and `worst` hold for."""
THREE = "broker of three"
BROKERS = ("broker kill -9", "broker stopped")
"""What the limit `broker` holds for, from the broker's return."""


def percentile(values: list[float], share: float) -> float:
    """The smallest value that so many are not above."""
    return sorted(values)[max(math.ceil(share * len(values)) - 1, 0)]


class Strike(msgspec.Struct):
    """One fault that was tried. `at`: epoch ms; `recovery_s`: from the fault to the first commit in
    each partition that it took away, None where it took none or another one came between; `form`:
    which of its kind's forms it had (`schedule.Fault.form`); `rejoin_s`: from the moment in which
    a zombie woke until it was a member of the group again; `standstill_s`: the longest time without
    a commit in any partition.
    """

    number: int
    kind: str
    detail: str
    at: int
    struck: bool
    evidence: str
    recovery_s: float | None = None
    warning: str = ""
    form: str = ""
    rejoin_s: float | None = None
    standstill_s: float | None = None

    def __str__(self) -> str:
        what = f"#{self.number} {self.kind} {self.form or self.detail}"
        return f"{what}: {'struck' if self.struck else 'NO'}, {self.evidence}"


class Report(msgspec.Struct):
    """One run. `failed`: {name of a check: its differences, at most some of them}; `forms`: {kind:
    {form: how many of it have to strike}}; `commit`, `dirty`: the build that ran, and whether its
    tree differed from it; `limits`: seconds for `p95` and `worst` of the recovery from kill -9, for
    the worst `broker` fault, and for the worst `rejoin` of a zombie; `killed` and `silent`: for the
    longest time without a commit, where one broker of three is killed, or frozen.
    """

    seed: int
    schedule: list[str]
    replay: str
    started: str
    wanted: dict[str, int]
    strikes: list[Strike] = []
    failed: dict[str, list[str]] = {}
    numbers: dict[str, Any] = {}
    logs: str = ""
    forms: dict[str, dict[str, int]] = {}
    commit: str = ""
    dirty: bool = False
    limits: dict[str, float] = {}

    def fail(self, check: str, text: str) -> None:
        """Note a difference under its check's name."""
        kept = self.failed.setdefault(check, [])
        if len(kept) < 50:
            kept.append(text)

    def take(self, differences: list[str]) -> None:
        """Note differences as the oracle's comparers write them: `check: text`."""
        for line in differences:
            check, _, text = line.partition(": ")
            self.fail(check, text)

    @property
    def wrong(self) -> dict[str, list[str]]:
        """Failed checks that prove a wrong result: what counts as a broken variant caught."""
        return {name: found for name, found in self.failed.items() if name not in LIVENESS}

    def struck(self, kind: str, form: str | None = None) -> int:
        """How many faults of a kind struck, or of one form of it."""
        return sum(s.struck for s in self.strikes if s.kind == kind and form in (None, s.form))

    def missing(self) -> dict[tuple[str, str | None], int]:
        """{(kind, form): how many are missing} where fewer struck than were wanted."""
        wanted: dict[tuple[str, str | None], int] = {}
        for kind, number in self.wanted.items():
            forms = self.forms.get(kind)
            if forms is None:
                wanted[kind, None] = number
            else:
                wanted.update({(kind, form): n for form, n in forms.items()})
        left = {place: number - self.struck(*place) for place, number in wanted.items()}
        return {place: number for place, number in left.items() if number > 0}

    def short_of(self) -> dict[str, int]:
        """The same by name, for people."""
        return {f"{kind} {form or ''}".rstrip(): n for (kind, form), n in self.missing().items()}

    def recoveries(self, *kinds: str) -> list[float]:
        """How long each fault of these kinds that struck took to be over, where that is known."""
        times = (s.recovery_s for s in self.strikes if s.kind in kinds and s.struck)
        return sorted(time for time in times if time is not None)

    def rejoins(self) -> list[float]:
        """How long each zombie that struck took until it was a member again."""
        times = (s.rejoin_s for s in self.strikes if s.struck)
        return sorted(time for time in times if time is not None)

    def standstills(self, kind: str, form: str) -> list[float]:
        """How long all stood in faults of this kind that struck, in forms that begin so."""
        struck = [s for s in self.strikes if s.kind == kind and s.struck]
        times = (s.standstill_s for s in struck if s.form.startswith(form))
        return sorted(time for time in times if time is not None)

    def too_slow(self) -> list[str]:
        """Where recovery is beyond the limits, if the run has such."""
        kills, brokers = self.recoveries(*KILLS), self.recoveries(*BROKERS)
        killed, silent = (max(self.standstills(THREE, f), default=0.0) for f in ("kill", "freeze"))
        found = {
            "killed": ("without a commit, one broker of three killed, worst", killed),
            "silent": ("without a commit, one broker of three silent, worst", silent),
            "p95": ("on again after kill -9, p95", percentile(kills, 0.95) if kills else 0.0),
            "worst": ("on again after kill -9, worst", max(kills, default=0.0)),
            "broker": ("on again after the broker's return, worst", max(brokers, default=0.0)),
            "rejoin": ("a zombie is a member again, worst", max(self.rejoins(), default=0.0)),
        }
        return [
            f"{found[name][0]}: {found[name][1]:.1f} s, the limit is {limit:.1f} s"
            for name, limit in self.limits.items()
            if found[name][1] > limit
        ]

    def describe(self) -> str:
        """All that somebody needs who looks for the cause."""
        lines = [f"seed={self.seed}", f"replay: {self.replay}", f"logs: {self.logs}", "schedule:"]
        lines += [f"  {line}" for line in self.schedule]
        lines += ["struck:"]
        lines += [f"  {strike}" for strike in self.strikes]
        for name, found in self.failed.items():
            lines += [f"FAILED {name}: {len(found)}", *(f"  {text}" for text in found[:8])]
        lines += [f"NOT REACHED {kind}: {n} short" for kind, n in self.short_of().items()]
        return "\n".join([*lines, *(f"TOO SLOW {line}" for line in self.too_slow())])
