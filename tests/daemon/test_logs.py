"""The program's own log: where it goes, in which form, and what never gets into it."""

import json
import logging
import os
import pty
import re
import socket
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from typing import Literal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from loguru import logger

from config.settings import Log
from daemon import logs
from daemon.logs import Level, configure_logging, tell
from tests.daemon.process import BOUND_S

ROOT = Path(__file__).parents[2]
PLAIN = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}[+-]\d\d:\d\d (\w+) +(.*)")


def fail_with_a_secret() -> None:
    password = "hunter2"  # what a traceback with values would show
    raise ValueError("the server " + "refused" + password[:0])


def secret_failure() -> ValueError:
    with pytest.raises(ValueError, match="refused") as caught:
        fail_with_a_secret()
    return caught.value


def child_writes(stderr: int, script: str, environ: dict[str, str]) -> None:
    """Runs `script` in a process of its own, with the log set up on `stderr`."""
    set_up = (
        "import os, logging\nfrom config.settings import Log\n"
        "from daemon.logs import configure_logging, tell\nconfigure_logging(Log(), os.environ)\n"
    )
    keep = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), "TERM": "xterm", "TZ": "UTC"}
    command = [sys.executable, "-c", set_up + script]
    subprocess.run(command, stderr=stderr, env=keep | environ, check=True, timeout=BOUND_S)


def stream_of(descriptor: int) -> str:
    status = os.fstat(descriptor)
    return f"{status.st_dev}:{status.st_ino}"


EVERY_LEVEL = """
for level in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
    tell(level, "a-test", level.lower() + " sentence")
try:
    raise ValueError("first\\nsecond")
except ValueError as error:
    tell("ERROR", "a-test", "It failed", exception=error)
logging.getLogger("watchdog.observers").warning("queue overflow")
"""


@pytest.mark.parametrize("kind", ["a pipe", "a socket"])
def test_in_the_journal_every_line_has_the_priority_of_its_level(kind: str) -> None:
    if kind == "a pipe":
        reader, writer = os.pipe()
    else:
        reader, writer = (end.detach() for end in socket.socketpair())
    child_writes(writer, EVERY_LEVEL, {"JOURNAL_STREAM": stream_of(writer)})
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert lines[:3] == ["<6>info sentence", "<4>warning sentence", "<3>error sentence"]
    assert lines[3] == "<2>critical sentence"
    traceback = lines[4:-1]
    assert traceback[:2] == ["<3>It failed", "<3>Traceback (most recent call last):"]
    assert "<3>ValueError: first" in traceback
    assert "<3>second" in traceback
    assert all(line.startswith("<3>") for line in traceback)
    assert lines[-1] == "<4>queue overflow logger=watchdog.observers"


def test_a_journal_stream_that_is_not_standard_error_is_not_the_journal() -> None:
    """The variable is inherited by children whose standard error was redirected."""
    reader, writer = os.pipe()
    child_writes(writer, EVERY_LEVEL, {"JOURNAL_STREAM": stream_of(reader) + "1"})
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        first = stream.readline()
    match = PLAIN.fullmatch(first.rstrip("\n"))
    assert match is not None
    assert match.groups() == ("INFO", "info sentence")


@pytest.mark.parametrize(
    ("environ", "coloured"),
    [
        pytest.param({}, True, id="a terminal gets colour"),
        pytest.param({"NO_COLOR": "1"}, False, id="NO_COLOR switches it off"),
        pytest.param({"NO_COLOR": ""}, True, id="an empty NO_COLOR is none"),
    ],
)
def test_on_a_terminal(environ: dict[str, str], coloured: bool) -> None:
    controller, terminal = pty.openpty()
    child_writes(terminal, 'tell("INFO", "a-test", "Hello", seen=3)', environ | {"TZ": "UTC-5:30"})
    shown = os.read(controller, 4096).decode()
    os.close(terminal)
    os.close(controller)
    assert ("\x1b[" in shown) is coloured
    assert re.search(r"^\d\d:\d\d:\d\d INFO +Hello seen=3$", re.sub(r"\x1b\[\d+m", "", shown).strip())


def test_elsewhere_lines_are_plain_with_iso_time(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(), {})
    tell("WARNING", "file-truncated", "The file was truncated", path=Path("/var/log/a b.log"), lost_bytes=12)
    match = PLAIN.fullmatch(capsys.readouterr().err.rstrip("\n"))
    assert match is not None
    assert match.groups() == ("WARNING", 'The file was truncated path="/var/log/a b.log" lost_bytes=12')


