"""What `/v1/workers` answers (contract 6): who owns what, how far behind, in which state."""

from typing import Literal

from models.answers import Answer, Count, Overall, Verdict


class PartitionState(Answer):
    """A partition of a worker. `recovering`: assigned, and not yet up to date with its changelog.

    `standing`: what it is to read next is gone; views answer as of its last commit, and the
    worker's reasons say what is gone and what to do.
    `unknown`: its worker does not answer. `lag`: records that are not committed yet, by topic, as
    far as that is known. `progress` and `lag_seconds`: how it moves, as in `PartitionProgress`;
    null where it is not running, or the broker has not said yet where its topics end.
    """

    partition: Count
    state: Literal["running", "recovering", "standing", "unknown"]
    lag: dict[str, Count]
    progress: Verdict | None
    lag_seconds: float | None


class WorkerState(Answer):
    """What a worker says of itself; `reasons`: why it is not ready.

    `standbys`: partitions of others that it keeps a copy of.
    """

    ready: bool
    reasons: list[str]
    partitions: list[PartitionState]
    standbys: list[Count]


class WorkerItem(Answer):
    """A worker of the group, under the URL that others forward to.

    `unreachable`: it did not answer this worker in time. Its partitions are those of the last
    assignment then, without what only it knows.
    """

    url: str
    state: Literal["ready", "not-ready", "unreachable"]
    reasons: list[str]
    partitions: list[PartitionState]
    standbys: list[Count]


class Workers(Overall):
    """The group's workers, by URL; `missing`: partitions that no worker says it runs."""

    workers: list[WorkerItem]
