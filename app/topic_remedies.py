"""What to do when something has happened to a topic, by what the topic is to the service.

The mildest thing that works: what is written again from the state on needs no reset.
"""

from collections.abc import Mapping
from typing import Final

_AGAIN: Final = "start the workers again; offsets and state stay as they are"
_RESET: Final = "stop all workers and run `streamjoin groups reset-offsets --to earliest`"
_CREATE: Final = "create it with `streamjoin topics create`"
OUTPUT, INPUT, INTERNAL = "out", "in", "internal"


def _begin(name: str) -> str:
    return f"`streamjoin groups skip-gap --from {name}=earliest`"


def deleted(name: str, roles: Mapping[str, str]) -> str:
    """Say what a topic that was deleted needs; `roles`: as `operations.topics.roles` gives them."""
    role = roles.get(name)
    if role == OUTPUT:
        return f"{_CREATE}, and {_AGAIN}"
    if role in (INPUT, INTERNAL):
        return f"{_CREATE}, and then: {made_anew(name, roles)}"
    return _RESET


def made_anew(name: str, roles: Mapping[str, str]) -> str:
    """Say what a topic needs that was deleted and created again."""
    role = roles.get(name)
    if role == OUTPUT:
        return _AGAIN
    if role == INPUT:
        return f"run {_begin(name)}, which keeps the state, and start the workers again"
    if role == INTERNAL:
        return (
            f"run {_begin(name)}, which keeps the state and goes on without the sums that were not "
            "merged yet, or `streamjoin groups reset-offsets --to earliest`, which computes all "
            "again"
        )
    return _RESET


def more_partitions(name: str, was: int, roles: Mapping[str, str]) -> str:
    """Say what a topic needs that was given more partitions than the `was` of all others."""
    if roles.get(name) == OUTPUT:
        return (
            f"export what you need of it, delete it with `streamjoin topics delete {name}`, create "
            f"it with `streamjoin topics create --partitions {was}`, and {_AGAIN}"
        )
    return (
        "keys are sent elsewhere now: create all topics anew, with the same number of partitions, "
        f"{_RESET}"
    )
