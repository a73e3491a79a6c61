"""The lines that prove an anomaly: shown for what they are, or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemon.checkpoint import Checkpoint
from daemon.evidence import MAX_LINE_BYTES, EvidenceLine, lines_in_store
from daemon.identity import HEAD_BYTES, identify, mark_at, pread_of
from handlers.model import Origin

LINES = [
    b"first line\n",
    "    2026-11-22T16:11:25.016Z \u23f1 second\n".encode(),
    b"more than the head that is hashed\n" * (2 * HEAD_BYTES // 34),
    b"third\r\n",
]
TEXT = b"".join(LINES)


def checkpoint_of(path: Path, source: int = 1) -> Checkpoint:
    descriptor = os.open(path, os.O_RDONLY)
    status = os.fstat(descriptor)
    head = os.pread(descriptor, HEAD_BYTES, 0)
    at = Checkpoint(
        source=source,
        path=str(path),
        stream=str(path),
        identity=identify((status.st_dev, status.st_ino), head),
        offset=status.st_size,
        marks=(mark_at(pread_of(descriptor), status.st_size),),
    )
    os.close(descriptor)
    return at


@pytest.fixture
def log(folder: Path) -> Path:
    path = folder / "app.log"
    path.write_bytes(TEXT)
    return path


def line_at(offset: int, *checkpoints: Checkpoint) -> EvidenceLine:
    [line] = lines_in_store(
        (Origin(7, 1, offset),), {each.source: each for each in checkpoints}, redact=False
    )
    return line


@pytest.mark.parametrize(
    ("offset", "begins", "text"),
    [
        pytest.param(0, 0, "first line", id="at the beginning of the file"),
        pytest.param(11, 11, "    2026-11-22T16:11:25.016Z \u23f1 second", id="at the beginning of a line"),
        pytest.param(38, 11, "    2026-11-22T16:11:25.016Z \u23f1 second", id="behind its timestamp"),
        pytest.param(len(TEXT) - 7, len(TEXT) - 7, "third", id="with a carriage return"),
    ],
)
def test_a_line_is_shown_whole(offset: int, begins: int, text: str, log: Path) -> None:
    assert line_at(offset, checkpoint_of(log)) == EvidenceLine(str(log), begins, 7, text)


def test_a_long_line_is_cut_between_characters(log: Path) -> None:
    log.write_bytes(b"x" + "ü".encode() * MAX_LINE_BYTES + b"\n")
    line = line_at(0, checkpoint_of(log))
    assert line.cut
    assert line.text == "x" + "ü" * ((MAX_LINE_BYTES - 1) // 2)


def test_bytes_that_are_not_utf_8_are_made_visible(log: Path) -> None:
    log.write_bytes(b"a\xff\xfeb\n")
    assert line_at(0, checkpoint_of(log)).text == "a\\xff\\xfeb"


def test_a_file_is_followed_to_its_new_name(log: Path) -> None:
    at = checkpoint_of(log)
    moved = log.rename(log.with_name("app.log.1"))
    log.write_bytes(b"another file\n" * 9)
    renamed = checkpoint_of(moved)
    assert line_at(0, renamed).text == "first line"
    assert line_at(0, at).missing == "another file stands there now"


def test_a_copy_that_the_store_knows_stands_in_for_a_truncated_file(log: Path) -> None:
    at = checkpoint_of(log)
    copy = log.with_name("app.log.1")
    copy.write_bytes(log.read_bytes())
    log.write_bytes(b"written anew, and longer than before: " + TEXT)
    other = Checkpoint(source=2, path=str(copy), stream=str(log), identity=at.identity)
    line = line_at(11, at, other)
    assert (line.path, line.missing) == (str(copy), "")
    assert line.text.endswith("second")


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(TEXT.replace(b"first", b"other"), id="another head"),
        pytest.param(TEXT.replace(b"third", b"3rd.."), id="the same head and another end"),
        pytest.param(TEXT[:20], id="less than was read"),
        pytest.param(b"", id="nothing"),
    ],
)
def test_a_file_that_was_rewritten_is_not_quoted(content: bytes, log: Path) -> None:
    at = checkpoint_of(log)
    log.write_bytes(content)
    line = line_at(0, at)
    assert (line.text, line.missing) == ("", "another file stands there now")


def test_a_file_that_grew_is_quoted(log: Path) -> None:
    at = checkpoint_of(log)
    with log.open("ab") as file:
        file.write(b"more\n")
    assert line_at(0, at).text == "first line"


def test_what_is_gone_is_said_to_be_gone(log: Path) -> None:
    at = checkpoint_of(log)
    log.unlink()
    assert line_at(0, at).missing == "the file is gone"
    assert line_at(0).missing == "the file was deleted long ago"


def test_a_pipe_in_its_place_is_not_waited_for(log: Path) -> None:
    at = checkpoint_of(log)
    log.unlink()
    os.mkfifo(log)
    assert line_at(0, at).missing == "another file stands there now"


def test_a_directory_in_its_place_is_no_crash(log: Path) -> None:
    at = checkpoint_of(log)
    log.unlink()
    log.mkdir()
    assert line_at(0, at).missing
