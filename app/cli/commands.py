"""The commands, wired together."""

import typer

from app.cli.broker import broker_cli
from app.cli.check import check_cli
from app.cli.dead_letters import dead_letters_cli
from app.cli.demo import demo_cli
from app.cli.export import export_cli
from app.cli.groups import groups_cli
from app.cli.lag import lag_cli
from app.cli.late import late_cli
from app.cli.produce import produce_cli
from app.cli.replay import replay_cli
from app.cli.tail import tail_cli
from app.cli.topics import topics_cli
from app.cli.worker import worker_cli

cli = typer.Typer(
    name="streamjoin",
    help="Join a shop's clicks with its purchases while they happen.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)


@cli.callback()
def root() -> None:
    """Join a shop's clicks with its purchases while they happen."""


cli.command("worker")(worker_cli)
cli.command("demo")(demo_cli)
cli.command("replay")(replay_cli)
cli.command("produce")(produce_cli)
cli.command("export")(export_cli)
cli.command("tail")(tail_cli)
cli.command("lag")(lag_cli)
cli.command("check")(check_cli)
cli.add_typer(broker_cli, name="broker")
cli.add_typer(topics_cli, name="topics")
cli.add_typer(groups_cli, name="groups")
cli.add_typer(late_cli, name="late")
cli.add_typer(dead_letters_cli, name="dead-letters")
