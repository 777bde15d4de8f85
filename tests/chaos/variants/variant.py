"""What a variant is."""

from dataclasses import dataclass

from tests.chaos.variants.edits import Edit


@dataclass(frozen=True)
class Variant:
    """A broken build: `breaks` names the rule of reliability.md, `like` where it was seen.

    `scenario`: the faults under which it shows, and which the right build passes.
    """

    name: str
    breaks: str
    like: str
    scenario: str
    edits: tuple[Edit, ...]

    def check(self) -> None:
        """See whether it fits the service as it is. Raises NoTargetError."""
        for edit in self.edits:
            edit.check()

    def apply(self) -> None:
        """Break the service in this process. Raises NoTargetError."""
        for edit in self.edits:
            edit.apply()
