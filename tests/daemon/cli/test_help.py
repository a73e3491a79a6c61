"""Help is for people who are in a hurry: every command has an example and says what its exit codes mean."""

from __future__ import annotations

import re
import sys

import pytest
import typer.main

from daemon.cli.app import app
from tests.daemon.cli.conftest import Cli


def commands_of(group: object, before: str = "") -> list[str]:
    """All commands, those of a group with the name of the group in front."""
    names: list[str] = []
    for name, command in getattr(group, "commands", {}).items():
        names += [f"{before}{name}", *commands_of(command, f"{before}{name} ")]
    return sorted(names)


COMMANDS = commands_of(typer.main.get_command(app))


@pytest.mark.parametrize("command", COMMANDS)
def test_its_help_has_an_example_with_options_that_exist_and_the_exit_codes(command: str, cli: Cli) -> None:
    code, text, _ = cli(*command.split(), "--help")
    assert code == 0
    examples = re.search(r"\n  Examples?:\n((?: {4}.+\n)+)", text)
    assert examples, f"{command} --help has no example"
    mine = [line.strip() for line in examples[1].splitlines()]
    assert all(line.startswith(f"selfheald {command}") for line in mine), mine
    own = " ".join(re.split(r" \| | > | && ", line)[0] for line in mine)
    options = set(re.findall(r"--[a-z-]+", own))
    known = set(re.findall(r"--[a-z-]+", text.partition("\nOptions:")[2]))
    if command not in {
        each.rpartition(" ")[0] for each in COMMANDS
    }:  # their examples have the options of their commands
        assert options <= known, options - known
    assert re.search(r"\n  Exit codes:\n    0  .+\n(    [12]  .+\n)*    2  ", text)


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_its_help_fits_into_80_columns(command: str, cli: Cli) -> None:
    text = cli(*command.split(), "--help").out.replace("COMMAND [ARGS]...", "").replace("{PATH}...", "")
    assert max(map(len, text.splitlines())) <= 80
    assert not re.search(r"\.\.\.$", text, re.MULTILINE), "a summary is cut off"


WITHOUT_JSON = {"report", "top", "config schema"}
"""A document for people, a live view, and what is JSON anyway."""
GROUPS = {each.rpartition(" ")[0] for each in COMMANDS} - {"", "recommendations"}


@pytest.mark.parametrize("command", sorted({*COMMANDS} - WITHOUT_JSON - GROUPS))
def test_what_it_prints_can_be_json(command: str, cli: Cli) -> None:
    assert "--format" in cli(*command.split(), "--help").out


def test_without_a_command_it_is_the_help(cli: Cli) -> None:
    assert cli() == cli("--help")


def test_version_is_one_line(cli: Cli) -> None:
    code, text, _ = cli("--version")
    assert code == 0
    assert re.fullmatch(r"selfheald .+\n", text)


def test_the_version_says_if_the_loops_in_c_are_missing(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "handlers._speedups", None)
    assert "without its loops in C (selfheald doctor says what to do)" in cli("--version").out
