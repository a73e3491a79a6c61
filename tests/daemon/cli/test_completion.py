"""Shell completion, asked as a shell asks."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).parents[3]


def completed(line: str) -> list[str]:
    words = line.split(" ")
    environ = {
        **os.environ,
        "PYTHONPATH": str(CHECKOUT),
        "_SELFHEALD_COMPLETE": "complete_bash",
        "COMP_WORDS": line,
        "COMP_CWORD": str(len(words) - 1),
    }
    command = [sys.executable, "-m", "daemon"]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=True).stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("selfheald rec", ["recommendations"], id="a command"),
        pytest.param("selfheald service un", ["uninstall"], id="a command of a group"),
        pytest.param("selfheald run --on", ["--once"], id="an option"),
        pytest.param("selfheald anomalies --format j", ["json"], id="a value of an option"),
    ],
)
def test_a_shell_completes(line: str, words: list[str]) -> None:
    assert completed(line) == words


@pytest.mark.skipif(shutil.which("bash") is None, reason="bash is not installed")
def test_the_script_for_bash_is_one_that_bash_takes() -> None:
    environ = {**os.environ, "PYTHONPATH": str(CHECKOUT), "_SELFHEALD_COMPLETE": "source_bash"}
    script = subprocess.run(
        [sys.executable, "-m", "daemon"], env=environ, capture_output=True, text=True, check=True
    ).stdout
    told = subprocess.run(
        ["bash", "-c", f"{script}\ncomplete -p selfheald"], capture_output=True, text=True, check=True
    ).stdout
    assert told.split()[-1] == "selfheald"
