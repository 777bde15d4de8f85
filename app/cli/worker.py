"""`streamjoin worker`: one worker in the foreground."""

from pathlib import Path
from typing import Annotated

import typer

from app.numbers import whole
from app.settings import load_worker_settings


def worker_cli(
    broker: Annotated[str | None, typer.Option(help="HOST:PORT of Kafka.")] = None,
    web_host: Annotated[str | None, typer.Option(help="Address to serve on.")] = None,
    web_port: Annotated[
        int | None,
        typer.Option(metavar="P", parser=whole, help="Port to serve on, 6066 by default."),
    ] = None,
    advertised_url: Annotated[
        str | None, typer.Option(help="What other workers forward to.")
    ] = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="Folder of this worker's state: its own.")
    ] = None,
    store: Annotated[str | None, typer.Option(help="rocksdb or memory.")] = None,
    log_level: Annotated[str | None, typer.Option(help="DEBUG, INFO, WARNING or ERROR.")] = None,
) -> None:
    """Join the group, process its share of the partitions, and serve views.

    Every setting (docs/settings.md) can be given in the environment (STREAMJOIN_...) or in .env as
    well. SIGTERM, SIGHUP or Ctrl-C: finish, commit, leave the group (a static member stays in it),
    exit.
    """
    settings = load_worker_settings(
        broker=broker,
        web_host=web_host,
        web_port=web_port,
        advertised_url=advertised_url,
        data_dir=data_dir,
        store=store,
        log_level=log_level,
    )
    from app.worker import run_worker  # Faust takes half a second to import.

    raise typer.Exit(run_worker(settings))
