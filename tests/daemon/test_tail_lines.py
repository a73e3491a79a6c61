"""Lines at the edges of blocks and files: partial, too long, preceded by holes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .tail_driver import Driver, Logs, age, append, lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(Logs(directories=(tmp_path,), max_line_bytes=10))


@pytest.mark.parametrize("max_bytes", [1, 3, 4, 5, 7, 8, 100])
def test_blocks_end_at_newlines_whatever_their_size(driver: Driver, log: Path, max_bytes: int) -> None:
    append(log, b"one\ntwo\n\nseventeen\n")
    blocks = driver.blocks(max_bytes=max_bytes)
    assert b"".join(block.data for block in blocks) == b"one\ntwo\n\nseventeen\n"
    assert all(block.data.endswith(b"\n") for block in blocks)
    assert [block.end for block in blocks[:-1]] == [block.offset for block in blocks[1:]]
    driver.commit()
    at = driver.at(log)
    assert (at.bytes_read, at.lines_read, at.offset) == (19, 4, 19)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(b"one\nGO\ntwo\n", [b"one\n", b"GO\ntwo\n"], id="in the second half"),
        pytest.param(b"GO\none\ntwo\n", [b"GO\none\n", b"two\n"], id="in the first half"),
        pytest.param(b"one\n GO \ntwo\n", [b"one\n", b" GO \ntwo\n"], id="within its line"),
        pytest.param(b"onetwoGO\ntwo\n", [b"onetwoGO\n", b"two\n"], id="in the only line"),
        pytest.param(b"one\nGO\n", [b"one\nGO\n"], id="at the end of what is there"),
    ],
)
def test_a_full_block_ends_before_the_last_opening(
    driver: Driver, log: Path, text: bytes, expected: list[bytes]
) -> None:
    append(log, text)
    blocks = driver.blocks(max_bytes=10, opening=b"GO")
    assert [block.data for block in blocks] == expected


def test_a_partial_last_line_waits_for_its_end(driver: Driver, log: Path) -> None:
    append(log, b"one\ntw")
    assert driver.read() == {"a.log": b"one\n"}
    assert driver.read() == {}
    append(log, b"o\n")
    driver.restart()
    assert driver.read() == {"a.log": b"two\n"}


def test_flush_hands_out_the_partial_last_line(driver: Driver, log: Path) -> None:
    append(log, b"one\ntw")
    blocks = driver.blocks(flush=True)
    assert [(block.data, block.final) for block in blocks] == [(b"one\n", False), (b"tw\n", True)]
    driver.commit()
    assert (driver.at(log).offset, driver.at(log).bytes_read, driver.at(log).lines_read) == (6, 6, 2)
    append(log, b"o\n")
    assert driver.read() == {"a.log": b"o\n"}


def test_the_partial_last_line_of_a_rotated_file_comes_when_it_is_quiet(driver: Driver, log: Path) -> None:
    append(log, b"one\ntw")
    driver.read()
    rotated = log.with_name("a.log.1")
    log.rename(rotated)
    assert driver.read() == {}
    age(rotated)
    assert driver.read() == {"a.log": b"tw\n"}


def test_a_line_is_not_cut_within_a_character(driver: Driver, log: Path) -> None:
    append(log, "123456789\u2713 and more\nlast\n".encode())
    blocks = driver.blocks()
    assert [block.data for block in blocks] == [b"123456789\n", b"", b"last\n"]
    assert [block.end for block in blocks] == [10, 22, 27]


@pytest.mark.parametrize("max_bytes", [4, 12, 16, 1000])
def test_a_line_over_the_limit_is_cut_and_counted(driver: Driver, log: Path, max_bytes: int) -> None:
    append(log, b"one\n" + b"x" * 10 + b"\n" + b"y" * 11 + b"\n" + b"z" * 50 + b"\nlast\n")
    blocks = driver.blocks(max_bytes=max_bytes)
    data = b"".join(block.data for block in blocks)
    assert data == b"one\n" + b"x" * 10 + b"\n" + b"y" * 10 + b"\n" + b"z" * 10 + b"\nlast\n"
    assert [block.data[:1] for block in blocks if block.cut] == [b"y", b"z"]
    content = log.read_bytes()
    for block in blocks:
        if block.data and not block.cut:
            assert content[block.offset : block.end] == block.data
    driver.commit()
    at = driver.at(log)
    assert (at.lines_read, at.lines_cut, at.bytes_skipped) == (5, 2, 1 + 1 + 40 + 1)
    assert at.bytes_read + at.bytes_skipped == at.offset == len(content)


def test_a_line_that_is_too_long_and_not_finished_is_skipped_across_restarts(
    driver: Driver, log: Path
) -> None:
    append(log, b"x" * 30)
    assert driver.read() == {"a.log": b"x" * 10 + b"\n"}
    driver.restart()
    append(log, b"x" * 30)
    assert driver.read() == {}
    driver.restart()
    append(log, b"x\nnext\n")
    assert driver.read() == {"a.log": b"next\n"}
    assert (driver.at(log).lines_cut, driver.at(log).bytes_skipped) == (1, 52)


def test_memory_stays_bounded_with_a_line_of_100_mb(tmp_path: Path) -> None:
    with (tmp_path / "a.log").open("wb") as file:
        for _ in range(100):
            file.write(b"x" * 1_000_000)
        file.write(b"\nlast\n")
    program = """
