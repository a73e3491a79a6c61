"""Help is for people who are in a hurry: every command has an example and says what its exit codes mean."""

from __future__ import annotations

import re

import pytest
import typer.main

from daemon.cli.app import app
from tests.daemon.cli.conftest import Cli

COMMANDS = sorted(typer.main.get_command(app).commands)  # type: ignore[attr-defined]


def test_all_commands_are_there() -> None:
    assert COMMANDS == [
        "accept",
        "ack",
        "anomalies",
        "check-config",
        "compare",
        "ingest",
        "notify",
        "parse",
        "recommendations",
        "resolve",
        "run",
        "show",
        "silence",
        "sources",
        "status",
    ]


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_has_an_example_with_options_that_exist_and_the_exit_codes(command: str, cli: Cli) -> None:
    code, text, _ = cli(command, "--help")
    assert code == 0
    examples = re.search(r"\n  Examples?:\n((?: {4}.+\n)+)", text)
    assert examples, f"{command} --help has no example"
    mine = [line.strip() for line in examples[1].splitlines()]
    assert all(line.startswith(f"selfheald {command}") for line in mine), mine
    own = " ".join(re.split(r" \| | > | && ", line)[0] for line in mine)
    options = set(re.findall(r"--[a-z-]+", own))
    known = set(re.findall(r"--[a-z-]+", text.partition("\nOptions:")[2]))
    assert options <= known, options - known
    assert re.search(r"\n  Exit codes:\n    0  .+\n(    [12]  .+\n)*    2  ", text)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_its_help_fits_into_80_columns(command: str, cli: Cli) -> None:
    text = cli(*command.split(), "--help").out.replace("COMMAND [ARGS]...", "").replace("{PATH}...", "")
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\.\.\.$", text, re.MULTILINE), "a summary is cut off"


def test_without_a_command_it_is_the_help(cli: Cli) -> None:
    assert cli() == cli("--help")


def test_version_is_one_line(cli: Cli) -> None:
    code, text, _ = cli("--version")
    assert code == 0
    assert re.fullmatch(r"selfheald .+\n", text)
