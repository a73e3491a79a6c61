"""One test a fact of file systems: growth, restarts, commits, deletion and what is not to be read."""

from __future__ import annotations

import os
import resource
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from daemon.descriptors import MAX_OPEN
from daemon.rotation import is_beside

from .tail_driver import Driver, Logs, age, append, lines


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    directory = tmp_path / "logs"
    directory.mkdir()
    return directory


@pytest.fixture
def driver(logs: Path) -> Iterator[Driver]:
    driver = Driver(Logs(directories=(logs,)))
    yield driver
    driver.tail.close()


def open_files() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_file_that_grows_is_read_from_where_reading_had_come_to(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    assert driver.read() == {}
    append(logs / "a.log", b"two\nthree\n")
    assert driver.read() == {"a.log": b"two\nthree\n"}


def test_hot_finds_growth_without_a_scan(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    assert driver.read(hot=True) == {}
    append(logs / "a.log", b"two\n")
    assert driver.read(hot=True) == {"a.log": b"two\n"}
    assert driver.tail.is_hot


def test_hot_finds_the_first_line_of_a_file_that_was_empty(driver: Driver, logs: Path) -> None:
    (logs / "a.log").touch()
    assert driver.read() == {}
    append(logs / "a.log", b"one\n")
    assert driver.read(hot=True) == {"a.log": b"one\n"}


def test_hot_finds_a_truncation(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\ntwo\n")
    driver.read()
    (logs / "a.log").write_bytes(b"new\n")
    assert driver.read(hot=True) == {"a.log": b"new\n"}


def test_hot_does_not_take_a_longer_rewrite_for_growth(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    (logs / "a.log").write_bytes(b"new and longer\n")
    assert driver.read(hot=True) == {"a.log": b"new and longer\n"}
    assert [at.bytes_lost for at in driver.checkpoints()] == [0, 0]


def test_what_hot_came_across_is_told_by_the_next_scan(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\ntwo\nthr")
    driver.read()
    (logs / "a.log").write_bytes(b"new\n")
    assert driver.tail.hot()
    driver.tail.scan()
    assert ["lost the 3 bytes from offset 8" in problem for problem in driver.tail.problems] == [True]
    driver.tail.scan()
    assert driver.tail.problems == ()


def test_hot_lists_no_directory_for_a_log_that_grows_while_it_is_read(
    driver: Driver, logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = logs / "app.log"
    append(log, lines("a", 100))
    driver.read()
    append(log, lines("a", 100, 100))
    monkeypatch.setattr(driver.tail, "scan", None)
    [file] = driver.tail.hot()
    append(log, lines("a", 100, 200))  # seen by who reads, not by who looked
    block = driver.tail.read(file, 1 << 20)
    assert block is not None
    driver.tail.consumed(block)
    driver.commit()
    append(log, lines("a", 100, 300))
    assert block.data + driver.read(hot=True)["app.log"] == lines("a", 300, 100)


def test_a_restart_goes_on_from_the_committed_offset(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\ntwo\n")
    assert driver.read(max_bytes=4) == {"a.log": b"one\ntwo\n"}
    driver.restart()
    assert driver.read() == {}
    append(logs / "a.log", b"three\n")
    driver.restart()
    assert driver.read() == {"a.log": b"three\n"}


def test_what_was_consumed_but_not_committed_is_handed_out_again(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    append(logs / "a.log", b"two\n")
    assert [block.data for block in driver.blocks()] == [b"two\n"]
    driver.restart()
    assert driver.read() == {"a.log": b"two\n"}


def test_a_commit_that_failed_is_rolled_back(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    append(logs / "a.log", b"two\n")
    append(logs / "b.log", b"other\n")
    driver.blocks()
    driver.tail.rolled_back()
    assert driver.tail.checkpoints() == ()
    assert driver.read() == {"a.log": b"two\n", "b.log": b"other\n"}
    assert driver.read() == {}


def test_reading_twice_without_consuming_gives_the_same_block(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\ntwo\n")
    (file,) = driver.tail.scan()
    first = driver.tail.read(file, 4)
    assert first == driver.tail.read(file, 4)
    assert first
    driver.tail.consumed(first)
    with pytest.raises(ValueError, match="does not follow"):
        driver.tail.consumed(first)


def test_source_numbers_increase_and_are_never_used_again(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    (logs / "a.log").unlink()
    driver.read()
    driver.restart()
    append(logs / "a.log", b"another\n")
    driver.read()
    assert sorted(driver.stored) == [1, 2]


def test_a_deleted_and_recreated_file_is_read_from_its_start(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    (logs / "a.log").unlink()
    append(logs / "a.log", b"one\n")
    assert driver.read() == {"a.log": b"one\n"}


def test_the_rest_of_a_deleted_file_is_read_before_its_successor(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    before = open_files()
    append(logs / "a.log", b"two\nwithout newline")
    (logs / "a.log").unlink()
    append(logs / "a.log", b"three\n")
    assert driver.read() == {"a.log": b"two\nwithout newline\nthree\n"}
    assert driver.checkpoint(1).bytes_lost == 0
    driver.read()
    # Closed once it was read, or the space of the deleted file would not be free.
    assert open_files() == before


def test_a_file_deleted_before_it_was_read_is_counted_as_lost(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    append(logs / "a.log", b"two\n")
    driver.tail.scan()
    driver.tail.close()
    (logs / "a.log").unlink()
    assert driver.read() == {}
    lost = driver.checkpoint(1)
    assert (lost.state, lost.bytes_lost, lost.losses[0].from_offset, lost.losses[0].to_offset) == (
        "gone",
        4,
        4,
        8,
    )
    assert "lost the 4 bytes from offset 4 on" in driver.tail.problems[0]


def test_a_file_that_comes_back_goes_on_and_its_loss_is_taken_back(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", lines("a", 100))
    driver.read()
    size = (logs / "a.log").stat().st_size
    append(logs / "a.log", b"two\n")
    driver.tail.scan()
    driver.tail.close()
    outside = logs.parent / "elsewhere"
    (logs / "a.log").rename(outside)
    driver.read()
    assert driver.checkpoint(1).bytes_lost == 4
    outside.rename(logs / "a.log")
    assert driver.read() == {"a.log": b"two\n"}
    before, back = driver.checkpoints()
    assert (before.state, before.bytes_lost, before.losses) == ("gone", 0, ())
    assert (back.state, back.bytes_skipped, back.bytes_read) == ("active", size, 4)


def test_a_reused_inode_with_other_content_is_a_new_file(driver: Driver, logs: Path) -> None:
    """Writing in place keeps the inode for certain; deleting and creating does so only by chance."""
    append(logs / "a.log", lines("old", 100))
    driver.read()
    driver.tail.close()
    inode = (logs / "a.log").stat().st_ino
    with (logs / "a.log").open("r+b") as file:
        file.write(lines("new", 200))
    assert (logs / "a.log").stat().st_ino == inode
    driver.restart()
    assert driver.read() == {"a.log": lines("new", 200)}
    assert sorted(driver.stored) == [1, 2]


def test_a_reused_inode_under_another_name_is_a_new_file(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    (logs / "a.log").rename(logs / "b.log")
    (logs / "b.log").write_bytes(b"quite another thing\n")
    driver.restart()
    assert driver.read() == {"b.log": b"quite another thing\n"}


def test_a_directory_that_is_deleted_and_recreated_is_read_again(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    driver.read()
    (logs / "a.log").unlink()
    logs.rmdir()
    assert driver.read() == {}
    assert driver.tail.problems == (
        f"{logs}: there is no such directory yet; it is read as soon as it appears",
    )
    assert driver.read() == {}
    assert not driver.tail.problems
    logs.mkdir()
    append(logs / "a.log", b"two\n")
    assert driver.read() == {"a.log": b"two\n"}


def test_a_file_that_was_moved_in_is_read_from_its_start(driver: Driver, logs: Path) -> None:
    driver.read()
    append(logs.parent / "a.log", b"one\ntwo\n")
    (logs.parent / "a.log").rename(logs / "a.log")
    assert driver.read() == {"a.log": b"one\ntwo\n"}


def test_files_in_subdirectories_are_read_only_if_recursive(logs: Path) -> None:
    (logs / "sub").mkdir()
    append(logs / "sub" / "a.log", b"one\n")
    assert Driver(Logs(directories=(logs,), recursive=False)).read() == {}
    assert Driver(Logs(directories=(logs, logs / "sub"))).read() == {"a.log": b"one\n"}


def test_names_select_files(logs: Path) -> None:
    for name in ("a.log", "b.txt", "c.log.gz", "d.log"):
        append(logs / name, lines(name, 1))
    chosen = Logs(directories=(logs,), include=("*.log", "*.gz"), exclude=("*.gz", "d*"))
    assert Driver(chosen).read() == {"a.log": lines("a.log", 1)}


def test_a_link_to_a_file_that_is_there_too_is_read_once(logs: Path) -> None:
    append(logs / "z.log", b"one\n")
    (logs / "current").symlink_to("z.log")
    for follow in (False, True):
        driver = Driver(Logs(directories=(logs,), follow_symlinks=follow))
        assert driver.read() == {"z.log": b"one\n"}
        assert driver.tail.problems == ()


def test_a_link_out_of_the_directory_is_followed_only_if_wanted(logs: Path) -> None:
    append(logs.parent / "outside.log", b"one\n")
    (logs / "a.log").symlink_to(logs.parent / "outside.log")
    driver = Driver(Logs(directories=(logs,)))
    assert driver.read() == {}
    assert "is a symbolic link out of the log directories" in driver.tail.problems[0]
    assert Driver(Logs(directories=(logs,), follow_symlinks=True)).read() == {"a.log": b"one\n"}


def test_links_that_form_a_loop_end(logs: Path) -> None:
    (logs / "sub").mkdir()
    (logs / "sub" / "up").symlink_to(logs)
    append(logs / "a.log", b"one\n")
    assert Driver(Logs(directories=(logs,), follow_symlinks=True)).read() == {"a.log": b"one\n"}


def test_a_file_with_two_hard_links_is_read_once(driver: Driver, logs: Path) -> None:
    append(logs / "b.log", b"one\n")
    assert driver.read() == {"b.log": b"one\n"}
    os.link(logs / "b.log", logs / "a.log")
    append(logs / "a.log", b"two\n")
    assert driver.read() == {"b.log": b"two\n"}
    assert driver.at(logs / "b.log").state == "active"


def test_empty_files_are_nothing(driver: Driver, logs: Path) -> None:
    (logs / "a.log").touch()
    assert driver.tail.scan() == ()
    assert driver.tail.checkpoints() == ()


def test_own_files_are_never_read_whatever_they_are_called(logs: Path) -> None:
    own = logs / "own.log"
    driver = Driver(Logs(directories=(logs,)), own_files=(own,))
    append(own, b"mine\n")
    append(logs / "a.log", b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    own.rename(logs / "own.2026-01-01.log")
    append(own, b"mine too\n")
    assert driver.read() == {}


@contextmanager
def other_user() -> Iterator[None]:
    """Root may read everything, so a test of permissions is another user for a moment."""
    if os.geteuid():
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_file_that_may_not_be_read_is_read_once_it_may() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        append(directory / "a.log", b"one\n")
        (directory / "a.log").chmod(0)
        driver = Driver(Logs(directories=(directory,)))
        with other_user():
            assert driver.read() == {}
            assert driver.tail.problems == (
                f"{directory}/a.log: cannot be read (Permission denied); tried again at each look",
            )
            assert driver.read() == {}
            assert not driver.tail.problems
        (directory / "a.log").chmod(0o644)
        with other_user():
            assert driver.read() == {"a.log": b"one\n"}
        driver.tail.close()


def test_files_in_a_directory_that_may_not_be_listed_are_not_taken_for_deleted() -> None:
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        directory.chmod(0o755)
        append(directory / "a.log", b"one\n")
        driver = Driver(Logs(directories=(directory,)))
        driver.read()
        directory.chmod(0)
        with other_user():
            assert driver.read() == {}
        assert "cannot be listed (Permission denied)" in driver.tail.problems[0]
        directory.chmod(0o755)
        assert driver.at(directory / "a.log").state == "active"
        append(directory / "a.log", b"two\n")
        assert driver.read() == {"a.log": b"two\n"}
        driver.tail.close()


@pytest.mark.parametrize("kind", ["pipe", "socket"])
def test_what_is_no_regular_file_is_reported_and_never_blocks(
    driver: Driver, logs: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(logs)
    if kind == "pipe":
        os.mkfifo("a.log")
    else:
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("a.log")
    assert driver.read() == {}
    assert driver.tail.problems == (f"{logs}/a.log: is not a regular file; it is not read",)


def test_a_directory_that_is_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    driver = Driver(Logs(directories=(tmp_path / "logs",)))
    assert driver.read() == {}
    assert driver.tail.problems == (f"{tmp_path}/logs: is not a directory",)


def test_a_name_that_is_not_utf8_is_reported(driver: Driver, logs: Path) -> None:
    Path(os.fsdecode(bytes(logs) + b"/\xff.log")).write_bytes(b"one\n")
    append(logs / "a.log", b"one\n")
    assert driver.read() == {"a.log": b"one\n"}
    assert "the name is not UTF-8" in driver.tail.problems[0]


def test_the_named_format_is_passed_on(logs: Path) -> None:
    append(logs / "a.log", b"one\n")
    (file,) = Driver(Logs(directories=(logs,), format="jsonl")).tail.scan()
    assert (file.format, file.offset, file.size_bytes, file.path) == ("jsonl", 0, 4, str(logs / "a.log"))
    (file,) = Driver(Logs(directories=(logs,))).tail.scan()
    assert file.format == ""


def test_ten_thousand_quiet_files_are_listed_without_opening_one(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10_000):
        path = logs / f"{number}.log"
        path.write_bytes(b"line of %d\n" % number)
        age(path)
    driver = Driver(Logs(directories=(logs,)))
    assert sum(block.lines for block in driver.blocks()) == 10_000
    driver.commit()
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", lambda path, _flags: pytest.fail(f"{path} was opened"))
        assert driver.tail.scan() == ()
    append(logs / "77.log", b"more\n")
    assert driver.read() == {"77.log": b"more\n"}
    driver.tail.close()


def test_of_many_open_files_a_deleted_one_is_closed_last(driver: Driver, logs: Path) -> None:
    for number in range(MAX_OPEN):
        append(logs / f"{number}.log", b"line of %d\n" % number)
    driver.read()
    append(logs / "0.log", b"late\n")
    (logs / "0.log").unlink()
    for number in range(MAX_OPEN):
        append(logs / f"new-{number}.log", b"line of new %d\n" % number)
    assert driver.read()["0.log"] == b"late\n"


def test_a_process_that_may_open_few_files_reads_all(logs: Path) -> None:
    for number in range(200):
        append(logs / f"{number}.log", b"line of %d\n" % number)
    allowed = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (open_files() + 100, allowed[1]))
    try:
        driver = Driver(Logs(directories=(logs,)))
        assert len(driver.read()) == 200
        assert driver.tail.problems == ()
        driver.tail.close()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, allowed)


def test_the_head_is_that_of_the_file_wherever_it_is_by_now(driver: Driver, logs: Path) -> None:
    append(logs / "a.log", b"old\n")
    (file,) = driver.tail.scan()
    (logs / "a.log").rename(logs / "a.log.1")
    append(logs / "a.log", b"new\n")
    assert driver.tail.head(file, 3) == b"old"


@pytest.mark.parametrize(
    ("name", "beside"),
    [
        ("app.log", True),
        ("app.log.1", True),
        ("app.log-20260131", True),
        ("app.2026-01-31_10-00-00_000000.log", True),
        ("app.2026-01-31.log", True),
        ("app.log-wal", True),
        ("app.log.lock", True),
        ("app.log.damaged-20260131T100000.000000Z", True),
        ("app-worker.log", False),
        ("app.worker.log", False),
        ("app.logs", False),
        ("my-app.log", False),
    ],
)
def test_the_name_tells_what_goes_with_an_own_file(name: str, beside: bool) -> None:
    assert is_beside(Path("/l/app.log"), name) is beside
