"""`streamjoin check`: whether workers would run well here."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli.options import AppIdFlag, BrokerFlag, JsonFlag, show_json
from app.cli.quiet import quiet_client
from app.cli.work import run_work
from app.settings import Settings, load_settings

if TYPE_CHECKING:
    from app.operations.acls import Acl
    from app.operations.check.finding import Finding


def check_cli(
    broker: BrokerFlag = None,
    app_id: AppIdFlag = None,
    data_dir: Annotated[
        Path | None, typer.Option(help="A worker's folder on this machine.")
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Check settings, broker, credentials, topics, rights, replication and clock.

    Give it the workers' settings. It changes nothing; to compare clocks it writes a record in a
    transaction that it aborts, which no reader sees. At the end it prints the ACLs that the
    service's user needs. Exit status 1 if anything is wrong, 0 with warnings alone.
    """
    settings = load_settings(broker=broker, app_id=app_id, data_dir=data_dir)
    with quiet_client():
        wrong = run_work(_check(settings, as_json=as_json))
    if wrong:
        raise typer.Exit(1)


async def _check(settings: Settings, *, as_json: bool) -> bool:
    """Print the findings as they come, then the ACLs; whether something is wrong."""
    from app.factory import changelog_topic  # Faust takes half a second to import.
    from app.operations.acls import service_acls
    from app.operations.check.finding import Verdict
    from app.operations.check.run import check

    changelog, wrong = changelog_topic(settings), False
    async for finding in check(settings, changelog):
        wrong = wrong or finding.verdict is Verdict.WRONG
        _show(finding, as_json=as_json)
    _show_acls(settings, service_acls(settings, changelog), as_json=as_json)
    return wrong


def _show(finding: "Finding", *, as_json: bool) -> None:
    if as_json:
        show_json([finding._asdict()])
    else:
        typer.echo(f"{finding.verdict:<8} {finding.area:<16} {finding.text}")


def _show_acls(settings: Settings, acls: "list[Acl]", *, as_json: bool) -> None:
    from app.operations.acls import commands

    if as_json:
        show_json(
            {
                "acl": acl.kind,
                "names": list(acl.names),
                "operations": [operation.word for operation in acl.operations],
                "prefixed": acl.prefixed,
            }
            for acl in acls
        )
        return
    typer.echo("\nOn a cluster with ACLs the service's user needs these:")
    for command in commands(settings, acls):
        typer.echo(f"  {command}")
