"""Starting: what a command does not need is not imported, and what is missing is named."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Logs

ROOT = str(Path(__file__).parents[3])
SLOW = {"rich", "apscheduler", "watchdog", "loguru", "anyio", "tinydb", "pydantic_settings"}
REPORT = """
import sys
from daemon.cli import main
sys.argv = ["selfheald", *sys.argv[1:]]
code = main()
print(*sorted({name.partition(".")[0] for name in sys.modules}), file=sys.stderr)
sys.exit(code)
"""


def imported_by(*arguments: str) -> set[str]:
    done = subprocess.run(
        [sys.executable, "-c", REPORT, *arguments],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stderr.splitlines()[-1].split()) & SLOW


def test_help_and_version_import_nothing_that_is_slow() -> None:
    assert imported_by("--help") == set()
    assert imported_by("--version") == set()
    assert imported_by("compare", "--help") == set()


def test_reading_the_store_as_json_needs_no_daemon_and_no_terminal(judged: Path) -> None:
    needed = imported_by("status", "--store", str(judged), "--format", "json")
    assert needed == {"tinydb", "pydantic_settings"}


def test_text_needs_rich_too(judged: Path) -> None:
    assert imported_by("status", "--store", str(judged)) == {"tinydb", "pydantic_settings", "rich"}


def test_comparing_needs_no_scheduler_and_no_watcher(logs: Logs) -> None:
    used = imported_by("compare", str(logs.healthy), str(logs.healthy))
    assert used.isdisjoint({"apscheduler", "watchdog"})


@pytest.mark.parametrize("missing", ["typer", "rich"])
def test_without_the_extra_it_says_what_to_install(missing: str, judged: Path) -> None:
    script = f"import sys; sys.modules[{missing!r}] = None; import daemon.cli as cli; sys.exit(cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "status", "--store", str(judged)],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f'selfheald: {missing} is missing: install "selfheald[cli]"\n'


def test_any_other_missing_module_is_a_defect_and_says_so() -> None:
    script = "import sys; sys.modules['msgspec'] = None; import daemon.cli as cli; sys.exit(cli.main())"
    done = subprocess.run(
        [sys.executable, "-c", script, "status"],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": ROOT},
        check=False,
    )
    assert "selfheald[cli]" not in done.stderr.splitlines()[-1]
    assert "msgspec" in done.stderr.splitlines()[-1]
