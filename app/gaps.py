"""Records that are to be read next and that their topic no longer has, or does not have yet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from aiokafka import TopicPartition

Offsets = Mapping[TopicPartition, int]

SKIP = "streamjoin groups skip-gap"
"""The command that leads out, with the state kept."""


class Gap(NamedTuple):
    """A partition of a topic that has nothing at `at`, the offset to be read next.

    It holds `first` to `end`, exclusive. Before them: its first records were deleted unread.
    Behind them: the topic was made anew, or its brokers have lost records.
    """

    topic: str
    partition: int
    at: int
    first: int
    end: int

    @property
    def before(self) -> bool:
        """Whether the records that it lacks lie before those that it has."""
        return self.at < self.first

    @property
    def gone(self) -> int:
        """How many offsets were deleted before they were read; 0 where it ends before `at`."""
        return max(self.first - self.at, 0)

    def what(self) -> str:
        """Say what is gone."""
        place = f"topic {self.topic} partition {self.partition}"
        if self.before:
            return (
                f"{place}: offsets {self.at} to {self.first - 1} ({self.gone}) were deleted before "
                "they were read, by retention or by hand"
            )
        return (
            f"{place} ends at offset {self.end}, before {self.at}, which is to be read next: the "
            "topic was made anew, or its brokers have lost records"
        )


def gaps_of(offsets: Offsets, first: Offsets, end: Offsets) -> Iterator[Gap]:
    """Give what the topics lack of what is to be read next, in the order of their names.

    `offsets`: of the next records; `first`, `end`: of what there is, of each partition looked at.
    """
    for tp in sorted(offsets.keys() & first.keys()):
        if not first[tp] <= offsets[tp] <= end[tp]:
            yield Gap(tp.topic, tp.partition, offsets[tp], first[tp], end[tp])


def remedy(gaps: Sequence[Gap]) -> str:
    """Say which command leads out of these gaps."""
    behind = sorted({gap.topic for gap in gaps if not gap.before})
    if not behind:
        return f"`{SKIP}` goes on behind it"
    anew = " ".join(f"--from {topic}=earliest" for topic in behind)
    return (
        f"`{SKIP} {anew}` goes on with the first record of a topic that was made anew, `latest` "
        "in its place behind the last one"
    )


def standing(partition: int, gaps: Sequence[Gap]) -> str:
    """Say in one line why a partition stands, and what to do."""
    what = "; ".join(gap.what() for gap in gaps)
    return f"partition {partition} stands still, its state is kept: {what}; {remedy(gaps)}"
