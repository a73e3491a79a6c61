"""What a user can meet is in the README: every setting with its default, every command, every log format."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

import pytest
import typer

from config.descriptions import descriptions
from config.settings import KEYS, Settings
from daemon.cli.app import app
from handlers.formats.registry import log_formats
from tests.daemon.cli.test_help import commands_of

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def as_yaml(value: object) -> str:
    if isinstance(value, tuple):
        return json.dumps([str(each) for each in value])
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)


@pytest.mark.parametrize("key", KEYS)
def test_a_setting_is_in_the_readme_with_its_default_and_meaning(key: str) -> None:
    value: object = Settings()
    for name in key.split("."):
        value = getattr(value, name)
    meaning = " ".join(descriptions()[key].split())
    assert f"| `{key}` | `{as_yaml(value)}` | {meaning} |" in README


@pytest.mark.parametrize("name", log_formats(Settings()))
def test_a_log_format_is_in_the_readme(name: str) -> None:
    assert f"**{name}**" in README


def told_events() -> set[str]:
    """The names that the daemon gives to what it logs."""
    events = {"beat-started", "beat-completed", "beat-failed"}  # named after the status of the beat
    for path in (ROOT / "daemon").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    ast.Name("tell" | "_tell_anomaly" | "_write"), [_, ast.Constant(str(name)), *_]
                ):
                    events.add(name)
    return events


def test_every_event_of_the_log_is_in_the_readme_and_no_other() -> None:
    table = README.partition("| event | priority |")[2].partition("\n\n")[0]
    first_cells = [row.split("|")[1] for row in table.splitlines()[2:]]
    documented = {name for cell in first_cells for name in re.findall(r"`([\w-]+)`", cell)}
    assert documented == told_events()


def test_every_command_is_in_the_readme() -> None:
    commands = commands_of(typer.main.get_command(app))
    missing = [name for name in commands if f"`selfheald {name}" not in README]
    assert commands
    assert missing == []
