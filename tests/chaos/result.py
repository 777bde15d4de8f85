"""What a run found: which faults struck, and which named checks of the oracle failed."""

from typing import Any

import msgspec

LIVENESS = frozenset({"rest", "ready", "worker-exit", "went-on", "error", "load"})
"""Checks that say that something stood still or ended: no proof that a result is wrong."""
LOST = ("missing", "conservation")
TWICE = ("duplicates", "twice", "unexpected")


class Strike(msgspec.Struct):
    """One fault that was tried. `at`: epoch ms; `recovery_s`: from the fault to the first commit in
    each partition that it took away, None where it took none or another one came between.
    """

    number: int
    kind: str
    detail: str
    at: int
    struck: bool
    evidence: str
    recovery_s: float | None = None
    warning: str = ""


class Report(msgspec.Struct):
    """One run. `failed`: {name of a check: its differences, at most some of them}."""

    seed: int
    schedule: list[str]
    replay: str
    started: str
    wanted: dict[str, int]
    strikes: list[Strike] = []
    failed: dict[str, list[str]] = {}
    numbers: dict[str, Any] = {}
    logs: str = ""

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

    def struck(self, kind: str) -> int:
        """How many faults of a kind struck."""
        return sum(strike.struck for strike in self.strikes if strike.kind == kind)

    def short_of(self) -> dict[str, int]:
        """{kind: how many are missing} where fewer struck than were wanted."""
        left = {kind: number - self.struck(kind) for kind, number in self.wanted.items()}
        return {kind: number for kind, number in left.items() if number > 0}

    def describe(self) -> str:
        """All that somebody needs who looks for the cause."""
        lines = [f"seed={self.seed}", f"replay: {self.replay}", f"logs: {self.logs}", "schedule:"]
        lines += [f"  {line}" for line in self.schedule]
        lines += ["struck:"]
        lines += [
            f"  #{s.number} {s.kind} {s.detail}: {'struck' if s.struck else 'NO'}, {s.evidence}"
            for s in self.strikes
        ]
        for name, found in self.failed.items():
            lines += [f"FAILED {name}: {len(found)}", *(f"  {text}" for text in found[:8])]
        lines += [f"NOT REACHED {kind}: {n} short" for kind, n in self.short_of().items()]
        return "\n".join(lines)
