"""`streamjoin topics ...`: topics on the broker, the catalogue's above all."""

from typing import Annotated

import typer

from app.cli.options import (
    NOTHING_CHANGED,
    BrokerFlag,
    DryRunFlag,
    YesFlag,
    actual_name,
    ask,
    at_least_one,
    show_table,
)
from app.cli.quiet import quiet_client
from app.cli.topic_views import TopicNames, describe_topics, list_topics, topic_roles
from app.cli.work import run_work
from app.errors import SettingError
from app.numbers import whole
from app.settings import Settings, load_settings
from app.stamp_limits import NOT_PROTECTED
from app.topic_remedies import deleted
from app.topics_admin import DEFAULT_PARTITIONS, SIZE, CreateResult, create_topics

topics_cli = typer.Typer(help="List, describe, create and delete topics.", no_args_is_help=True)


@topics_cli.callback()
def topics() -> None:
    """List, describe, create and delete topics."""


@topics_cli.command()
def create(
    names: TopicNames = None,
    broker: BrokerFlag = None,
    partitions: Annotated[
        int | None, typer.Option(metavar="N", parser=whole, help="Of each topic, 8 by default.")
    ] = None,
    replication_factor: Annotated[
        int, typer.Option(metavar="N", parser=whole, help="Copies of each partition.")
    ] = 1,
    configs: Annotated[
        list[str] | None,
        typer.Option("--config", metavar="KEY=VALUE", help="A setting of a topic; repeatable."),
    ] = None,
) -> None:
    """Create topics that are missing: those named, or all that the service needs.

    The service's get the settings that keep their records; dead letters and late events may be
    64 KiB larger than the inputs' records, whatever --config says. Topics that exist stay as they
    are. Exit status 1 if one of them has another number of partitions, since a worker needs the
    same number everywhere.
    """
    settings = load_settings(broker=broker, partitions=partitions)
    at_least_one("--replication-factor", replication_factor)
    wanted = settings.partitions or DEFAULT_PARTITIONS
    named = [actual_name(name, settings) for name in names or []]
    given = _pairs(configs or [])
    creating = create_topics(
        settings.cluster, settings.catalogue(), wanted, replication_factor, named, given
    )
    with quiet_client():
        _show(run_work(creating), wanted)


def _show(result: CreateResult, wanted: int) -> None:
    """Say what was created, and what is there; exit status 1 for another number of partitions."""
    for name in result.created:
        typer.echo(f"created {name} with {wanted} partitions")
    for name in result.existing:
        if name not in result.differing:
            typer.echo(f"exists  {name}")
    for name in result.unprotected:
        typer.echo(f"warning: topic {name} {NOT_PROTECTED}", err=True)
    for name, found in result.differing.items():
        typer.echo(f"{name} exists with {found} partitions, not {wanted}", err=True)
    if result.differing:
        raise typer.Exit(1)


def _pairs(texts: list[str]) -> dict[str, str]:
    for text in texts:
        if "=" not in text or text.startswith("="):
            raise SettingError(f"--config must be KEY=VALUE, not {text!r}")
    given = dict(text.partition("=")[::2] for text in texts)
    size = given.get(SIZE)
    if size is not None and not (size.isascii() and size.isdigit()):
        raise SettingError(f"--config {SIZE} must be a number of bytes, not {size!r}")
    return given


topics_cli.command("list")(list_topics)
topics_cli.command("describe")(describe_topics)


@topics_cli.command("delete")
def delete(
    names: Annotated[
        list[str], typer.Argument(metavar="TOPIC...", help="By name, or the catalogue's.")
    ],
    broker: BrokerFlag = None,
    dry_run: DryRunFlag = False,
    yes: YesFlag = False,
) -> None:
    """Delete topics with all that is in them, for good.

    The service's topics are deleted only while no worker is in the group. Afterwards `topics
    create` makes them anew; what else they need is said at the end.
    """
    settings = load_settings(broker=broker)
    wanted = list(dict.fromkeys(actual_name(name, settings) for name in names))
    with quiet_client():
        run_work(_delete(settings, wanted, dry_run=dry_run, yes=yes))


async def _delete(settings: Settings, names: list[str], *, dry_run: bool, yes: bool) -> None:
    from app.operations.topics import delete_topics, refuse_deletion, topic_details

    details = await topic_details(settings, topic_roles(settings), names)
    states = [found.state for found in details]
    await refuse_deletion(settings, states)
    rows = [(d.state.name, d.state.role, len(d.state.partitions), d.records) for d in details]
    show_table(("topic", "role", "partitions", "records, about"), rows)
    if dry_run:
        typer.echo(NOTHING_CHANGED)
        return
    ask(f"Delete {', '.join(names)}, with all that is in it?", yes=yes)
    await refuse_deletion(settings, states)
    await delete_topics(settings.cluster, states)
    typer.echo(f"deleted {', '.join(names)}")
    roles = {state.name: state.role for state in states if state.role}
    for name in sorted(roles):
        typer.echo(f"{name}: {deleted(name, roles)}")
