"""Whether the group's offsets, the state's and what the topics hold fit each other."""

from collections.abc import Iterator

from app.engine.metadata import other_topics
from app.errors import UserError
from app.gaps import standing
from app.groups.moves import Group, Standing, the_group
from app.groups.stored import unusable
from app.operations.check.finding import Finding, ok, wrong
from app.settings import Settings

_AREA = "offsets"


async def check_offsets(settings: Settings, changelog: str) -> list[Finding]:
    """Look at each partition, and again at those that differ."""
    try:
        group = await the_group(settings, changelog)
        found = await group.look()
        apart = [at.partition for at in found if _apart(group, at)]
        again = await group.look(apart) if apart else []
    except UserError as error:
        return [wrong(_AREA, str(error))]
    # Workers may be committing: what differs has to stand still.
    settled = [at for at in found if at in again or not _apart(group, at)]
    wrongs = [finding for at in settled for finding in _partition(group, at)]
    text = "those of the state, and the topics hold what is to be read next"
    return wrongs or [ok(_AREA, text)]


def _apart(group: Group, at: Standing) -> bool:
    exact = group.settings.processing_guarantee == "exactly_once"
    wanted = {} if at.row is None else at.row.offsets
    return (exact or at.row is None) and wanted != at.committed


def _partition(group: Group, at: Standing) -> Iterator[Finding]:
    row = at.row
    why = row and (unusable(at.partition, row) or other_topics(row.offsets, group.sources))
    if why:
        yield wrong(_AREA, why)
    elif row is None and at.committed:
        yield wrong(
            _AREA,
            f"partition {at.partition} has offsets and no state: start over with `streamjoin "
            "groups reset-offsets --to earliest`",
        )
    elif _apart(group, at):
        yield wrong(
            _AREA,
            f"partition {at.partition}: the group's offsets are not those of the state: run "
            "`streamjoin groups reset-offsets --to state`",
        )
    elif gaps := at.gaps():
        yield wrong(_AREA, standing(at.partition, gaps))
