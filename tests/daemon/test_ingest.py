"""`ingest`: which files are read, in which order, and that no content is counted twice."""

from __future__ import annotations

import gzip
import os
from pathlib import Path
from typing import Final

import pytest

from config.settings import Settings
from daemon.checkpoint import Checkpoint
from daemon.database import StoreFullError, StoreLockedError
from daemon.ingest.find import NothingToIngestError
from daemon.ledger import GONE_KEPT, Ledger
from daemon.store import Store
from daemon.telemetry_records import Source, TelemetryRecords
from tests.daemon.ingest_driver import (
    PACKERS,
    held,
    interleaved,
    read_once,
    run_ingest,
    sample,
    settings_in,
    split_lines,
    write_set,
)

LOG: Final = interleaved(1200)
OTHER: Final = interleaved(1200, seed=2)


def sources(settings: Settings) -> dict[str, Source]:
    with Store.open_reader(settings.store.path) as store, store.snapshot():
        return {each.checkpoint.path: each for each in TelemetryRecords(store, 10_000).sources()}


def lines(settings: Settings) -> int:
    with Store.open_reader(settings.store.path) as store, store.snapshot():
        return TelemetryRecords(store, 10_000).totals().lines


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_in(tmp_path)


@pytest.fixture
def whole(tmp_path: Path) -> dict[str, object]:
    """What a store holds of `LOG` as one plain file that one process has read."""
    one = settings_in(tmp_path, "whole", write_set(tmp_path / "plain", [LOG], ()))
    read_once(one)
    return held(one)


def same(settings: Settings, whole: dict[str, object]) -> bool:
    mine = held(settings)
    return all(mine[key] == whole[key] for key in ("windows", "totals", "ledger"))


