"""What came out of a trial."""

from dataclasses import dataclass, field


@dataclass
class Outcome:
    """`wrong`: differences as `check: text`. `evidence`: of the faults that struck.

    `ended`: why the scenario did not come to its end, or to rest; never a proof of anything.
    `faults`: whether there were any to strike.
    """

    scenario: str
    seed: int
    evidence: list[str]
    wrong: list[str] = field(default_factory=list)
    ended: str = ""
    seconds: float = 0.0
    faults: bool = True

    def checks(self) -> dict[str, int]:
        """{name of a check: its differences}, most first."""
        names = [line.partition(": ")[0] for line in self.wrong]
        return {n: names.count(n) for n in sorted(set(names), key=lambda n: (-names.count(n), n))}

    @property
    def is_right(self) -> bool:
        """Nothing wrong, all of the scenario done, and its faults struck."""
        return not self.wrong and not self.ended and bool(self.evidence) == self.faults

    @property
    def is_caught(self) -> bool:
        """A check of the oracle found a wrong result; a stop or a standstill proves nothing."""
        return bool(self.wrong) and bool(self.evidence)
