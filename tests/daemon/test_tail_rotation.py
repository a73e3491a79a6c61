"""Rotation: by rename, by copytruncate, and everything that looks like one of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from daemon.rotation import log_of

from .tail_driver import Driver, Logs, age, append, lines


@pytest.fixture
def driver(tmp_path: Path) -> Driver:
    return Driver(Logs(directories=(tmp_path,)))


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "a.log"


def rotate(log: Path) -> None:
    """As logrotate does: a.log.1 to a.log.2, a.log to a.log.1."""
    if log.with_name("a.log.1").exists():
        log.with_name("a.log.1").rename(log.with_name("a.log.2"))
    log.rename(log.with_name("a.log.1"))


def copytruncate(log: Path, name: str = "a.log.1") -> Path:
    copy = log.with_name(name)
    shutil.copy(log, copy)
    os.truncate(log, 0)
    return copy


def test_a_renamed_file_and_its_successor_are_one_stream_in_order(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    append(log, b"two\n")
    rotate(log)
    append(log, b"three\n")
    assert driver.read() == {"a.log": b"two\nthree\n"}
    assert [(Path(at.path).name, at.state) for at in driver.checkpoints()] == [
        ("a.log.1", "rotated"),
        ("a.log", "active"),
    ]


def test_a_late_write_into_the_renamed_file_is_read(driver: Driver, log: Path) -> None:
    with log.open("ab", buffering=0) as writer:
        writer.write(b"one\n")
        driver.read()
        rotate(log)
        append(log, b"three\n")
        driver.read()
        writer.write(b"two\n")
        assert driver.read(hot=True) == {"a.log": b"two\n"}


def test_two_rotations_between_looks_lose_nothing_and_keep_the_order(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    append(log, b"two\n")
    for data in (b"three\n", b"four\n"):
        rotate(log)
        append(log, data)
    assert driver.read() == {"a.log": b"two\nthree\nfour\n"}


def test_two_rotations_while_not_running_lose_nothing(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    append(log, b"two\n")
    for data in (b"three\n", b"four\n"):
        rotate(log)
        append(log, data)
    driver.restart()
    assert driver.read() == {"a.log": b"two\nthree\nfour\n"}


def test_a_backlog_of_rotated_files_is_read_oldest_first(driver: Driver, log: Path) -> None:
    for name, data in (("a.log", b"4\n"), ("a.log.1", b"3\n"), ("a.log.2", b"2\n"), ("a.log.10", b"1\n")):
        append(log.with_name(name), data)
    assert driver.read() == {"a.log": b"1\n2\n3\n4\n"}


def test_dated_rotated_files_are_read_in_order_of_age(driver: Driver, log: Path) -> None:
    for name, data, mtime in (
        ("a.log-20260103", b"2\n", 200),
        ("a.log-20260102", b"1\n", 100),
        ("a.log", b"3\n", 50),
    ):
        append(log.with_name(name), data)
        os.utime(log.with_name(name), (mtime, mtime))
    assert driver.read() == {"a.log": b"1\n2\n3\n"}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/l/a.log.1", "/l/a.log"),
        ("/l/a.log-20260131", "/l/a.log"),
        ("/l/a.log.2026-01-31_10-00-00", "/l/a.log"),
        ("/l/a.log.old", "/l/a.log"),
        ("/l/a.log", "/l/a.log"),
        ("/l/a-1.log", "/l/a-1.log"),
        ("/l/.1", "/l/.1"),
    ],
)
def test_the_name_of_a_rotated_file_names_its_log(path: str, expected: str) -> None:
    assert log_of(path) == expected


def test_numbered_files_without_a_log_are_streams_of_their_own(driver: Driver, log: Path) -> None:
    append(log.with_name("node.1"), b"one\n")
    append(log.with_name("node.2"), b"two\n")
    assert driver.read() == {"node.1": b"one\n", "node.2": b"two\n"}


def test_truncation_to_zero_starts_a_new_file_in_the_same_stream(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    os.truncate(log, 0)
    assert driver.read() == {}
    append(log, b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    assert [(at.source, at.state, at.bytes_lost) for at in driver.checkpoints()] == [
        (1, "gone", 0),
        (2, "active", 0),
    ]


@pytest.mark.parametrize(
    "new", [b"new!\n", b"n\n", b"new and longer\n"], ids=["same-size", "shorter", "longer"]
)
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_a_file_that_was_truncated_and_rewritten_is_read_from_its_start(
    driver: Driver, log: Path, new: bytes, restart: bool
) -> None:
    log.write_bytes(b"old!\n")
    driver.read()
    log.write_bytes(new)
    if restart:
        driver.restart()
    assert driver.read() == {"a.log": new}


def test_a_rewrite_within_one_step_of_the_clock_is_noticed(driver: Driver, log: Path) -> None:
    log.write_bytes(b"old!\n")
    status = log.stat()
    driver.read()
    assert driver.read() == {}
    log.write_bytes(b"new!\n")
    os.utime(log, ns=(status.st_atime_ns, status.st_mtime_ns))
    assert driver.read() == {"a.log": b"new!\n"}


def test_a_rewrite_that_begins_like_the_old_content_is_noticed(driver: Driver, log: Path) -> None:
    banner = lines("banner", 100)
    log.write_bytes(banner + lines("old", 5))
    driver.read()
    log.write_bytes(banner + lines("new", 9))
    assert driver.read() == {"a.log": banner + lines("new", 9)}


def test_touching_a_file_is_no_rewrite(driver: Driver, log: Path) -> None:
    log.write_bytes(b"one\n")
    driver.read()
    age(log)
    assert driver.read() == {}


def test_bytes_that_a_truncation_took_away_are_counted_as_lost(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    append(log, b"two\n")
    driver.tail.scan()
    os.truncate(log, 0)
    append(log, b"3\n")
    assert driver.read() == {"a.log": b"3\n"}
    gone = driver.checkpoint(1)
    assert (gone.state, gone.bytes_lost, gone.losses[0].reason) == ("gone", 4, "truncated or overwritten")
    assert "rotated by rename" in driver.tail.problems[0]


def test_a_loss_is_not_forgotten_when_its_commit_fails(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.read()
    append(log, b"two\n")
    driver.tail.scan()
    os.truncate(log, 0)
    driver.tail.scan()
    driver.tail.rolled_back()
    driver.read()
    driver.read()
    assert driver.checkpoint(1).bytes_lost == 4


def test_what_a_truncation_took_of_a_file_that_was_never_read_is_counted(driver: Driver, log: Path) -> None:
    append(log, b"one\n")
    driver.tail.scan()
    driver.commit()
    log.write_bytes(b"two!\n")
    assert driver.read() == {"a.log": b"two!\n"}
    assert [(at.bytes_lost, at.state) for at in driver.checkpoints()] == [(4, "gone"), (0, "active")]


@pytest.mark.parametrize("count", [3, 500], ids=["small", "large"])
@pytest.mark.parametrize("restart", [False, True], ids=["running", "restarted"])
def test_copytruncate_reads_the_copy_from_where_the_log_was_read_to(
    driver: Driver, log: Path, count: int, restart: bool
) -> None:
    append(log, lines("a", count))
    driver.read()
    append(log, lines("a", 1, start=count))
    copytruncate(log)
    append(log, lines("a", 1, start=count + 1))
    if restart:
        driver.restart()
    assert driver.read() == {"a.log": lines("a", 2, start=count)}
    assert driver.checkpoint(1).bytes_lost == 0
    assert driver.read() == {}
    driver.restart()
    assert driver.read() == {}


def test_two_copytruncates_between_looks_lose_nothing(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    append(log, lines("a", 1, start=100))
    copytruncate(log).rename(log.with_name("a.log.2"))
    append(log, lines("a", 100, start=101))
    copytruncate(log)
    append(log, lines("a", 1, start=201))
    assert driver.read() == {"a.log": lines("a", 102, start=100)}


def test_a_copy_is_not_read_while_it_is_being_written(driver: Driver, log: Path) -> None:
    content = lines("a", 500)
    append(log, content)
    driver.read()
    copy = log.with_name("a.log.1")
    for end in (0, 2000, 9000, len(content)):
        copy.write_bytes(content[:end])
        assert driver.read() == {}
    append(log, lines("a", 1, start=500))
    assert driver.read(hot=True) == {"a.log": lines("a", 1, start=500)}
    append(copy, lines("a", 1, start=500))
    assert driver.read() == {}
    os.truncate(log, 0)
    assert driver.read() == {}
    assert driver.at(copy).bytes_skipped == copy.stat().st_size


def test_a_copy_that_ends_before_what_was_read_meanwhile_is_recognised(driver: Driver, log: Path) -> None:
    """The log grew, and was read, between the copy and the truncation."""
    append(log, lines("a", 200))
    driver.read()
    shutil.copy(log, log.with_name("a.log.1"))
    append(log, lines("a", 1, start=200))
    driver.read(hot=True)
    os.truncate(log, 0)
    append(log, lines("a", 1, start=201))
    assert driver.read() == {"a.log": lines("a", 1, start=201)}


@pytest.mark.parametrize("consumed", [False, True], ids=["before-it-was-read", "after-it-was-read"])
def test_a_backup_of_a_log_is_not_read(driver: Driver, log: Path, consumed: bool) -> None:
    append(log, lines("a", 100))
    if consumed:
        driver.read()
    shutil.copy(log, log.with_name("backup"))
    append(log, lines("a", 1, start=100))
    driver.restart()
    assert driver.read() == {"a.log": lines("a", 1 if consumed else 101, start=100 if consumed else 0)}
    assert driver.tail.problems == (f"{log.parent}/backup: not read, since all of it stands in {log}",)
    driver.restart()
    assert driver.read() == {}


def test_a_log_replaced_by_a_longer_copy_goes_on(driver: Driver, log: Path) -> None:
    """rsync writes a new file and renames it over the old one."""
    append(log, lines("a", 100))
    driver.read()
    for count in (103, 103, 107):
        arriving = log.with_name("arriving.gz")
        arriving.write_bytes(lines("a", count))
        arriving.rename(log)
        driver.read()
    assert sum(at.lines_read for at in driver.checkpoints()) == 107
    assert sum(at.bytes_lost for at in driver.checkpoints()) == 0


def test_a_partial_line_is_not_torn_when_a_longer_copy_replaces_the_file(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100) + b"par")
    driver.read()
    arriving = log.with_name("arriving.gz")
    arriving.write_bytes(lines("a", 100) + b"partial\n")
    arriving.rename(log)
    assert driver.read() == {"a.log": b"partial\n"}


def test_a_device_number_that_changed_is_no_new_file(driver: Driver, log: Path) -> None:
    append(log, lines("a", 2))
    append(log.with_name("b.log"), lines("b", 200))
    driver.read()
    for source in driver.stored:
        driver.stored[source] = driver.stored[source].replace(
            b'"device":%d' % log.stat().st_dev, b'"device":%d' % (log.stat().st_dev + 1)
        )
    driver.restart()
    append(log, b"next\n")
    assert driver.read() == {"a.log": b"next\n"}


def test_different_files_that_begin_alike_are_both_read_in_full(driver: Driver, log: Path) -> None:
    banner = lines("banner", 100)
    append(log, banner + lines("a", 5))
    append(log.with_name("b.log"), banner + lines("b", 5))
    assert driver.read() == {"a.log": banner + lines("a", 5), "b.log": banner + lines("b", 5)}
    append(log.with_name("c.log"), banner + lines("c", 5))
    assert driver.read() == {"c.log": banner + lines("c", 5)}


def test_a_file_that_begins_like_another_is_read_in_full_once_it_differs(driver: Driver, log: Path) -> None:
    banner = lines("banner", 100)
    append(log, banner + lines("a", 5))
    driver.read()
    second = log.with_name("b.log")
    append(second, banner)
    assert driver.read() == {}
    append(second, lines("b", 1))
    assert driver.read() == {"b.log": banner + lines("b", 1)}


def test_a_successor_that_begins_like_the_rotated_file_is_read_at_once(driver: Driver, log: Path) -> None:
    banner = lines("banner", 100)
    append(log, banner + lines("a", 5))
    driver.read()
    rotate(log)
    append(log, banner)
    assert driver.read() == {"a.log": banner}


def test_short_files_with_the_same_content_are_different_files(driver: Driver, log: Path) -> None:
    append(log, b"started\n")
    driver.read()
    append(log.with_name("b.log"), b"started\n")
    assert driver.read() == {"b.log": b"started\n"}


def test_checkpoints_of_files_long_gone_are_given_up(
    driver: Driver, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.ledger.GONE_KEPT", 3)
    for number in range(6):
        path = log.with_name(f"{number}.log")
        append(path, b"line of %d\n" % number)
        driver.read()
        path.unlink()
        driver.read()
    for _ in range(3):
        driver.read()
    assert sorted(driver.stored) == [4, 5, 6]
    append(log, b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    assert driver.at(log).source == 7
