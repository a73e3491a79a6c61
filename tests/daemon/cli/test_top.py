"""`selfheald top`: the state at a glance, that fits the terminal."""

from __future__ import annotations

import io
import os
import pty
import re
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from contextlib import suppress
from fcntl import ioctl
from pathlib import Path

import pytest
from msgspec.structs import replace
from rich.console import Console

from config.settings import Settings
from daemon.cli.top.snapshot import Snapshot, snapshot
from daemon.cli.top.view import sparkline, view
from tests.daemon.cli.conftest import Cli
from tests.daemon.process import BOUND_S, PYTHONPATH

ROWS, COLUMNS = 24, 80


def test_without_a_terminal_it_looks_once(cli: Cli, judged: Path) -> None:
    code, text, _ = cli("top", "--store", judged)
    assert code == 0
    assert "not running" in text
    assert "error-" in text
    assert "renderReact" in text
    assert "critical" in text
    assert "healthy.log" in text
    assert max(map(len, text.splitlines())) <= 80


def test_on_a_terminal_it_fits_the_screen_and_ctrl_c_ends_it(judged: Path) -> None:
    main, side = pty.openpty()
    ioctl(side, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    # What runs in the background of a shell is started deaf to SIGINT, and would hand that on.
    hears = "import signal, sys; signal.signal(signal.SIGINT, signal.default_int_handler)"
    main_of = "from daemon.cli import main; sys.argv[0] = 'selfheald'; sys.exit(main())"
    arguments = ["top", "--store", str(judged), "--interval", "0.2"]
    command = [sys.executable, "-c", f"{hears}; {main_of}", *arguments]
    environ = {**os.environ, "PYTHONPATH": PYTHONPATH, "TERM": "xterm", "COLUMNS": str(COLUMNS)}
    process = subprocess.Popen(command, stdin=side, stdout=side, stderr=side, env=environ)
    os.close(side)
    try:
        shown = ""
        deadline = time.monotonic() + BOUND_S
        while "lines/s" not in shown:  # the second look has rates
            assert time.monotonic() < deadline, shown
            shown += os.read(main, 65_536).decode(errors="replace")
        process.send_signal(signal.SIGINT)
        with suppress(OSError):  # there is nobody any more at the other side
            while os.read(main, 65_536):  # a frame that nobody takes would hold it up
                assert time.monotonic() < deadline, shown
        assert process.wait(BOUND_S) == 0
    finally:
        process.kill()
        process.wait()
        os.close(main)
    frame = shown.split("lines/s")[0].rpartition("selfheald ")[0]
    assert frame.count("\n") <= ROWS * 2


def test_failures_are_shown_beside_the_usual_ones(judged: Path) -> None:
    settings = Settings()
    store = settings.store.model_copy(update={"path": judged})
    now = snapshot(settings.model_copy(update={"store": store}), 0)
    row = next(each for each in now.handlers if each.handler == "renderView" and each.failed)
    assert row.expected_failed == 0
    text = shown(replace(now, handlers=(replace(row, expected_failed=0.015),)))
    assert re.search(r"renderView .* [\d.]+ % +1\.5 %", text)
    assert "no handler ran" in shown(replace(now, handlers=()))


def shown(now: Snapshot) -> str:
    console = Console(width=COLUMNS, file=io.StringIO())
    with console.capture() as capture:
        console.print(view(now, None, COLUMNS, ROWS))
    return capture.get()


@pytest.mark.parametrize(
    ("values", "expected", "line"),
    [
        pytest.param([10.0, 10.0], 10.0, "▅▅", id="the usual value is half the height"),
        pytest.param([10.0, 20.0, None, 40.0], 10.0, "▃▅ █", id="more than twice of it sets the scale"),
        pytest.param([None, None], None, "  ", id="nothing known is blank"),
        pytest.param([0.0], 0.0, " ", id="all zero is blank"),
    ],
)
def test_a_sparkline_shows_values_against_the_usual_one(
    values: list[float | None], expected: float | None, line: str
) -> None:
    assert sparkline(values, expected) == line


def test_what_is_too_long_for_the_line_ends_in_an_ellipsis_and_says_what_an_operator_did(
    cli: Cli, judged: Path, folder: Path
) -> None:
    store = shutil.copy(judged, folder / "store.db")
    first = cli("anomalies", "--format", "json", "--store", store).json()["anomalies"][0]["id"]
    assert cli("ack", first, "--store", store).code == 0
    [known] = (line for line in cli("top", "--store", store).out.splitlines() if first in line)
    assert f" {first} acknowledged: " in known
    assert known.rstrip().endswith("…")
