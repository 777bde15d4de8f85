"""Whether a stored state can be gone on with, by this version, these settings, these offsets."""

from collections.abc import Mapping, Sequence

from app.engine.errors import ShapeError
from app.engine.metadata import LAYOUT, Metadata, other_topics, shape
from app.settings import Settings


def check_shape(stored: Metadata, count: int, settings: Settings, sources: Sequence[str]) -> None:
    """Raise ShapeError where this version and these settings do not fit the state."""
    if stored.layout == 0:
        raise ShapeError(
            "a `streamjoin groups reset-offsets` was broken off: run it again to its end"
        )
    if stored.layout != LAYOUT:
        raise ShapeError(
            f"the state has layout {stored.layout}, this version reads {LAYOUT}: run the "
            "version that wrote it, or start over with `streamjoin groups reset-offsets --to "
            "earliest`"
        )
    if stored.partitions != count:
        raise ShapeError(
            f"the state is of {stored.partitions} partitions, the topics have {count}: give "
            "the topics their former number, or another app_id (STREAMJOIN_APP_ID)"
        )
    now = shape(settings.rules())
    for name, value in now.items():
        if stored.shape.get(name) != value:
            raise ShapeError(
                f"{name} was {stored.shape.get(name)} ms when the state was written and is "
                f"{value} ms now: set it back, or start over with `streamjoin groups "
                "reset-offsets --to earliest`"
            )
    renamed = other_topics(stored.offsets, sources)
    if renamed is not None:
        raise ShapeError(renamed)


def apart(number: int, stored: Metadata | None, app_id: str, held: Mapping[str, int]) -> str:
    """Say that state and offsets do not agree, and the mildest remedy."""
    group = f"the group {app_id} has committed {dict(held) or 'nothing'}"
    if stored is None:
        return (
            f"partition {number}: {group}, and there is no state: its changelog was deleted "
            "or emptied; stop all workers and run `streamjoin groups reset-offsets --to "
            "earliest`, which starts over"
        )
    missing = sorted(stored.offsets.keys() - held.keys())
    if held and missing:
        begin = " ".join(f"--from {topic}=earliest" for topic in missing)
        return (
            f"partition {number}: the state is at {stored.offsets}, {group}: the broker deletes "
            f"offsets with their topic, so if {', '.join(missing)} was made anew, run `streamjoin "
            f"groups skip-gap {begin}`, else `streamjoin groups reset-offsets --to state`; both "
            "keep the state"
        )
    return (
        f"partition {number}: the state is at {stored.offsets}, {group}: stop all workers and "
        "run `streamjoin groups reset-offsets --to state`, which sets the group's offsets to "
        "the state's; nothing is computed again"
    )
