"""`streamjoin topics list` and `describe`."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli.options import BrokerFlag, JsonFlag, actual_name, show_json, show_table
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.errors import UserError
from app.settings import Settings, load_settings
from app.topics_admin import SIZE, sizes_for_sources

if TYPE_CHECKING:
    from app.operations.topics import TopicDetails, TopicState

TopicNames = Annotated[
    list[str] | None,
    typer.Argument(metavar="[TOPIC]...", help="By name, or the catalogue's: clicks, ..."),
]


def list_topics(
    broker: BrokerFlag = None,
    everything: Annotated[bool, typer.Option("--all", help="Kafka's own topics too.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """List the broker's topics, and what each is to the service.

    Exit status 1 if one that the service needs is missing.
    """
    settings = load_settings(broker=broker)
    with quiet_client():
        run_work(_list(settings, everything=everything, as_json=as_json))


async def _list(settings: Settings, *, everything: bool, as_json: bool) -> None:
    from app.operations.topics import KAFKAS_OWN, topic_states

    known = topic_roles(settings)
    found = await topic_states(settings.cluster, known)
    order = list(known)
    states = sorted(
        (s for s in found.values() if everything or s.role != KAFKAS_OWN),
        key=lambda s: (order.index(s.name) if s.name in known else len(order), s.name),
    )
    if as_json:
        show_json(_summary(state) for state in states)
    else:
        rows = [_summary(state).values() for state in states]
        head = ("topic", "role", "partitions", "replication factor", "behind")
        show_table(head, [list(row) for row in rows])
    missing = [name for name in settings.catalogue().names() if name not in found]
    if missing:
        raise UserError(f"missing: {', '.join(missing)}; see streamjoin topics create")


def topic_roles(settings: Settings) -> dict[str, str]:
    """Say what each of the service's topics is to it, by actual name."""
    from app.factory import changelog_topic  # Faust takes half a second to import.
    from app.operations.topics import roles

    return roles(settings, changelog_topic(settings))


def _summary(state: "TopicState") -> dict[str, Any]:
    return {
        "topic": state.name,
        "role": state.role,
        "partitions": len(state.partitions),
        "replication_factor": state.replication,
        "behind": state.lacking,
    }


def describe_topics(
    names: TopicNames = None, broker: BrokerFlag = None, as_json: JsonFlag = False
) -> None:
    """Show topics' partitions, offsets and settings; by default all of the service's.

    A setting that `topics create` would give otherwise is shown with what it would be.
    """
    settings = load_settings(broker=broker)
    with quiet_client():
        run_work(_describe(settings, names or [], as_json=as_json))


async def _describe(settings: Settings, names: list[str], *, as_json: bool) -> None:
    from app.operations.topics import differences, topic_details

    known = topic_roles(settings)
    wanted = [actual_name(name, settings) for name in names] or settings.catalogue().names()
    described = await topic_details(settings, known, wanted)
    sizes = await sizes_for_sources(settings.cluster, settings.catalogue(), wanted)
    for number, details in enumerate(described):
        state = details.state
        found = differences(settings, state.role, state.name, details.effective)
        size, would_be = details.effective[SIZE], sizes.get(state.name)
        if would_be is not None and size != str(would_be):
            found[SIZE] = (size, str(would_be))
        if as_json:
            differing = {k: {"is": a, "would_be": b} for k, (a, b) in found.items()}
            show_json([_details(details) | {"differs": differing}])
            continue
        if number:
            typer.echo()
        _show(details, found)


def _show(details: "TopicDetails", found: dict[str, tuple[str, str]]) -> None:
    state = details.state
    copies = f"replication factor {state.replication}"
    typer.echo(", ".join(filter(None, (f"topic {state.name}", state.role, copies))))
    for config, value in sorted(details.configs.items()):
        typer.echo(f"  {config}={value}")
    for config, (value, would_be) in found.items():
        typer.echo(f"  {config} is {value}, topics create would give it {would_be}")
    rows = [
        (p.number, p.leader, _ids(p.replicas), _ids(p.in_sync), first, end, end - first)
        for p in state.partitions
        for first, end in [(details.first[p.number], details.end[p.number])]
    ]
    show_table(("  partition", "leader", "replicas", "in sync", "first", "end", "records"), rows)


def _ids(brokers: Iterable[int]) -> str:
    return ",".join(map(str, brokers))


def _details(details: "TopicDetails") -> dict[str, Any]:
    return _summary(details.state) | {
        "configs": dict(details.configs),
        "places": [
            {
                "partition": p.number,
                "leader": p.leader,
                "replicas": list(p.replicas),
                "in_sync": list(p.in_sync),
                "first": details.first[p.number],
                "end": details.end[p.number],
            }
            for p in details.state.partitions
        ],
    }
