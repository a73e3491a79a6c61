"""take, done and reject: what is kept, what is shown, and what they say when they cannot."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from daemon.cli.ordering import signed
from tests.daemon.cli.conftest import Cli

COMMANDS = {"take": ("--note", "by Friday"), "done": ("--note", "in 1a2b"), "reject": ("--why", "too rare")}
STATES = {"take": "taken", "done": "done", "reject": "rejected"}


@pytest.fixture
def store(judged: Path, folder: Path) -> Path:
    return Path(shutil.copy(judged, folder / "s.db"))


def listed(cli: Cli, store: Path, *options: str) -> dict[str, dict[str, str]]:
    found = cli("recommendations", *options, "--store", store, "--format", "json").json()["recommendations"]
    return {each["id"]: each for each in found}


@pytest.mark.parametrize("command", COMMANDS)
def test_the_state_is_kept_with_who_and_why(command: str, store: Path, cli: Cli) -> None:
    [whole] = [each for each in listed(cli, store) if each.startswith("perf") and each.endswith("own-work")]
    code, out, err = cli("recommendations", command, whole, *COMMANDS[command], "--store", store)
    assert (code, err) == (0, "")
    assert STATES[command] in out
    found = listed(cli, store, "--all")[whole]
    assert found["state"] == STATES[command]
    assert f"{STATES[command]} by {signed()['by']}" in found["standing"]
    assert COMMANDS[command][1] in found["standing"]
    text = " ".join(cli("recommendations", "--all", "--store", store).out.split())
    assert found["standing"] in text


def test_what_is_rejected_is_listed_with_all_alone(store: Path, cli: Cli) -> None:
    [accept] = [each for each in listed(cli, store) if each.endswith("/accept")]
    cli("recommendations", "reject", accept, "--why", "no", "--store", store)
    assert accept not in listed(cli, store)
    assert accept in listed(cli, store, "--all")


def test_the_first_characters_are_enough_as_long_as_only_one_begins_so(store: Path, cli: Cli) -> None:
    [whole] = [each for each in listed(cli, store) if each.endswith("/accept")]
    assert cli("recommendations", "take", whole[:-3], "--store", store).code == 0
    code, _, err = cli("recommendations", "take", "perf-", "--store", store)
    assert code == 2
    assert "write one more character" in err


def test_to_reject_needs_a_reason(store: Path, cli: Cli) -> None:
    [whole] = [each for each in listed(cli, store) if each.endswith("/accept")]
    assert cli("recommendations", "reject", whole, "--store", store).code == 2
    code, _, err = cli("recommendations", "reject", whole, "--why", "", "--store", store)
    assert code == 2
    assert "the order cannot be understood" in err


@pytest.mark.parametrize("command", COMMANDS)
def test_an_unknown_id_is_told(command: str, store: Path, cli: Cli) -> None:
    code, _, err = cli("recommendations", command, "nothing", *COMMANDS[command], "--store", store)
    assert code == 2
    assert "there is no recommendation with this id" in err


def test_the_same_state_twice_is_refused(store: Path, cli: Cli) -> None:
    [whole] = [each for each in listed(cli, store) if each.endswith("/accept")]
    assert cli("recommendations", "take", whole, "--store", store).code == 0
    code, _, err = cli("recommendations", "take", whole, "--store", store)
    assert code == 2
    assert "is taken already" in err
