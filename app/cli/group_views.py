"""`streamjoin groups list` and `describe`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.lag import show_lag
from app.cli.options import BrokerFlag, JsonFlag, show_json, show_table
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from aiokafka import TopicPartition


def list_groups(broker: BrokerFlag = None, as_json: JsonFlag = False) -> None:
    """List the broker's consumer groups, with their states."""
    settings = load_settings(broker=broker)
    with quiet_client():
        run_work(_list(settings, as_json=as_json))


async def _list(settings: Settings, *, as_json: bool) -> None:
    from app.groups.admin import group_names, group_states

    states = await group_states(settings.cluster, await group_names(settings.cluster))
    if as_json:
        show_json(
            {"group": s.name, "state": s.state, "protocol": s.protocol, "members": len(s.members)}
            for s in states
        )
    else:
        rows = [(s.name, s.state, s.protocol, len(s.members)) for s in states]
        show_table(("group", "state", "protocol", "members"), rows)


def describe_group(
    group: Annotated[
        str | None, typer.Argument(help="A consumer group, by default the service's.")
    ] = None,
    broker: BrokerFlag = None,
    as_json: JsonFlag = False,
) -> None:
    """Show a group: its state, its members with their partitions, its offsets and its lag."""
    settings = load_settings(broker=broker)
    with quiet_client():
        run_work(_describe(settings, group or settings.app_id, as_json=as_json))


async def _describe(settings: Settings, group: str, *, as_json: bool) -> None:
    from app.operations.lag import group_lag

    found = await group_lag(settings, group)
    members = found.group.members
    if as_json:
        workers = [
            {"client_id": m.client_id, "host": m.host, "partitions": [list(tp) for tp in m.places]}
            for m in members
        ]
        partitions = [row._asdict() for row in found.partitions]
        state = found.group.state
        show_json([{"group": group, "state": state, "members": workers, "partitions": partitions}])
        return
    show_lag(found)
    if members:
        typer.echo()
    show_table(
        ("member", "host", "partitions"),
        [(m.client_id, m.host, _partitions(m.places)) for m in members],
    )


def _partitions(places: "Iterable[TopicPartition]") -> str:
    found: dict[str, list[str]] = {}
    for topic, partition in places:
        found.setdefault(topic, []).append(str(partition))
    return "; ".join(f"{topic} {','.join(numbers)}" for topic, numbers in found.items())
