"""What was packed before it was read to its end is read on from the archive, once."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import zstandard

from daemon import packed
from tests.daemon.tail_driver import Driver, Logs, append, lines


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    (tmp_path / "logs").mkdir()
    return tmp_path / "logs"


@pytest.fixture
def log(logs: Path) -> Path:
    return logs / "app.log"


@pytest.fixture
def driver(logs: Path) -> Driver:
    return Driver(Logs(directories=(logs,), exclude=("*.gz", "*.bz2", "*.xz", "*.zst")))


def pack(path: Path, into: Path | None = None, data: bytes | None = None) -> Path:
    """As gzip does: the archive has the time of the last write, and the file is deleted."""
    archive = into or path.with_name(path.name + ".gz")
    archive.write_bytes(gzip.compress(path.read_bytes()) if data is None else data)
    os.utime(archive, ns=(path.stat().st_mtime_ns, path.stat().st_mtime_ns))
    path.unlink()
    return archive


def stopped(driver: Driver) -> None:
    """Nobody has a file open any more."""
    driver.restart()


@pytest.mark.parametrize(
    ("ending", "compress"),
    [("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstandard.compress)],
)
def test_what_was_written_and_packed_while_nobody_followed_is_read_once(
    driver: Driver, log: Path, ending: str, compress: Callable[[bytes], bytes]
) -> None:
    append(log, lines("a", 100))
    assert driver.read() == {"app.log": lines("a", 100)}
    stopped(driver)
    append(log, lines("a", 50, 100))
    log.rename(log.with_name("app.log.1"))
    rotated = log.with_name("app.log.1")
    archive = pack(rotated, log.with_name(f"app.log.1.{ending}"), compress(rotated.read_bytes()))
    append(log, lines("b", 10))
    assert driver.read() == {"app.log": lines("a", 50, 100) + lines("b", 10)}
    assert driver.read() == {}
    stopped(driver)
    assert driver.read() == {}
    at = driver.at(archive)
    assert (at.state, at.offset, at.bytes_read) == ("archive", len(lines("a", 150)), len(lines("a", 150)))
    assert at.archive_bytes == archive.stat().st_size
    assert not any(each.losses for each in driver.checkpoints())


def test_a_crash_in_the_middle_of_the_archive_goes_on_from_the_commit_even_under_its_next_name(
    driver: Driver, log: Path
) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    append(log, lines("a", 5000, 100))
    archive = pack(log)
    [file] = driver.tail.scan()
    first = driver.tail.read(file, 4096)
    assert first is not None
    driver.tail.consumed(first)
    driver.commit()
    second = driver.tail.read(file, 4096)
    assert second is not None
    driver.tail.consumed(second)  # and not committed
    stopped(driver)
    archive.rename(log.with_name("app.log.2.gz"))
    assert first.data + driver.read()["app.log"] == lines("a", 5000, 100)
    assert driver.read() == {}


def test_a_commit_that_fails_is_rolled_back(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    append(log, lines("a", 100, 100))
    pack(log)
    assert driver.blocks()
    driver.tail.rolled_back()
    assert driver.read() == {"app.log": lines("a", 100, 100)}
    assert driver.read() == {}


def test_a_log_that_was_copied_truncated_and_packed_between_two_looks_is_read_to_its_end(
    driver: Driver, log: Path
) -> None:
    append(log, lines("a", 100))
    driver.read()
    append(log, lines("a", 50, 100))
    copy = log.with_name("app.log.1")
    copy.write_bytes(log.read_bytes())
    os.truncate(log, 0)
    pack(copy)
    append(log, lines("b", 10))
    assert driver.read() == {"app.log": lines("a", 50, 100) + lines("b", 10)}
    assert not any(each.losses for each in driver.checkpoints())


def test_the_inode_of_the_packed_file_may_be_that_of_its_successor(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    data = log.read_bytes() + lines("a", 50, 100)
    log.with_name("app.log.1.gz").write_bytes(gzip.compress(data))
    os.truncate(log, 0)
    append(log, lines("b", 200))
    assert driver.read() == {"app.log": lines("a", 50, 100) + lines("b", 200)}


def test_a_log_shorter_than_a_head_is_known_by_the_name_of_its_archive(driver: Driver, log: Path) -> None:
    append(log, lines("a", 2))
    other = log.with_name("other.log")
    append(other, lines("a", 2))
    driver.read()
    stopped(driver)
    append(log, lines("a", 2, 2))
    pack(log)
    assert driver.read() == {"app.log": lines("a", 2, 2)}
    pack(other, other.with_name("something.gz"), gzip.compress(lines("a", 4)))
    stopped(driver)
    assert driver.read() == {}


def test_what_was_read_to_its_end_and_packed_is_not_read_again(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    pack(log)
    assert driver.read() == {}
    assert [at.state for at in driver.checkpoints()] == ["gone"]


def test_an_archive_of_a_copy_that_was_read_on_is_not_read_for_the_original(
    driver: Driver, log: Path
) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    longer = log.read_bytes() + lines("a", 100, 100)
    log.unlink()
    copy = log.with_name("app.log.1")
    copy.write_bytes(longer)
    assert driver.read() == {"app.log": lines("a", 100, 100)}
    append(copy, lines("a", 1, 200))
    assert driver.read() == {"app.log": lines("a", 1, 200)}
    stopped(driver)
    pack(copy)
    assert driver.read() == {}


def test_content_that_differs_before_the_offset_is_another_file(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    changed = lines("a", 60) + lines("b", 100)
    pack(log, data=gzip.compress(changed))
    assert driver.read() == {}


def test_unread_bytes_that_nobody_has_any_more_are_lost_if_they_were_seen(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100) + b"half a line")
    driver.read()
    stopped(driver)
    log.unlink()
    assert driver.read() == {}
    [loss] = driver.at(log).losses
    assert (loss.from_offset, loss.to_offset) == (len(lines("a", 100)), len(lines("a", 100)) + 11)


def test_nothing_is_claimed_of_what_was_not_seen(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    append(log, lines("a", 100, 100))
    log.unlink()
    assert driver.read() == {}
    assert driver.at(log).losses == ()


def test_a_log_that_is_not_watched_any_more_is_not_lost(driver: Driver, log: Path, tmp_path: Path) -> None:
    append(log, lines("a", 100) + b"half a line")
    driver.read()
    (tmp_path / "others").mkdir()
    driver.logs = Logs(directories=(tmp_path / "others",))
    stopped(driver)
    assert driver.read() == {}
    assert driver.at(log).losses == ()


def test_a_truncated_archive_gives_what_it_has_and_the_rest_is_lost(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    append(log, os.urandom(300_000).hex().encode() + b"\n" + lines("a", 10, 100))
    pack(log, data=gzip.compress(log.read_bytes())[:-200_000])
    driver.read()
    [at] = driver.checkpoints()
    assert at.state == "archive"
    assert at.losses[0].reason.startswith("the archive ends in the middle")
    assert driver.tail.problems


def test_an_archive_that_takes_too_long_is_told_and_left_to_ingest(
    driver: Driver, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    append(log, lines("a", 100, 100))
    pack(log)
    monkeypatch.setattr(packed, "_size_within", _never)
    assert driver.read() == {}
    assert "selfheald ingest reads it" in " ".join(driver.tail.problems)
    assert not driver.tail.is_searching


def _never(*_arguments: object) -> None:
    raise TimeoutError


def test_a_look_that_has_no_time_for_all_archives_goes_on_with_the_next(
    driver: Driver, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"{number}.log" for number in range(3)]
    for name in names:
        append(log.with_name(name), lines(name, 100))
    driver.read()
    stopped(driver)
    for name in names:
        append(log.with_name(name), lines(name, 1, 100))
        pack(log.with_name(name))
    monkeypatch.setattr(packed, "SEARCH_S", 1e-9)
    monkeypatch.setattr(packed, "time", SimpleNamespace(monotonic=_Clock()))
    found = [driver.read()]
    while driver.tail.is_searching:
        found.append(driver.read())
    assert len(found) > 1
    assert {name: data for each in found for name, data in each.items()} == {
        name: lines(name, 1, 100) for name in names
    }


class _Clock:
    """Each look at it is a tenth of `SEARCH_S` later: enough for one archive, and not for three."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1e-10
        return self.now