def test_json_is_one_object_a_line_with_the_fields_beside_the_event(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(Log(format="json"), {})
    tell("INFO", "window-committed", "A window was committed", lines=3, ratio=0.5, files=("a", "b"))
    shown = capsys.readouterr().err
    record = json.loads(shown)
    assert shown.count("\n") == 1
    assert datetime.fromisoformat(record.pop("time")).tzinfo is not None
    assert record == {
        "level": "INFO",
        "event": "window-committed",
        "message": "A window was committed",
        "lines": 3,
        "ratio": 0.5,
        "files": ["a", "b"],
    }


def test_json_keeps_a_traceback_in_its_line_and_in_the_journal_the_priority_before_it(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_is_journal", lambda _: True)
    configure_logging(Log(format="json"), {})
    tell("ERROR", "handler-failed", "A handler failed", exception=secret_failure())
    shown = capsys.readouterr().err
    assert shown.startswith("<3>{")
    assert shown.count("\n") == 1
    assert json.loads(shown[3:])["exception"].endswith("\nValueError: the server refused")


def test_text_is_plain_in_the_journal_too_behind_the_priority(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "_is_journal", lambda _: True)
    configure_logging(Log(format="text"), {})
    tell("WARNING", "a-test", "Beware")
    match = PLAIN.fullmatch(capsys.readouterr().err.removeprefix("<4>").rstrip("\n"))
    assert match is not None
    assert match.groups() == ("WARNING", "Beware")


def refuse_constant(name: str) -> None:
    raise AssertionError(f"{name} is not JSON")


TEXT = st.text(st.characters(exclude_categories=[]))
VALUES = st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.lists(st.floats()) | st.binary()


@given(sentence=TEXT, value=VALUES)
@example(sentence="not a number", value=float("nan"))
@example(sentence="infinity", value=[float("-inf")])
@example(sentence="half a character \ud83c", value="\udc80")
def test_json_is_valid_whatever_is_logged(sentence: str, value: object) -> None:
    lines: list[str] = []
    sink = logger.add(lines.append, format=logs._as_json)
    tell("DEBUG", "a-test", sentence, value=value)
    logger.remove(sink)
    [line] = lines
    record = json.loads(line, parse_constant=refuse_constant)
    assert record["event"] == "a-test"
    assert record["message"] == sentence.translate(logs._CONTROL)
    assert "value" in record


def test_a_field_cannot_replace_what_every_json_line_has(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"), {})
    tell("INFO", "a-test", "The sentence", message="of the watched project", time=7)
    record = json.loads(capsys.readouterr().err)
    assert (record["message"], record["message_"]) == ("The sentence", "of the watched project")
    assert record["time_"] == 7


@pytest.mark.parametrize("form", ["auto", "json"])
@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{} {0} {missing} {", id="braces are text"),
        pytest.param("<red>not markup</red> <3>", id="angle brackets are text"),
    ],
)
def test_text_is_never_a_template(form: str, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log.model_validate({"format": form}), {})
    tell("INFO", "a-test", text, value=text)
    assert capsys.readouterr().err.count(text) == 2


def test_text_of_the_watched_project_can_neither_forge_a_line_nor_steer_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    configure_logging(Log(), {})
    tell("INFO", "a-test", "Found \x1b[2J", value="a\nERROR forged \x9b2J")
    shown = capsys.readouterr().err
    assert shown.endswith('Found \\x1b[2J value="a\\nERROR forged \\x9b2J"\n')
    assert shown.count("\n") == 1


@pytest.mark.parametrize("form", ["auto", "json"])
def test_a_traceback_shows_no_values_of_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log.model_validate({"format": form}), {})
    tell("ERROR", "handler-failed", "A handler failed", exception=secret_failure())
    shown = capsys.readouterr().err
    assert "ValueError: the server refused" in shown
    assert "hunter2" not in shown


@pytest.mark.parametrize("redact", [True, False])
def test_a_traceback_is_redacted_as_a_sentence_is(redact: bool, capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(redact=redact), {})
    tell("ERROR", "a-test", "It failed", exception=ValueError("refused: password=hunter2"))
    said = capsys.readouterr().err
    assert "ValueError: refused" in said
    assert ("hunter2" in said) is not redact


def test_what_ends_the_program_is_told_with_priority_and_redacted() -> None:
    crash = (
        "import sys\nfrom daemon.logs import tell_crash\nsys.excepthook = tell_crash\n"
        "raise ValueError('refused: password=hunter2')\n"
    )
    reader, writer = os.pipe()
    with pytest.raises(subprocess.CalledProcessError):
        child_writes(writer, crash, {"JOURNAL_STREAM": stream_of(writer)})
    os.close(writer)
    with os.fdopen(reader, encoding="utf-8") as stream:
        lines = stream.read().splitlines()
    assert lines[0].startswith("<2>a defect, please report it: ValueError")
    assert {line[:3] for line in lines} == {"<2>"}
    assert lines[-1] == "<2>ValueError: refused: password=<redacted>"


def test_a_further_call_replaces_the_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    levels: tuple[Level, ...] = ("DEBUG", "INFO", "WARNING")

    def heard() -> list[str]:
        for level in levels:
            tell(level, "a-test", level)
        return [line.split()[-1] for line in capsys.readouterr().err.splitlines()]

    configure_logging(Log(level="DEBUG"), {})
    assert heard() == ["DEBUG", "INFO", "WARNING"]
    configure_logging(Log(level="WARNING"), {})
    assert heard() == ["WARNING"]
    configure_logging(Log(level="INFO"), {})
    assert heard() == ["INFO", "WARNING"]


def test_a_file_that_cannot_be_opened_leaves_the_configuration_as_it_was(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Log(), {})
    with pytest.raises(OSError, match=re.escape(str(tmp_path))):
        configure_logging(Log(file=tmp_path, level="ERROR"), {})
    tell("INFO", "a-test", "Still here")
    assert capsys.readouterr().err.count("Still here") == 1


def test_the_file_is_plain_rotates_by_size_and_keeps_so_many_old_ones(tmp_path: Path) -> None:
    path = tmp_path / "selfheald.log"
    configure_logging(Log(file=path, level="DEBUG", rotation_bytes=1024, retention_files=2), {})
    for number in range(100):
        tell("DEBUG", "a-test", f"Line {number} of a file \udc80")
    files = sorted(tmp_path.iterdir())
    assert len(files) == 3
    assert all(file.stat().st_size <= 1024 for file in files)
    last = path.read_text(encoding="utf-8").splitlines()[-1]
    assert PLAIN.fullmatch(last)
    assert last.endswith("Line 99 of a file \\udc80")


def test_the_standard_library_is_heard_once_from_warning_on(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(level="DEBUG"), {})
    configure_logging(Log(level="DEBUG"), {})
    for name in ("watchdog.observers.inotify_c", "apscheduler.scheduler", "asyncio"):
        logging.getLogger(name).info("%s is chatting", name)
        logging.getLogger(name).warning("%s {warns}", name)
    shown = capsys.readouterr().err.splitlines()
    assert [line.split(maxsplit=2)[2] for line in shown] == [
        f"{name} {{warns}} logger={name}"
        for name in ("watchdog.observers.inotify_c", "apscheduler.scheduler", "asyncio")
    ]


def test_the_standard_library_keeps_its_levels_and_tracebacks(capsys: pytest.CaptureFixture[str]) -> None:
    configure_logging(Log(format="json"), {})
    library = logging.getLogger("a.library")
    for number in (logging.WARNING, logging.ERROR, logging.CRITICAL, logging.CRITICAL + 5, logging.ERROR + 1):
        library.log(number, "a message")
    try:
        fail_with_a_secret()
    except ValueError:
        library.exception("it broke")
    records = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    heard = [record["level"] for record in records]
    assert heard == ["WARNING", "ERROR", "CRITICAL", "CRITICAL", "ERROR", "ERROR"]
    assert "ValueError: the server refused" in records[-1]["exception"]


@pytest.mark.parametrize("form", ["text", "json"])
@pytest.mark.parametrize("redact", [True, False])
def test_secrets_are_taken_out_unless_asked_otherwise(
    form: Literal["text", "json"], redact: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    configure_logging(Log(format=form, redact=redact), {})
    tell("WARNING", "a-test", 'found: password=hunter2 in "x"', where="mailto:me@example.org", count=3)
    said = capsys.readouterr().err
    assert ("hunter2" in said) is not redact
    assert ("me@example.org" in said) is not redact
    assert ("<redacted>" in said) is redact
    if form == "json":
        assert json.loads(said)["count"] == 3
