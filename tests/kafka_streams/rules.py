"""Where the contract differs from Kafka Streams: each difference by name. README.md shows them.

A rule is no tolerance: where it is used, what may differ, and to what, is checked exactly.
"""

from collections import Counter
from dataclasses import dataclass, field

RULES = {
    "window-at-no-event": (
        "sliding: Kafka Streams also keeps windows that end at no event, or at an event that came"
        " when the window that ends there was closed; the contract has none of them"
    ),
    "late-but-for-those": (
        "sliding: an event that Kafka Streams counts in such windows only is late by the contract"
    ),
    "behind-the-grace": (
        "sliding: of events that came when the windows that end at them were closed, Kafka Streams"
        " counts in a window made later those that it finds in a neighbour; the contract those"
        " that were not late"
    ),
    "before-the-start": (
        "sliding: of such events Kafka Streams may also count some that lie before the window's"
        " start, when it takes over the contents of a window that began earlier"
    ),
    "made-anew": (
        "sliding: a window that starts just after an event behind the grace is made with the newest"
        " event alone, without those in time that lie in it; it and windows that take over its"
        " contents lack them"
    ),
    "near-the-epoch": (
        "sliding: Kafka Streams has no window that starts before the epoch, but one from 0 for all"
        " that is before its end"
    ),
    "suppress-early": (
        "sliding, sessions: suppress takes a window for closed, and lets it out, one millisecond of"
        " stream time before the aggregation does, and again with each change in that millisecond"
    ),
    "store-early": (
        "sessions, with the retention that Kafka Streams chooses: the store forgets a session in"
        " the last millisecond in which it is open"
    ),
    "reopened": (
        "sessions, with a longer retention: an event in time merges with closed sessions that the"
        " store still holds"
    ),
}


@dataclass(slots=True)
class Report:
    """What a comparison found: differences that no rule covers, and how often each rule was
    used."""

    differences: list[str] = field(default_factory=list)
    uses: Counter[str] = field(default_factory=Counter)

    def differ(self, what: str, where: object, ours: object, kafka: object) -> None:
        self.differences.append(f"{what}: {where}: ours {ours}, Kafka Streams {kafka}")

    def use(self, rule: str, times: int = 1) -> None:
        if times:
            assert rule in RULES
            self.uses[rule] += times
