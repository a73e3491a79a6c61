"""Standard output: colour for terminals alone, nothing from a log that steers them, and no lost verdict."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from daemon.cli.text.page import Page
from daemon.store import Store
from daemon.telemetry_records import to_document
from tests.daemon.cli.conftest import Cli, Logs
from tests.daemon.cli.test_store_commands import records_of

ROOT = str(Path(__file__).parents[3])
COMMAND = [sys.executable, "-m", "daemon"]


def environ(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": ROOT, "TERM": "xterm", **more}


def on_terminal(arguments: list[str], **variables: str) -> str:
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, *arguments], stdout=theirs, env=environ(**variables)) as process:
        os.close(theirs)
        said = b""
        try:
            while chunk := os.read(ours, 65536):
                said += chunk
        except OSError:
            pass  # Linux tells the end of a terminal so
    os.close(ours)
    assert process.returncode == 0
    return said.decode()


class TestColour:
    def test_is_for_terminals(self, judged: Path, cli: Cli) -> None:
        arguments = ["anomalies", "--store", str(judged)]
        coloured = on_terminal(arguments)
        assert "\x1b[" in coloured
        assert "\x1b" not in cli(*arguments).out

    @pytest.mark.parametrize(("name", "value"), [("NO_COLOR", "1"), ("TERM", "dumb")])
    def test_can_be_declined(self, name: str, value: str, judged: Path) -> None:
        assert "\x1b" not in on_terminal(["anomalies", "--store", str(judged)], **{name: value})

    def test_is_not_in_json(self, judged: Path) -> None:
        assert "\x1b" not in on_terminal(["anomalies", "--store", str(judged), "--format", "json"])


class TestHostileText:
    """A log is written by others: what it holds must not clear the screen or forge a line."""

    HOSTILE = "bad\x1b[2J\x9b2J\rok\u202egpj.exe\nforged \u2028 line [red]x[/red] :boom:"

    @pytest.fixture
    def store(self, judged: Path, folder: Path) -> Path:
        [known] = [each for each in records_of(judged)[0] if each.anomaly.id.startswith("perf")]
        known = replace(known, anomaly=replace(known.anomaly, description=self.HOSTILE, handler=self.HOSTILE))
        with Store.open(folder / "s.db", max_bytes=10**8) as store, store.transaction():
            store.table("incidents").put([to_document(known, 1)])
        return folder / "s.db"

    @pytest.mark.parametrize("command", ["anomalies", "show perf"])
    def test_is_made_visible_in_text(self, command: str, store: Path, cli: Cli) -> None:
        out = cli(*command.split(), "--store", store).out
        assert all(char.isprintable() or char == "\n" for char in out)
        assert "\\x1b[2J" in out
        assert "[red]x[/red] :boom:" in " ".join(out.split())

    def test_is_escaped_in_json_and_comes_back_as_it_was(self, store: Path, cli: Cli) -> None:
        result = cli("show", "perf", "--store", store, "--format", "json")
        assert result.out.isascii()
        assert all(char.isprintable() or char == "\n" for char in result.out)
        assert result.json()["description"] == self.HOSTILE


class TestPage:
    def test_words_are_never_broken(self) -> None:
        page = Page()
        path = "/a" * 100
        page.field("where", f"in {path} or so")
        assert path in page.text()

    def test_paragraphs_are_indented_behind_their_label(self) -> None:
        page = Page()
        page.field("label", "word " * 30)
        first, *rest = page.text().splitlines()
        assert first.startswith("  label       word")
        assert rest
        assert all(line.startswith(" " * 14 + "word") for line in rest)
        assert all(len(line) <= 80 for line in (first, *rest))

    def test_items_of_a_list_can_be_told_apart(self) -> None:
        page = Page()
        page.fields("for it", ["word " * 20, "one more"])
        page.fields("steps", ["word " * 20, "last"], numbered=True)
        leads = [line[:17] for line in page.text().splitlines()]
        assert leads == [
            "  for it      - w",
            "                w",
            "              - o",
            "  steps       1. ",
            "                 ",
            "              2. ",
        ]

    def test_wide_characters_count_twice(self) -> None:
        page = Page()
        page.say("漢字 " * 40)
        assert max(len(line) for line in page.text().splitlines()) <= 80 * 3 // 5


def test_a_reader_that_has_seen_enough_does_not_change_the_verdict(logs: Logs) -> None:
    arguments = ["compare", str(logs.healthy), str(logs.regressed), "--format", "json"]
    ours, theirs = os.pipe()
    os.close(ours)
    done = subprocess.run(
        [*COMMAND, *arguments], stdout=theirs, stderr=subprocess.PIPE, env=environ(), check=False
    )
    os.close(theirs)
    assert (done.returncode, done.stderr) == (1, b"")


def test_output_that_cannot_be_written_is_a_failure(logs: Logs) -> None:
    arguments = ["compare", str(logs.healthy), str(logs.healthy)]
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [*COMMAND, *arguments], stdout=full, stderr=subprocess.PIPE, env=environ(), check=False
        )
    assert done.returncode == 2
    assert done.stderr == b"selfheald: the output cannot be written (No space left on device).\n"


def test_a_terminal_that_knows_only_ascii_is_no_reason_to_stop(judged: Path) -> None:
    done = subprocess.run(
        [*COMMAND, "show", "perf", "--store", str(judged)],
        capture_output=True,
        env=environ(PYTHONIOENCODING="ascii"),
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"\\u23f1" in done.stdout
