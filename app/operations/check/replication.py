"""Whether acknowledged records survive the loss of a broker."""

from collections.abc import Iterator, Mapping

from app.operations.check.finding import Finding, ok, warning, wrong
from app.operations.topics import KAFKAS_OWN, TopicState
from models.topic_configs import SAFE_COPIES

_AREA = "replication"
_HOLD_STATE = ("__transaction_state", "__consumer_offsets")


def check_replication(
    states: Mapping[str, TopicState], configs: Mapping[str, Mapping[str, str]]
) -> list[Finding]:
    """Look at the service's topics that it writes, and Kafka's two that hold its progress."""
    wanted = [
        state for name, state in states.items() if state.role not in ("", KAFKAS_OWN)
        or name in _HOLD_STATE
    ]  # fmt: skip
    found = [finding for state in wanted for finding in _topic(state, configs[state.name])]
    single = [state.name for state in wanted if state.replication < SAFE_COPIES]
    if single:
        found.append(
            warning(
                _AREA,
                f"{len(single)} topics have fewer than {SAFE_COPIES} copies: the loss of a disk "
                "loses records; use three brokers and topics create --replication-factor 3 "
                f"({', '.join(single)})",
            )
        )
    return found or [ok(_AREA, f"{SAFE_COPIES} copies or more, and all in sync")]


def _topic(state: TopicState, configs: Mapping[str, str]) -> Iterator[Finding]:
    name, copies = state.name, state.replication
    least = int(configs.get("min.insync.replicas", "1"))
    if least > copies:
        yield wrong(
            _AREA,
            f"{name} has min.insync.replicas={least} and {copies} copies: nothing can be written",
        )
    elif least == copies > 1:
        yield warning(
            _AREA,
            f"{name} has min.insync.replicas={least} and {copies} copies: with one broker down "
            "nothing can be written",
        )
    elif copies >= SAFE_COPIES and least < 2:
        yield warning(
            _AREA,
            f"{name} has min.insync.replicas={least}: records are acknowledged by one broker "
            "alone; set it to 2",
        )
    if configs.get("unclean.leader.election.enable") == "true":
        yield warning(
            _AREA,
            f"{name} has unclean.leader.election.enable=true: a copy that is behind may become "
            "the leader, and what it lacks is lost; set it to false",
        )
    yield from _partitions(state, least)


def _partitions(state: TopicState, least: int) -> Iterator[Finding]:
    """Say which partitions cannot be read or written now, and how many lack a copy."""
    name = state.name
    for partition in state.partitions:
        if partition.leader < 0:
            yield wrong(_AREA, f"{name} partition {partition.number} has no leader")
        elif least <= state.replication and len(partition.in_sync) < least:
            yield wrong(
                _AREA,
                f"{name} partition {partition.number} has {len(partition.in_sync)} copies in "
                f"sync, {least} are needed to write",
            )
    if state.lacking:
        yield warning(_AREA, f"{name}: a copy is behind in {state.lacking} partitions")
