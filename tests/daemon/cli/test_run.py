"""`run`: once, and as a daemon that other commands see."""

from __future__ import annotations

import fcntl
import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from config.load import LoadedSettings, load_settings
from daemon.cli.writer import Writer, writer_of
from tests.daemon.cli.conftest import Cli, Logs
from tests.daemon.process import DaemonProcess


class TestOnce:
    def test_prints_what_was_read_found_and_recommended(self, logs: Logs, folder: Path, cli: Cli) -> None:
        code, out, _ = cli("run", "--once", "--logs", logs.folder, "--store", "s.db")
        assert code == 0
        read, _, rest = out.partition("\nFound\n")
        found, _, advice = rest.partition("\nWhat to do\n")
        assert str(logs.healthy) in read
        assert str(logs.regressed) in read
        assert "renderReact takes" in found
        assert " 1. " in advice
        assert (folder / "s.db").exists()

    def test_json_is_all_that_is_on_standard_output(self, logs: Logs, cli: Cli) -> None:
        report = cli("run", "--once", "--logs", logs.folder, "--store", "s.db", "--format", "json").json()
        assert list(report) == [
            "read",
            "sources",
            "lossy_windows",
            "problems",
            "anomalies",
            "recommendations",
        ]
        assert report["read"]["lines"] == sum(each["lines"] for each in report["sources"])
        stored = cli("anomalies", "--store", "s.db", "--format", "json").json()["anomalies"]
        assert report["anomalies"] == stored

    def test_a_second_time_reads_nothing_twice(self, logs: Logs, cli: Cli) -> None:
        arguments = ("run", "--once", "--logs", logs.folder, "--store", "s.db", "--format", "json")
        first, second = cli(*arguments).json(), cli(*arguments).json()
        assert second["read"]["events"] == first["read"]["events"] > 0
        assert second["sources"] == first["sources"]

    def test_logs_can_be_given_more_than_once(self, logs: Logs, folder: Path, cli: Cli) -> None:
        for name, log in (("a", logs.healthy), ("b", logs.regressed)):
            (folder / name).mkdir()
            (folder / name / "app.log").write_bytes(log.read_bytes())
        report = cli(
            "run", "--once", "--logs", "a", "--logs", "b", "--store", "s.db", "--format", "json"
        ).json()
        assert [each["path"] for each in report["sources"]] == [
            str(folder / "a/app.log"),
            str(folder / "b/app.log"),
        ]

    def test_options_go_over_the_file(self, logs: Logs, folder: Path, cli: Cli) -> None:
        (folder / "selfheald.yaml").write_text("logs: {directories: [nowhere]}\nstore: {path: other.db}\n")
        assert cli("run", "--once", "--logs", logs.folder, "--store", "s.db").code == 0
        assert (folder / "s.db").exists()
        assert not (folder / "other.db").exists()

    def test_a_directory_that_is_not_there_is_a_problem_that_is_told(self, cli: Cli) -> None:
        code, out, _ = cli("run", "--once", "--logs", "nowhere", "--store", "s.db")
        assert code == 0
        assert "nowhere: there is no such directory" in " ".join(out.split())


class TestDaemon:
    @pytest.fixture
    def service(self, folder: Path) -> Iterator[DaemonProcess]:
        with DaemonProcess(folder) as process:
            process.logs.mkdir()
            process.start()
            process.until("it runs", lambda: "watches" in process.said())
            yield process

    def test_it_is_seen_while_it_runs_and_not_after_it(self, service: DaemonProcess, cli: Cli) -> None:
        pid = service.pid
        state = cli("status", "--format", "json").json()
        assert state["daemon"] == {"state": "running", "pid": pid}
        assert f"running as process {pid}" in cli("status").out
        service.signal(signal.SIGTERM)
        assert service.wait() == 0
        assert cli("status", "--format", "json").json()["daemon"]["state"] == "stopped"

    def test_the_id_that_a_killed_one_leaves_behind_is_not_taken_for_life(
        self, service: DaemonProcess
    ) -> None:
        pid = service.pid
        service.kill()
        lock = service.store_path.with_name("store.db.lock")
        assert lock.read_text().strip() == str(pid)
        assert writer_of(service.store_path) == Writer("stopped")
        lock.write_text(f"{os.getpid():<15}\n")  # the id was given to another process, which lives
        assert writer_of(service.store_path) == Writer("stopped")

    def test_a_second_one_on_the_same_store_is_refused_with_the_first_one_s_id(
        self, service: DaemonProcess, cli: Cli
    ) -> None:
        code, out, err = cli("run", "--once")
        assert (code, out) == (2, "")
        assert f"in use by process {service.pid}" in err
        assert len(err.splitlines()) == 1

    def test_a_lock_on_another_file_says_nothing(self, folder: Path) -> None:
        (folder / "store.db.lock").write_text("")
        with (folder / "other").open("w") as other:
            fcntl.flock(other, fcntl.LOCK_EX)
            assert writer_of(folder / "store.db") == Writer("stopped")

    def test_options_stay_in_force_when_it_reads_its_settings_again(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        started: list[tuple[LoadedSettings, Mapping[str, str]]] = []

        def run_daemon(loaded: LoadedSettings, environ: Mapping[str, str]) -> int:
            started.append((loaded, environ))
            return 1

        monkeypatch.setattr("daemon.app.run_daemon", run_daemon)
        code, _, _ = cli("run", "--logs", "a b", "--store", "s.db", "--format", "json")
        assert code == 1
        [(loaded, environ)] = started
        assert loaded.settings == load_settings(None, environ).settings
        assert loaded.settings.logs.directories == (Path("a b"),)
        assert (loaded.settings.store.path, loaded.settings.log.format) == (Path("s.db"), "json")

    def test_asking_does_not_take_the_lock(self, service: DaemonProcess) -> None:
        service.signal(signal.SIGTERM)
        service.wait()
        lock = service.store_path.with_name("store.db.lock")
        with lock.open("r+") as mine:
            fcntl.flock(mine, fcntl.LOCK_EX)
            assert writer_of(service.store_path) == Writer("running", os.getpid())
