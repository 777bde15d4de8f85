"""`streamjoin topics ...`: the catalogue's topics on the broker."""

import asyncio
from typing import Annotated

import typer

from app.cli.quiet import quiet_client
from app.errors import SettingError
from app.settings import load_settings
from app.topics_admin import DEFAULT_PARTITIONS, create_topics

topics_cli = typer.Typer(help="Create the topics that the service needs.", no_args_is_help=True)


@topics_cli.callback()
def topics() -> None:
    """Create the topics that the service needs."""


@topics_cli.command()
def create(
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")] = None,
    partitions: Annotated[int | None, typer.Option(help="Of each topic, 8 by default.")] = None,
    replication_factor: Annotated[int, typer.Option(help="Copies of each partition.")] = 1,
) -> None:
    """Create the topics that are missing, with the settings that keep their records.

    Topics that exist stay as they are. Exit status 1 if one of them has another number of
    partitions, since a worker needs the same number everywhere.
    """
    settings = load_settings(broker=broker, partitions=partitions)
    if replication_factor < 1:
        raise SettingError(f"--replication-factor {replication_factor}: must be 1 or more")
    wanted = settings.partitions or DEFAULT_PARTITIONS
    with quiet_client():
        result = asyncio.run(
            create_topics(settings.cluster, settings.catalogue(), wanted, replication_factor)
        )
    for name in result.created:
        typer.echo(f"created {name} with {wanted} partitions")
    for name in result.existing:
        if name not in result.differing:
            typer.echo(f"exists  {name}")
    for name, found in result.differing.items():
        typer.echo(f"{name} exists with {found} partitions, not {wanted}", err=True)
    if result.differing:
        raise typer.Exit(1)