def test_a_link_to_an_archive_elsewhere_is_not_followed(driver: Driver, log: Path, tmp_path: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    (tmp_path / "secret.gz").write_bytes(gzip.compress(log.read_bytes() + lines("secret", 1)))
    log.unlink()
    log.with_name("app.log.1.gz").symlink_to(tmp_path / "secret.gz")
    assert driver.read() == {}


def test_checkpoints_of_archives_are_given_up_with_those_of_other_files_that_are_gone(
    driver: Driver, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("daemon.ledger.GONE_KEPT", 2)
    for number in range(5):
        path = log.with_name(f"{number}.log")
        append(path, lines(str(number), 100))
        driver.read()
        stopped(driver)
        append(path, lines(str(number), 1, 100))
        pack(path)
        assert driver.read()
        driver.read()
    assert len(driver.checkpoints()) <= 3


def test_memory_stays_bounded_whatever_is_in_the_archive(driver: Driver, log: Path) -> None:
    append(log, lines("a", 100))
    driver.read()
    stopped(driver)
    zeros = 256 << 20
    pack(
        log, data=gzip.compress(log.read_bytes()) + gzip.compress(bytes(zeros)) + gzip.compress(lines("b", 1))
    )
    tracemalloc.start()
    try:
        assert driver.read() == {"app.log": lines("b", 1)}
        assert tracemalloc.get_traced_memory()[1] < 16 << 20
    finally:
        tracemalloc.stop()
    [at] = driver.checkpoints()
    assert at.bytes_skipped == zeros
