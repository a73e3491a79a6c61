"""A command that has commands of its own."""

from __future__ import annotations

import typer


def command_group(summary: str, details: str) -> typer.Typer:
    """One that prints its help, which is `summary` and `details`, where no command of it is named."""
    group = typer.Typer(
        rich_markup_mode=None,
        help=f"{summary}\n\n{details}",
        short_help=summary,
        invoke_without_command=True,
    )

    @group.callback()
    def show_help(context: typer.Context) -> int:
        if context.invoked_subcommand is None:
            typer.echo(context.get_help())
            raise typer.Exit
        return 0

    return group
