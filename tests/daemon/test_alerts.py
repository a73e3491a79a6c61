"""Alerts: who hears of what and when, and that nothing that is to be told gets lost."""

from __future__ import annotations

import gzip
import json
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from config.alert_route import AlertRoute
from config.load import SettingsError, differences, load_settings
from daemon.alerts.message import digest_message, incident_message, trial_message
from daemon.alerts.outbox import MAX_WAITING, Outbox
from daemon.alerts.routing import digest_due, retry_s, waits_until, wanted
from daemon.alerts.send import NotSentError, send
from daemon.incident import begun, moved
from daemon.incident_life import Changes
from daemon.store import Store
from tests.daemon.process import DaemonProcess
from tests.handlers.anomaly.builders import anomaly

DATA = Path(__file__).parents[1] / "data/conductor"
MESSAGE = trial_message("pager", 0)
INCIDENT = begun(anomaly(severity="high"), 20_000)
HOUR_MS = 3_600_000


class Receiver:
    """A webhook that keeps what it took; it refuses as long as `status` is no success."""

    def __init__(self) -> None:
        receiver = self

        class _Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.asked += 1
                if receiver.status == 200:
                    receiver.taken.append(json.loads(body))
                self.send_response(receiver.status)
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.status = 200
        self.asked = 0
        self.taken: list[dict[str, Any]] = []
        self.server = HTTPServer(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@contextmanager
def receiving() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.server.shutdown()
        receiver.server.server_close()
        thread.join()


class TestRouting:
    @pytest.mark.parametrize(
        ("route", "changes", "kinds"),
        [
            pytest.param({}, Changes(opened=(INCIDENT,)), ["open"], id="what opens is told"),
            pytest.param({}, Changes(reopened=(INCIDENT,)), ["came-back"], id="what comes back is told"),
            pytest.param({}, Changes(graver=(INCIDENT,)), ["escalate"], id="what gets graver is told"),
            pytest.param({}, Changes(resolved=(INCIDENT,)), ["resolve"], id="what ends is told"),
            pytest.param({}, Changes(quiet=(INCIDENT,)), [], id="what goes on is not"),
            pytest.param(
                {"min_severity": "critical"}, Changes(opened=(INCIDENT,)), [], id="nor what is too light"
            ),
            pytest.param(
                {"on": ("resolve",)}, Changes(opened=(INCIDENT,)), [], id="nor what is not asked for"
            ),
            pytest.param(
                {"min_severity": "high"},
                Changes(resolved=(replace(INCIDENT, anomaly=anomaly(severity="low")),)),
                ["resolve"],
                id="the end of what was grave is told, though it was light at last",
            ),
        ],
    )
    def test_a_route_hears_of_what_it_asks_for(
        self, route: dict[str, Any], changes: Changes, kinds: list[str]
    ) -> None:
        routes = {"pager": AlertRoute(command=("true",), **route)}
        assert [kind for _, kind, _ in wanted(changes, routes)] == kinds

    @pytest.mark.parametrize(
        ("clock", "severity", "until"),
        [
            pytest.param("21:59", "high", "21:59", id="before the quiet hours"),
            pytest.param("22:00", "high", "07:00", id="in them it waits for their end"),
            pytest.param("03:00", "high", "07:00", id="also after midnight"),
            pytest.param("07:00", "high", "07:00", id="at their end it is told"),
            pytest.param("03:00", "critical", "03:00", id="what is grave enough is told at once"),
        ],
    )
    def test_quiet_hours(self, clock: str, severity: Any, until: str) -> None:
        route = AlertRoute(command=("true",), quiet="22:00-07:00")
        now = datetime.fromisoformat(f"2026-11-22T{clock}").replace(tzinfo=UTC)
        assert f"{waits_until(route, severity, now):%H:%M}" == until
        assert waits_until(route, severity, now) >= now

    def test_a_digest_is_due_once_a_day_also_after_a_day_off(self) -> None:
        route = AlertRoute(command=("true",), digest="08:00")
        nine = int(datetime(2026, 11, 22, 9, tzinfo=UTC).timestamp() * 1000)
        assert digest_due(route, 0, nine, UTC)
        assert not digest_due(route, nine - HOUR_MS // 2, nine, UTC)
        assert not digest_due(route, nine, nine + 22 * HOUR_MS, UTC)
        assert digest_due(route, nine, nine + 23 * HOUR_MS, UTC)
        assert digest_due(route, nine, nine + 80 * HOUR_MS, UTC)

    def test_pauses_grow_and_stay_bounded(self) -> None:
        assert [retry_s(attempts) for attempts in (1, 2, 3, 8, 1000)] == [30, 60, 120, 3600, 3600]


class TestMessage:
    def test_a_title_says_all_on_a_lock_screen(self) -> None:
        message = incident_message("open", INCIDENT, [])
        assert message.title == "[high] found: slow addItem"
        assert "selfheald show perf-1" in message.text

    def test_a_digest_lists_what_is_open_gravest_first(self) -> None:
        light = begun(anomaly("perf-2", severity="low"), 20_000)
        ended = replace(moved(INCIDENT, "resolved", 30_000), resolved_ms=30_000)
        message = digest_message([light, INCIDENT, ended], 25_000, 40_000)
        assert message.title.startswith("2 incidents open, 1 resolved")
        assert [line.split()[0] for line in message.text.splitlines()] == ["high", "low"]


class TestOutbox:
    def test_what_is_to_be_told_outlives_the_process_until_it_is_taken(self, tmp_path: Path) -> None:
        routes = {"a": AlertRoute(command=("true",)), "b": AlertRoute(command=("true",))}
        with Store.open(tmp_path / "store.db", max_bytes=2**24) as store, store.transaction():
            Outbox(store).add_changes(Changes(opened=(INCIDENT,)), routes, 5)
        with Store.open(tmp_path / "store.db", max_bytes=2**24) as store:
            outbox = Outbox(store)
            first, second = outbox.waiting()
            assert (first.route, second.route, first.incident) == ("a", "b", INCIDENT)
            outbox.failed(first, "down", 99)
            outbox.sent([second])
            [waiting] = outbox.waiting()
            assert (waiting.attempts, waiting.next_ms, waiting.problem) == (1, 99, "down")

    def test_it_is_bounded(self, tmp_path: Path) -> None:
        routes = {"a": AlertRoute(command=("true",))}
        with Store.open(tmp_path / "store.db", max_bytes=2**28) as store:
            outbox = Outbox(store)
            with store.transaction():
                for number in range(MAX_WAITING + 5):
                    outbox.add_changes(Changes(opened=(replace(INCIDENT, detections=number),)), routes, 5)
            waiting = outbox.waiting()
            assert len(waiting) == MAX_WAITING
            assert waiting[0].incident is not None
            assert waiting[0].incident.detections == 5


class TestSend:
    def test_a_webhook_gets_the_message_as_json(self) -> None:
        with receiving() as receiver:
            send(AlertRoute(webhook=receiver.url), MESSAGE)
            assert receiver.taken[0]["title"] == MESSAGE.title

    def test_the_address_may_stand_in_a_file_and_is_never_told(self, tmp_path: Path) -> None:
        secret = tmp_path / "hook"
        with receiving() as receiver:
            secret.write_text(f"{receiver.url}?token=geheim\n")
            receiver.status = 500
            with pytest.raises(NotSentError, match="answered 500") as refused:
                send(AlertRoute(webhook=f"@{secret}"), MESSAGE)
        assert "geheim" not in str(refused.value)
        with pytest.raises(NotSentError, match="cannot be reached") as down:
            send(AlertRoute(webhook=f"@{secret}"), MESSAGE)
        assert "geheim" not in str(down.value)

    def test_a_command_gets_the_message_and_hardly_any_environment(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SECRET", "x")
        out = tmp_path / "out"
        script = f"import os, sys; open({str(out)!r}, 'w').write(sys.stdin.read() + repr(dict(os.environ)))"
        send(AlertRoute(command=(sys.executable, "-c", script)), MESSAGE)
        assert MESSAGE.title in out.read_text()
        assert "SECRET" not in out.read_text()

    @pytest.mark.parametrize(
        ("command", "says"),
        [
            pytest.param(("/no/such/program",), "No such file", id="a program that is not there"),
            pytest.param(("sh", "-c", "echo why >&2; exit 3"), "ended with 3: why", id="one that fails"),
        ],
    )
    def test_a_command_that_does_not_take_it_is_told(self, command: tuple[str, ...], says: str) -> None:
        with pytest.raises(NotSentError, match=says):
            send(AlertRoute(command=command), MESSAGE)


class TestSettings:
    @pytest.mark.parametrize(
        ("lines", "says"),
        [
            pytest.param(["webhook: ftp://x/y"], "must be an http or https URL", id="no web address"),
            pytest.param(["min_severity: high"], "exactly one of webhook, apprise and command", id="no way"),
            pytest.param(["command: [a]", "quiet: '22-7'"], '"22:00-07:00"', id="no span"),
            pytest.param(["command: [a]", "digest: '8'"], '"08:00"', id="no clock"),
            pytest.param(["command: [a]", "colour: red"], "unknown setting; a receiver has", id="unknown"),
        ],
    )
    def test_what_is_wrong_is_told_with_its_place(self, tmp_path: Path, lines: list[str], says: str) -> None:
        path = tmp_path / "s.yaml"
        path.write_text("alerts:\n  pager:\n" + "".join(f"    {line}\n" for line in lines))
        with pytest.raises(SettingsError) as refused:
            load_settings(path, {})
        [problem] = refused.value.problems
        assert says in problem
        assert problem.startswith(f"{path}:")

    def test_addresses_are_never_in_the_difference_that_the_log_tells(self, tmp_path: Path) -> None:
        path = tmp_path / "s.yaml"
        path.write_text("alerts:\n  pager:\n    webhook: https://example.org/geheim\n")
        [change] = differences(load_settings(None, {}).settings, load_settings(path, {}).settings)
        assert change.key == "alerts"
        assert "geheim" not in change.old + change.new


@pytest.fixture
def service(tmp_path: Path) -> Iterator[DaemonProcess]:
    with DaemonProcess(tmp_path) as process:
        process.logs.mkdir()
        for name in ("healthy", "regressed"):
            data = gzip.decompress((DATA / f"{name}.log.gz").read_bytes())
            (process.logs / f"{name}.log").write_bytes(data)
        yield process


def test_a_daemon_tells_each_incident_once_though_it_is_killed_and_the_receiver_was_down(
    service: DaemonProcess,
) -> None:
    with receiving() as receiver:
        receiver.status = 503
        service.config.write_text(
            f"detect:\n  interval_s: 0.5\nalerts:\n  pager:\n    webhook: {receiver.url}\n    on: [open]\n"
        )
        service.start()
        service.until("all is found", lambda: len(service.anomalies()) == 5)
        service.until("the receiver was asked", lambda: receiver.asked > 0)
        service.kill()
        receiver.status = 200
        with Store.open(service.store_path, max_bytes=2**29) as store:
            outbox = Outbox(store)
            waiting = outbox.waiting()
            for alert in waiting:
                outbox.failed(alert, "down", 0)  # not half a minute later
        assert waiting
        service.start()
        service.until("all are taken", lambda: len(receiver.taken) == len(waiting))
        service.kill()
        service.start()
        service.until("it runs again", lambda: service.said().count("watches") == 3)
        assert sorted(each["incident"] for each in receiver.taken) == sorted(
            alert.incident.anomaly.id for alert in waiting if alert.incident
        )
        assert any("Cause (" in each["text"] for each in receiver.taken)
