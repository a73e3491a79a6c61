"""`ingest` as people see it: what it prints, how far it is, and what to do when it cannot."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

import daemon.progress
from daemon.store import Store
from tests.daemon.cli.conftest import Cli, Logs
from tests.daemon.ingest_driver import PACKERS, sample


@pytest.fixture
def packed(folder: Path) -> Path:
    """A log with faults behind a healthy one, packed, in two files."""
    logs = folder / "old"
    logs.mkdir()
    (logs / "app.log.2.gz").write_bytes(PACKERS[".gz"](sample("healthy")))
    (logs / "app.log.1.xz").write_bytes(PACKERS[".xz"](sample("regressed")))
    return logs


def test_it_says_what_was_read_and_found(packed: Path, cli: Cli) -> None:
    code, out, _ = cli("ingest", packed, "--store", "s.db")
    assert code == 0
    read, _, found = out.partition("\nFound\n")
    assert f"{packed}/app.log.2.gz (archive, ingested)" in " ".join(read.split())
    assert "54,060 lines" in read
    assert "renderReact takes" in found
    assert " 1. " in found


def test_sources_show_what_was_ingested(packed: Path, cli: Cli) -> None:
    cli("ingest", packed, "--store", "s.db")
    listed = cli("sources", "--store", "s.db", "--format", "json").json()["sources"]
    assert [(each["state"], each["ingested"], each["unread_bytes"]) for each in listed] == [
        ("archive", True, 0),
        ("archive", True, 0),
    ]
    assert "(archive, ingested)" in " ".join(cli("sources", "--store", "s.db").out.split())


def test_an_archive_that_was_not_read_to_its_end_is_told(packed: Path, cli: Cli) -> None:
    (packed / "odd.gz").write_bytes(PACKERS[".gz"](b"no format knows this\n" * 50))
    assert "no log format recognises it" in cli("ingest", packed, "--store", "s.db").out
    assert "selfheald ingest" in cli("sources", "--store", "s.db").out


def test_the_lines_that_prove_it_are_shown_from_the_archive(packed: Path, cli: Cli) -> None:
    report = cli("ingest", packed, "--store", "s.db", "--format", "json").json()
    error = next(each["id"] for each in report["anomalies"] if each["id"].startswith("error"))
    shown = cli("show", error, "--store", "s.db", "--format", "json").json()
    assert shown["lines"]
    assert all("execution failed" in line["text"] for line in shown["lines"])
    assert all(line["path"] == str(packed / "app.log.1.xz") for line in shown["lines"])


def test_it_finds_what_run_once_finds(packed: Path, logs: Logs, cli: Cli, folder: Path) -> None:
    (folder / "plain").mkdir()
    (folder / "plain/app.log").write_bytes(logs.healthy.read_bytes() + logs.regressed.read_bytes())
    once = cli("run", "--once", "--logs", "plain", "--store", "o.db", "--format", "json").json()
    ingested = cli("ingest", packed, "--store", "i.db", "--format", "json").json()
    assert list(ingested) == list(once)
    assert ingested["anomalies"] == once["anomalies"]
    assert {**ingested["read"], "commits": 0} == {**once["read"], "commits": 0}


def test_while_the_store_is_in_use_it_says_what_to_do(packed: Path, cli: Cli, folder: Path) -> None:
    with Store.open(folder / "s.db", max_bytes=1 << 30):
        code, out, err = cli("ingest", packed, "--store", "s.db")
    assert (code, out) == (2, "")
    assert f"in use by process {os.getpid()}. Stop that one first (systemctl stop selfheald)." in err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        pytest.param(("missing",), "missing: cannot be read (No such file", id="a path that is not there"),
        pytest.param(("old", "--workers", "0"), "--workers", id="no process"),
        pytest.param((), "Missing argument", id="no path"),
    ],
)
def test_it_cannot_run_with(arguments: tuple[str, ...], why: str, packed: Path, cli: Cli) -> None:
    code, out, err = cli("ingest", *arguments)
    assert (code, out) == (2, "")
    assert why in err


def test_ctrl_c_says_how_to_go_on(packed: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(daemon.progress.ReadProgress, "advance", interrupted)
        code, _, err = cli("ingest", packed, "--store", "s.db")
    assert code == 1
    assert "run the same command again to go on" in err
    report = cli("ingest", packed, "--store", "s.db", "--format", "json").json()
    assert report["read"]["lines"] == 54_060 + 52_449


def test_in_a_log_progress_is_a_line_now_and_then(
    packed: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon.progress, "LINE_EVERY_S", 0.0)
    err = cli("ingest", packed, "--store", "s.db").err
    assert "% of" in err
    assert "read to the end: 100% of" in err
    assert "\x1b" not in err
    assert "read to the end" not in cli("ingest", packed, "--store", "s.db").err


def test_on_a_terminal_progress_is_a_bar(packed: Path) -> None:
    ours, theirs = pty.openpty()
    environ = {**os.environ, "TERM": "xterm", "PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-m", "daemon", "ingest", str(packed), "--store", "s.db"]
    process = subprocess.Popen(command, stderr=theirs, stdout=subprocess.DEVNULL, env=environ)
    os.close(theirs)
    said = b""
    while True:
        try:
            said += (part := os.read(ours, 65_536))
        except OSError:  # the other end is closed
            break
        if not part:
            break
    assert process.wait() == 0
    assert b"reading" in said
    assert b"100%" in said