class TestFiles:
    @pytest.mark.parametrize("ending", PACKERS)
    def test_each_kind_is_read(
        self, ending: str, tmp_path: Path, settings: Settings, whole: dict[str, object]
    ) -> None:
        path = tmp_path / f"app.log{ending}"
        path.write_bytes(PACKERS[ending](LOG))
        report = run_ingest(settings, path)
        assert same(settings, whole)
        assert report.problems == ()
        [source] = report.sources
        assert source.checkpoint.ingested
        assert source.checkpoint.state == ("archive" if ending else "active")

    def test_a_directory_is_read_with_its_archives_but_not_what_settings_exclude(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        logs = write_set(tmp_path / "logs", split_lines(LOG, (0.5,)), (".gz",))
        (logs / "sub").mkdir()
        (logs / "sub/other.log.xz").write_bytes(PACKERS[".xz"](OTHER))
        (logs / "app.log.swp").write_bytes(OTHER)
        run_ingest(settings, logs)
        assert {*sources(settings)} == {
            str(logs / name) for name in ("app.log", "app.log.1.gz", "sub/other.log.xz")
        }

    def test_the_store_itself_is_no_log(self, tmp_path: Path) -> None:
        logs = write_set(tmp_path / "logs", [LOG], ())
        settings = settings_in(logs)
        run_ingest(settings, logs)
        assert {*sources(settings)} == {str(logs / "app.log")}

    @pytest.mark.parametrize(
        ("name", "why"),
        [pytest.param("missing.log", "No such file", id="a path without a file"),
         pytest.param("pipe", "neither a file nor a directory", id="a pipe")],
    )  # fmt: skip
    def test_is_told(self, name: str, why: str, tmp_path: Path, settings: Settings) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(NothingToIngestError, match=why):
            run_ingest(settings, tmp_path / name)

    def test_a_tar_archive_is_told_and_not_read(self, tmp_path: Path, settings: Settings) -> None:
        import tarfile

        (tmp_path / "app.log").write_bytes(LOG)
        with tarfile.open(tmp_path / "logs.tar.gz", "w:gz") as tar:
            tar.add(tmp_path / "app.log", "app.log")
        report = run_ingest(settings, tmp_path / "logs.tar.gz")
        assert "is a tar archive" in report.problems[0]
        assert report.sources == []

    def test_a_damaged_archive_counts_as_far_as_it_goes(self, tmp_path: Path, settings: Settings) -> None:
        packed = gzip.compress(LOG)
        path = tmp_path / "app.log.gz"
        path.write_bytes(packed[: len(packed) // 2])
        report = run_ingest(settings, path)
        [source] = report.sources
        readable = source.checkpoint.offset
        assert 0 < readable < len(LOG)
        assert LOG[:readable].endswith(b"\n")
        assert source.checkpoint.lines_read == LOG[:readable].count(b"\n")
        assert source.matched == source.checkpoint.lines_read
        [problem] = report.problems
        assert f"ends in the middle, at byte {len(packed) // 2:,}" in problem
        [loss] = source.checkpoint.losses
        assert loss.from_offset == readable
        assert report.lossy_windows == 1  # that of the last event before the damage

    def test_what_a_damaged_archive_lacked_is_read_from_the_whole_one(
        self, tmp_path: Path, settings: Settings, whole: dict[str, object]
    ) -> None:
        packed = gzip.compress(LOG)
        path = tmp_path / "app.log.gz"
        path.write_bytes(packed[: len(packed) // 2])
        run_ingest(settings, path)
        path.write_bytes(packed)
        run_ingest(settings, path)
        assert lines(settings) == LOG.count(b"\n")
        assert held(settings)["ledger"]["bytes_lost"] == 0

    @pytest.mark.parametrize("ending", PACKERS)
    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_line_that_is_too_long_is_cut(
        self, ending: str, workers: int, tmp_path: Path, settings: Settings
    ) -> None:
        logs = settings.logs.model_copy(update={"max_line_bytes": 4096})
        settings = settings.model_copy(update={"logs": logs})
        half = LOG.rfind(b"\n", 0, len(LOG) // 2) + 1
        path = tmp_path / f"app.log{ending}"
        path.write_bytes(PACKERS[ending](LOG[:half] + b"x" * 3_000_000 + b"\n" + LOG[half:]))
        run_ingest(settings, path, workers=workers)
        [source] = sources(settings).values()
        assert source.checkpoint.lines_cut == 1
        assert source.checkpoint.bytes_skipped == 3_000_000 + 1 - 4096
        assert source.matched == LOG.count(b"\n")

    def test_a_last_line_without_a_newline_is_a_line(self, tmp_path: Path, settings: Settings) -> None:
        logs = write_set(tmp_path / "logs", [LOG[:-1], OTHER[:-1]], (".gz",))
        run_ingest(settings, logs)
        assert lines(settings) == LOG.count(b"\n") + OTHER.count(b"\n")

    def test_a_utf_16_file_is_told_and_the_others_are_read(self, tmp_path: Path, settings: Settings) -> None:
        logs = write_set(tmp_path / "logs", [LOG], ())
        (logs / "utf16.log.gz").write_bytes(gzip.compress(LOG.decode().encode("utf-16")))
        report = run_ingest(settings, logs)
        assert any("UTF-16" in problem for problem in report.problems)
        assert lines(settings) == LOG.count(b"\n")


class TestOrder:
    @pytest.mark.parametrize(
        "names",
        [
            pytest.param(("app.log.11.gz", "app.log.2.gz", "app.log.1", "app.log"), id="by number"),
            pytest.param(
                ("app.log-20260131.xz", "app.log-20260201.gz", "app.log-20260202", "app.log"), id="by date"
            ),
            pytest.param(("app.log.3.gz", "app.log.2.gz", "app.log.1.gz"), id="without the log itself"),
        ],
    )
    def test_rotated_files_are_read(
        self, names: tuple[str, ...], tmp_path: Path, settings: Settings, whole: dict[str, object]
    ) -> None:
        """Also where their times are those of a copy, newest first."""
        logs = tmp_path / "logs"
        logs.mkdir()
        parts = split_lines(LOG, [(number + 1) / len(names) for number in range(len(names) - 1)])
        for age, (name, part) in enumerate(zip(names, parts, strict=True)):
            ending = "" if Path(name).suffix not in PACKERS else Path(name).suffix
            (logs / name).write_bytes(PACKERS[ending](part))
            os.utime(logs / name, (1_000_000 - age, 1_000_000 - age))
        run_ingest(settings, logs)
        assert same(settings, whole)
        assert {source.checkpoint.stream for source in sources(settings).values()} == {str(logs / "app.log")}

    def test_files_older_than_what_was_read_of_a_log_do_not_meet_its_open_runs(self, tmp_path: Path) -> None:
        logs = tmp_path / "logs"
        settings = settings_in(tmp_path, watched=logs)
        old, new = split_lines(LOG, (0.5,))
        write_set(logs, [new], ())
        run_ingest(settings, logs)
        before = held(settings)["streams"][str(logs / "app.log")]
        assert before["runs"]
        (logs / "app.log.1.gz").write_bytes(gzip.compress(old))
        run_ingest(settings, logs)
        after = held(settings)["streams"]
        assert after[str(logs / "app.log")]["runs"].keys() == before["runs"].keys()
        assert after[str(logs / "app.log")]["watermark_ms"] == before["watermark_ms"]
        assert lines(settings) == LOG.count(b"\n")


class TestTwice:
    @pytest.mark.parametrize("ending", PACKERS)
    def test_a_second_time_reads_nothing(self, ending: str, tmp_path: Path, settings: Settings) -> None:
        logs = write_set(tmp_path / "logs", split_lines(LOG, (0.5,)), (ending,))
        run_ingest(settings, logs)
        first = held(settings, apart=True)
        run_ingest(settings, logs)
        assert held(settings, apart=True) == first

    def test_an_archive_under_another_name_and_packed_otherwise_is_known(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        (tmp_path / "app.log.gz").write_bytes(gzip.compress(LOG))
        run_ingest(settings, tmp_path / "app.log.gz")
        (tmp_path / "app.log.gz").unlink()
        (tmp_path / "other.log.xz").write_bytes(PACKERS[".xz"](LOG))
        report = run_ingest(settings, tmp_path / "other.log.xz")
        assert "not read again" in report.problems[0]
        assert lines(settings) == LOG.count(b"\n")

    @pytest.mark.parametrize("count", [3, 1200])
    def test_a_log_and_its_archive_side_by_side_are_one(
        self, count: int, tmp_path: Path, settings: Settings
    ) -> None:
        text = b"".join(LOG.splitlines(keepends=True)[:count])
        logs = write_set(tmp_path / "logs", [text], ())
        (logs / "app.log.gz").write_bytes(gzip.compress(text))
        run_ingest(settings, logs)
        assert lines(settings) == count
        run_ingest(settings, logs)
        assert lines(settings) == count

    def test_a_copy_of_the_beginning_is_part_of_the_longer_file(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        logs = write_set(tmp_path / "logs", [LOG], ())
        (logs / "copy.log.bz2").write_bytes(PACKERS[".bz2"](split_lines(LOG, (0.5,))[0]))
        run_ingest(settings, logs)
        assert lines(settings) == LOG.count(b"\n")

    def test_two_programs_that_begin_alike_are_both_read(self, tmp_path: Path, settings: Settings) -> None:
        banner = b"".join(LOG.splitlines(keepends=True)[:20])
        assert len(banner) > 2048
        logs = write_set(tmp_path / "logs", [banner + LOG[len(banner) :]], ())
        write_set(logs, [banner + OTHER], (), name="other.log")
        run_ingest(settings, logs)
        assert lines(settings) == LOG.count(b"\n") + 20 + OTHER.count(b"\n")

    def test_a_log_that_grew_is_read_from_where_it_was(self, tmp_path: Path, settings: Settings) -> None:
        first, second = split_lines(LOG, (0.5,))
        logs = write_set(tmp_path / "logs", [first], ())
        run_ingest(settings, logs)
        with (logs / "app.log").open("ab") as file:
            file.write(second)
        run_ingest(settings, logs)
        assert lines(settings) == LOG.count(b"\n")

    def test_an_ingested_file_is_remembered_however_many_are_gone(self) -> None:
        from handlers.model import FileIdentity

        def gone(source: int) -> Checkpoint:
            identity = FileIdentity(1, source, "00", 1024)
            path = f"/{source}"
            return Checkpoint(
                source=source, path=path, stream=path, identity=identity, state="gone", ingested=source == 1
            )

        ledger = Ledger(gone(number) for number in range(1, GONE_KEPT + 10))
        ledger.expire(())
        assert 1 not in ledger.expired()
        assert 2 in ledger.expired()


class TestWithTheDaemon:
    """`run --once` stands for the daemon: it follows the same files with the same records."""

    def test_it_refuses_while_somebody_else_writes_the_store(
        self, tmp_path: Path, settings: Settings
    ) -> None:
        logs = write_set(tmp_path / "logs", [LOG], ())
        stop = pytest.raises(StoreLockedError, match=r"Stop that one first \(systemctl stop selfheald\)")
        with Store.open(settings.store.path, max_bytes=1 << 30), stop:
            run_ingest(settings, logs)

    @pytest.mark.parametrize("workers", [1, 2])
    def test_a_log_that_is_watched_later_goes_on_as_if_the_daemon_had_read_it_all(
        self, workers: int, tmp_path: Path, whole: dict[str, object]
    ) -> None:
        logs = tmp_path / "logs"
        settings = settings_in(tmp_path, watched=logs)
        first, second = split_lines(LOG, (0.6,))
        write_set(logs, split_lines(first, (0.5,)), (".gz",))
        with (logs / "app.log").open("ab") as file:
            file.write(second[:50])  # a line that is being written
        run_ingest(settings, logs, workers=workers)
        with (logs / "app.log").open("ab") as file:
            file.write(second[50:])
        read_once(settings)
        mine = held(settings)
        mine["totals"]["late"] = 0  # what the ingest has judged is judged
        assert mine["totals"] | {"judged_until_ms": 0} == whole["totals"] | {"judged_until_ms": 0}  # type: ignore[operator]
        assert (mine["windows"], mine["ledger"]) == (whole["windows"], whole["ledger"])

    def test_a_watched_log_that_is_named_by_a_link_is_left_open_for_the_daemon(self, tmp_path: Path) -> None:
        logs = write_set(tmp_path / "logs", [LOG], ())
        (tmp_path / "link").symlink_to(logs)
        settings = settings_in(tmp_path, watched=logs)
        run_ingest(settings, tmp_path / "link/app.log")
        [state] = held(settings)["streams"].values()
        assert state["runs"]
        read_once(settings)
        assert lines(settings) == LOG.count(b"\n")

    @pytest.mark.parametrize("ending", PACKERS)
    def test_a_file_that_is_put_into_the_watched_directory_later_is_not_read_again(
        self, ending: str, tmp_path: Path
    ) -> None:
        watched = tmp_path / "watched"
        settings = settings_in(tmp_path, watched=watched)
        path = tmp_path / f"old.log{ending}"
        path.write_bytes(PACKERS[ending](LOG))
        run_ingest(settings, path)
        write_set(watched, [LOG], (), name="old.log")
        read_once(settings)
        assert lines(settings) == LOG.count(b"\n")
        with (watched / "old.log").open("ab") as file:
            file.write(OTHER)
        path.unlink()
        read_once(settings)
        assert lines(settings) == LOG.count(b"\n") + OTHER.count(b"\n")

    @pytest.mark.parametrize("ending", [each for each in PACKERS if each])
    def test_what_the_daemon_read_and_rotation_packed_is_not_read_again(
        self, ending: str, tmp_path: Path
    ) -> None:
        watched = tmp_path / "watched"
        settings = settings_in(tmp_path, watched=watched)
        write_set(watched, [LOG], ())
        read_once(settings)
        (watched / f"app.log.1{ending}").write_bytes(PACKERS[ending](LOG))
        (watched / "app.log").write_bytes(OTHER)
        report = run_ingest(settings, watched)
        assert lines(settings) == LOG.count(b"\n") + OTHER.count(b"\n")
        assert any("not read again" in problem for problem in report.problems)

    def test_what_the_daemon_missed_of_a_rotated_log_is_read_from_its_archive(self, tmp_path: Path) -> None:
        watched = tmp_path / "watched"
        settings = settings_in(tmp_path, watched=watched)
        first, second = split_lines(LOG, (0.5,))
        write_set(watched, [first], ())
        read_once(settings)
        (watched / "app.log").unlink()
        (watched / "app.log.1.gz").write_bytes(gzip.compress(first + second))
        run_ingest(settings, watched)
        assert lines(settings) == LOG.count(b"\n")


def test_it_judges_like_run_once(tmp_path: Path, settings: Settings) -> None:
    logs = write_set(tmp_path / "logs", [sample("healthy"), sample("regressed")], (".gz",))
    write_set(tmp_path / "plain", [sample("healthy", "regressed")], ())
    once = settings_in(tmp_path, "once", tmp_path / "plain")
    expected = read_once(once)
    report = run_ingest(settings, logs)
    assert len(report.anomalies) == 5
    figures = [
        [(each.anomaly.id, each.anomaly.actual, each.anomaly.expected, each.state) for each in anomalies]
        for anomalies in (report.anomalies, expected.anomalies)
    ]
    assert figures[0] == figures[1]
    assert len(report.recommendations) == len(expected.recommendations)


def test_when_the_store_is_full_it_goes_on_after_there_is_room(
    tmp_path: Path, settings: Settings, whole: dict[str, object]
) -> None:
    full = settings.model_copy(update={"store": settings.store.model_copy(update={"max_bytes": 100_000})})
    (tmp_path / "app.log.gz").write_bytes(gzip.compress(LOG))
    with pytest.raises(StoreFullError, match="raise the size limit"):
        run_ingest(full, tmp_path / "app.log.gz")
    assert 0 < lines(full) < LOG.count(b"\n")
    run_ingest(settings, tmp_path / "app.log.gz")
    assert same(settings, whole)


def test_late_history_is_judged_to_its_end(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Older than what the daemon has judged, and more of it than one detection takes."""
    import daemon.telemetry_records

    (tmp_path / "new.log").write_bytes(interleaved(300, seed=3).replace(b"179500", b"179510"))
    run_ingest(settings, tmp_path / "new.log")
    monkeypatch.setattr(daemon.telemetry_records, "_LATE_AT_ONCE", 50)
    (tmp_path / "old.log").write_bytes(LOG)
    run_ingest(settings, tmp_path / "old.log")
    with Store.open_reader(settings.store.path) as store, store.snapshot():
        records = TelemetryRecords(store, 10_000)
        assert records.totals().late
        assert not records.has_late()
