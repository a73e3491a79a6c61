"""The commands together, and what becomes of their failures."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from daemon.cli.commands.accept import accept
from daemon.cli.commands.ack import ack
from daemon.cli.commands.anomalies import anomalies
from daemon.cli.commands.baseline import baseline
from daemon.cli.commands.case import case
from daemon.cli.commands.check_config import check_config
from daemon.cli.commands.compare import compare
from daemon.cli.commands.config import config
from daemon.cli.commands.diagnose import diagnose
from daemon.cli.commands.doctor import doctor
from daemon.cli.commands.explain import explain
from daemon.cli.commands.ingest import ingest
from daemon.cli.commands.notify import notify_app
from daemon.cli.commands.parse import parse
from daemon.cli.commands.recommendations import recommendations
from daemon.cli.commands.replay import replay
from daemon.cli.commands.report import report
from daemon.cli.commands.resolve import resolve
from daemon.cli.commands.run import run as run_command
from daemon.cli.commands.service import service
from daemon.cli.commands.show import show
from daemon.cli.commands.silence import silence
from daemon.cli.commands.sources import sources
from daemon.cli.commands.status import status
from daemon.cli.commands.top import top
from daemon.cli.failure import COULD_NOT_RUN, CannotRunError
from daemon.program_version import program_version
from handlers.speedups import are_built

# Without rich's markup the help is plain text, and no command has to wait for rich to be imported.
app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
app.command("run")(run_command)
app.command()(ingest)
app.command()(status)
app.command()(sources)
app.command()(anomalies)
app.command()(show)
app.command()(explain)
app.command()(replay)
app.command()(case)
app.command()(diagnose)
app.add_typer(recommendations, name="recommendations")
app.command()(ack)
app.command()(silence)
app.command()(resolve)
app.command()(accept)
app.add_typer(baseline, name="baseline")
app.command()(report)
app.command()(compare)
app.command()(parse)
app.command("check-config")(check_config)
app.add_typer(config, name="config")
app.add_typer(service, name="service")
app.command()(doctor)
app.command()(top)
app.add_typer(notify_app, name="notify")


def run(arguments: Sequence[str]) -> int:
    """Runs a command; returns its exit code. Failures are told on standard error."""
    try:
        code: int = app(list(arguments), prog_name="selfheald", standalone_mode=False)
    except CannotRunError as error:
        tell_failure(*error.lines)
        return COULD_NOT_RUN
    except typer.TyperException as error:
        context = getattr(error, "ctx", None)
        command = context.command_path if context else "selfheald"
        tell_failure(error.format_message().replace("Value error, ", ""), f"{command} --help tells more.")
        return COULD_NOT_RUN
    return code


def tell_failure(*lines: str) -> None:
    for line in lines:
        print(f"selfheald: {line}", file=sys.stderr)


@app.callback(invoke_without_command=True)
def selfheald(
    context: typer.Context,
    show_version: Annotated[bool, typer.Option("--version", help="Say which version this is.")] = False,
) -> int:
    """Watches log files, finds anomalies in handler telemetry, diagnoses them and recommends fixes.

    \b
    Examples:
      selfheald run --once --logs .logs
      selfheald anomalies
      selfheald compare main.log branch.log

    \b
    Exit codes:
      0  done
      1  compare found anomalies, replay differs, parse understood nothing,
         doctor found trouble, or the daemon gave up
      2  could not run; standard error says why
    """
    if show_version:
        typer.echo(f"selfheald {_version()}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        typer.echo(context.get_help())
        raise typer.Exit
    return 0


def _version() -> str:
    version = program_version() or "(not installed, runs from its source)"
    return version if are_built() else f"{version}, without its loops in C (selfheald doctor says what to do)"