import resource, sys
from pathlib import Path
from tests.daemon.tail_driver import Driver, Logs
driver = Driver(Logs(directories=(Path(sys.argv[1]),)))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = sum(1 for block in driver.blocks(max_bytes=1 << 17) if block.data)
driver.commit()
grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
(at,) = driver.checkpoints()
print(count, at.lines_read, at.lines_cut, at.bytes_skipped, grown)
"""
    result = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[2],
    )
    blocks, lines_read, lines_cut, skipped, grown_kib = map(int, result.stdout.split())
    assert (blocks, lines_read, lines_cut, skipped) == (2, 2, 1, 100_000_001 - (1 << 20))
    assert grown_kib < 16_384


def test_zeros_before_a_line_are_skipped_as_a_hole(driver: Driver, log: Path) -> None:
    """A writer without O_APPEND goes on at its old offset after copytruncate."""
    with log.open("wb", buffering=0) as writer:
        writer.write(b"one\ntwo\n")
        assert driver.read() == {"a.log": b"one\ntwo\n"}
        os.truncate(log, 0)
        driver.read()
        writer.write(b"three\n")
    assert log.read_bytes() == b"\0" * 8 + b"three\n"
    assert driver.read() == {"a.log": b"three\n"}
    at = driver.at(log)
    assert (at.bytes_skipped, at.bytes_read, at.lines_cut) == (8, 6, 0)


def test_a_hole_of_256_mib_costs_no_memory_and_loses_no_line(driver: Driver, log: Path) -> None:
    with log.open("wb") as writer:
        writer.seek(1 << 28)
        writer.write(b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    assert driver.at(log).bytes_skipped == 1 << 28


@pytest.mark.parametrize("max_bytes", [1, 6, 12, 1000])
def test_zeros_between_lines_are_a_hole_wherever_blocks_begin(
    driver: Driver, log: Path, max_bytes: int
) -> None:
    append(log, b"one\n\0\0\0two\nth\0ee\n\0four\n")
    assert driver.read(max_bytes=max_bytes) == {"a.log": b"one\ntwo\nth\0ee\nfour\n"}
    assert driver.at(log).bytes_skipped == 4


def test_zeros_at_the_end_are_space_for_lines_to_come(driver: Driver, log: Path) -> None:
    log.write_bytes(b"one\n" + b"\0" * 100)
    assert driver.read() == {"a.log": b"one\n"}
    with log.open("r+b") as file:
        file.seek(4)
        file.write(b"two\n")
    assert driver.read() == {"a.log": b"two\n"}


def test_bytes_that_are_no_text_are_handed_out_as_they_are(driver: Driver, log: Path) -> None:
    append(log, b"\xff\xfe\n\r\n")
    assert driver.read() == {"a.log": b"\xff\xfe\n\r\n"}


def test_a_rewrite_between_look_and_read_hands_out_nothing_wrong(driver: Driver, log: Path) -> None:
    append(log, lines("old", 3))
    driver.logs = Logs(directories=(log.parent,))
    driver.restart()
    driver.read()
    append(log, lines("old", 1, start=3))
    (file,) = driver.tail.scan()
    log.write_bytes(lines("new", 9))
    assert driver.tail.read(file, 1000) is None
    assert driver.read(hot=True) == {"a.log": lines("new", 9)}
