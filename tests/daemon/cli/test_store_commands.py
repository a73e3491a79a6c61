"""The commands that read the store, on one that holds a healthy and a faulty log."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from config.settings import Settings
from daemon.checkpoint import Checkpoint, Loss
from daemon.cli.reading import reading
from daemon.incident import Incident
from daemon.store import Store
from daemon.telemetry_records import Source, TelemetryRecords, Totals, to_document
from handlers.model import SEVERITIES, FileIdentity
from tests.daemon.cli.conftest import Cli, Logs

WIDTH = 80
CHECKPOINT = Checkpoint(source=1, path="/a", stream="/a", identity=FileIdentity(1, 2, "", 0))


def records_of(path: Path) -> tuple[list[Incident], list[str]]:
    """The anomalies and the ids of the recommendations, read without the command line."""
    settings = Settings()
    store = settings.store.model_copy(update={"path": path})
    with reading(settings.model_copy(update={"store": store})) as records:
        return records.anomalies.incidents(), [each.id for each in records.anomalies.recommendations()]


def iso(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def times(value: Any) -> list[tuple[int, str]]:
    """All times in a JSON document, as (epoch ms, ISO)."""
    if isinstance(value, list):
        return [pair for item in value for pair in times(item)]
    if not isinstance(value, dict):
        return []
    named = ("at", "first_seen", "last_seen", "watermark", "judged_until")
    own = [(value[f"{name}_ms"], value[name]) for name in named if f"{name}_ms" in value]
    return own + [pair for item in value.values() for pair in times(item)]


@pytest.mark.parametrize("command", ["status", "sources", "anomalies", "recommendations", "show behav-d"])
def test_its_text_fits_into_80_columns_but_for_words_that_do_not(
    command: str, judged: Path, cli: Cli
) -> None:
    code, out, err = cli(*command.split(), "--store", judged)
    assert (code, err) == (0, "")
    too_long = [line for line in out.splitlines() if len(line) > WIDTH and " " in line.strip()]
    assert not [line for line in too_long if str(judged.parent.parent) not in line]
    assert "\x1b" not in out


@pytest.mark.parametrize("command", ["status", "anomalies", "show behav-d", "show perf"])
def test_its_times_are_there_in_epoch_ms_and_in_iso(command: str, judged: Path, cli: Cli) -> None:
    found = times(cli(*command.split(), "--store", judged, "--format", "json").json())
    assert found
    assert all(text == iso(at_ms) for at_ms, text in found)


class TestStatus:
    def test_counts_what_the_store_holds(self, judged: Path, logs: Logs, cli: Cli) -> None:
        state = cli("status", "--store", judged, "--format", "json").json()
        lines = sum(path.read_bytes().count(b"\n") for path in logs[1:])
        assert state["read"] == {
            "files": 2,
            "gone": 0,
            "lines": lines,
            "matched": state["read"]["matched"],
            "unmatched": lines - state["read"]["matched"],
            "events": state["read"]["events"],
            "unreadable": 0,
            "undecodable": 0,
            "late": 0,
            "bytes_lost": 0,
            "ahead": 0,
            "untimed": 0,
            "unread_bytes": 0,
            "lag_s": 0.0,
            "lossy_windows": 0,
        }
        assert 0 < state["read"]["events"] < state["read"]["matched"] < lines
        assert state["store"]["path"] == str(judged)
        assert 0 < state["store"]["size_bytes"] <= state["store"]["max_bytes"]
        assert state["daemon"] == {"state": "stopped", "pid": None}
        opened = [each.anomaly.severity for each in records_of(judged)[0] if each.state == "open"]
        assert state["open"] == {severity: opened.count(severity) for severity in SEVERITIES}

    def test_learned_are_the_handlers_with_enough_samples(self, judged: Path, cli: Cli, folder: Path) -> None:
        (folder / "selfheald.yaml").write_text("detect: {min_samples: 60}\n")
        few = cli("status", "--store", judged, "--format", "json").json()["learning"]
        assert 0 < few["handlers"]["learned"] < few["handlers"]["seen"]
        (folder / "selfheald.yaml").write_text("detect: {min_samples: 1000000}\n")
        many = cli("status", "--store", judged, "--format", "json").json()["learning"]
        assert many["handlers"] == {"seen": few["handlers"]["seen"], "learned": 0}
        assert many["min_samples"] == 1_000_000

    def test_says_what_was_not_read_yet(self, logs: Logs, folder: Path, cli: Cli) -> None:
        place = folder / "grows"
        place.mkdir()
        log = place / "app.log"
        log.write_bytes(logs.healthy.read_bytes())
        assert cli("run", "--once", "--logs", place, "--store", "s.db").code == 0
        with log.open("ab") as file:
            file.write(b"x" * 1234)
        assert cli("status", "--store", "s.db", "--format", "json").json()["read"]["unread_bytes"] == 1234
        assert "1.2 kB" in cli("status", "--store", "s.db").out
        log.unlink()
        assert cli("status", "--store", "s.db", "--format", "json").json()["read"]["unread_bytes"] is None

    def test_says_what_is_not_as_it_should_be(self, folder: Path, cli: Cli) -> None:
        with Store.open(folder / "s.db", max_bytes=10**8) as store, store.transaction():
            TelemetryRecords(store, 10_000).put_totals(Totals(unreadable=3, undecodable=4, late=1))
            lossy = replace(CHECKPOINT, bytes_lost=2048)
            store.table("sources").put([to_document(Source(lossy), 1)])
        out = cli("status", "--store", "s.db").out
        assert "3 lines unreadable" in out
        assert "4 lines not UTF-8 text" in out
        assert "1 event came after their window was judged" in out
        assert "2.0 kB lost (selfheald sources)" in out

    def test_of_a_store_with_nothing_in_it(self, folder: Path, cli: Cli) -> None:
        (folder / "empty").mkdir()
        assert cli("run", "--once", "--logs", "empty", "--store", "s.db").code == 0
        code, out, _ = cli("status", "--store", "s.db")
        assert code == 0
        assert "last event  not yet" in out
        assert "open        no anomaly" in out


class TestSources:
    def test_every_byte_of_every_file_is_accounted_for(self, judged: Path, logs: Logs, cli: Cli) -> None:
        ledger = cli("sources", "--store", judged, "--format", "json").json()["sources"]
        assert [line["path"] for line in ledger] == [str(path) for path in logs[1:]]
        for line, path in zip(ledger, logs[1:], strict=True):
            assert line["bytes_read"] == line["offset"] == path.stat().st_size
            assert line["lines"] == path.read_bytes().count(b"\n")
            assert line["events"] > 0
            assert line["format"] == "musical-conductor"
            assert line["lines"] == line["matched"] + line["unmatched"]
            assert line["events"] < line["matched"]
            assert line["undecodable"] == 0

    def test_that_most_lines_are_no_telemetry_is_told_and_is_no_flaw(
        self, judged: Path, logs: Logs, cli: Cli
    ) -> None:
        out = cli("sources", "--store", judged).out
        assert out.count(" lines understood, ") == out.count(" other lines without telemetry\n") == 2
        assert len(out.splitlines()) == 2 * 3

    def test_lines_that_are_no_text_are_counted_whether_they_are_understood_or_not(
        self, folder: Path, cli: Cli
    ) -> None:
        event = b'{"event": "a", "duration": 5, "note": "%s"}\n'
        (folder / "logs").mkdir()
        (folder / "logs" / "a.log").write_bytes(
            event % b"" + event % "\u2713".encode() + event % b"caf\xe9" + b"caf\xe9\n" + b"a\0b\n"
        )
        assert cli("run", "--once", "--logs", "logs", "--store", "s.db").code == 0
        [line] = cli("sources", "--store", "s.db", "--format", "json").json()["sources"]
        assert (line["lines"], line["matched"], line["unmatched"], line["undecodable"]) == (5, 3, 2, 3)
        assert "3 lines not UTF-8 text" in cli("sources", "--store", "s.db").out

    @pytest.mark.parametrize("log_format", ["auto", "jsonl"])
    @pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
    def test_utf_16_is_told_and_not_read(
        self, encoding: str, log_format: str, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SELFHEALD_LOGS__FORMAT", log_format)
        (folder / "logs").mkdir()
        (folder / "logs" / "a.log").write_bytes('\ufeff{"event": "a", "duration": 5}\n'.encode(encoding))
        report = cli("run", "--once", "--logs", "logs", "--store", "s.db")
        assert report.code == 0
        assert "UTF-16 is not read; convert it: iconv" in " ".join(report.out.split())
        assert "UTF-16 is not read; convert it: iconv" in cli("sources", "--store", "s.db").out
        [line] = cli("sources", "--store", "s.db", "--format", "json").json()["sources"]
        assert (line["lines"], line["offset"]) == (0, 0)

    def test_losses_are_told_with_their_reasons(self, folder: Path, cli: Cli) -> None:
        checkpoint = Checkpoint(
            source=1,
            path="/var/log/app.log",
            stream="/var/log/app.log",
            identity=FileIdentity(1, 2, "", 0),
            state="gone",
            bytes_read=1000,
            lines_read=10,
            lines_cut=2,
            bytes_skipped=77,
            bytes_lost=500,
            losses=(Loss("deleted or moved away", 1000, 1500),),
        )
        with Store.open(folder / "s.db", max_bytes=10**8) as store, store.transaction():
            store.table("sources").put([to_document(Source(checkpoint, "json-lines", 5, 3, matched=6), 1)])
        assert cli("sources", "--store", "s.db").out == (
            "/var/log/app.log  (gone)\n"
            "  json-lines, 1.0 kB, 10 lines, 5 events\n"
            "  6 lines understood, 4 other lines without telemetry\n"
            "  3 lines unreadable, 2 lines too long and cut, 77 bytes skipped, 500 bytes lost\n"
            "  lost bytes 1000 to 1500: deleted or moved away\n"
        )
        [line] = cli("sources", "--store", "s.db", "--format", "json").json()["sources"]
        assert line["losses"] == [{"reason": "deleted or moved away", "from_offset": 1000, "to_offset": 1500}]
        assert line["unread_bytes"] is None


class TestAnomalies:
    def test_the_gravest_comes_first(self, judged: Path, cli: Cli) -> None:
        found = cli("anomalies", "--store", judged, "--format", "json").json()["anomalies"]
        assert {each["id"] for each in found} == {each.anomaly.id for each in records_of(judged)[0]}
        ranks = [SEVERITIES.index(each["severity"]) for each in found]
        assert ranks == sorted(ranks, reverse=True)
        assert len(set(ranks)) > 1

    @pytest.mark.parametrize("wanted", ["performance", "behavioral", "error"])
    def test_a_type_is_picked(self, wanted: str, judged: Path, cli: Cli) -> None:
        found = cli("anomalies", "--store", judged, "--type", wanted, "--format", "json").json()["anomalies"]
        assert found
        assert {each["type"] for each in found} == {wanted}

    def test_a_severity_is_picked(self, judged: Path, cli: Cli) -> None:
        found = cli("anomalies", "--store", judged, "--severity", "critical", "--format", "json").json()[
            "anomalies"
        ]
        assert found
        assert {each["severity"] for each in found} == {"critical"}

    def test_resolved_ones_are_listed_on_demand_only(self, judged: Path, folder: Path, cli: Cli) -> None:
        known, _ = records_of(judged)
        known[0] = replace(known[0], state="resolved", resolved_ms=1_700_000_000_000)
        with Store.open(folder / "s.db", max_bytes=10**8) as store, store.transaction():
            store.table("incidents").put(to_document(each, n) for n, each in enumerate(known, 1))
        shown = known[0].anomaly.id
        assert shown not in cli("anomalies", "--store", "s.db").out
        everything = cli("anomalies", "--store", "s.db", "--all")
        assert "resolved 2023-11-14 22:13:20 UTC" in everything.out
        [*_, last] = cli("anomalies", "--store", "s.db", "--all", "--format", "json").json()["anomalies"]
        assert (last["id"], last["resolved"]) == (shown, "2023-11-14T22:13:20.000Z")
        assert "Kept only while an anomaly is open." in cli("show", shown, "--store", "s.db").out

    def test_none_is_said(self, folder: Path, cli: Cli) -> None:
        Store.open(folder / "s.db", max_bytes=10**8).close()
        assert cli("anomalies", "--store", "s.db").out == "No anomaly.\n"
        assert cli("recommendations", "--store", "s.db").out == "Nothing to do: no anomaly is open.\n"
        assert cli("sources", "--store", "s.db").out == "No file was read yet.\n"


class TestRecommendations:
    def test_they_come_in_order_of_priority(self, judged: Path, cli: Cli) -> None:
        found = cli("recommendations", "--store", judged, "--format", "json").json()["recommendations"]
        assert [each["id"] for each in found] == records_of(judged)[1]
        assert [each["priority"] for each in found] == list(range(1, len(found) + 1))
        text = cli("recommendations", "--store", judged).out
        for each in found:
            assert f"{each['priority']:>2}. " in text
            assert f"anomaly     {each['anomaly_id']}" in text


class TestShow:
    def test_it_has_figures_diagnosis_advice_and_proof(self, judged: Path, logs: Logs, cli: Cli) -> None:
        found = cli("show", "perf", "--store", judged, "--format", "json").json()
        text = " ".join(cli("show", "perf", "--store", judged).out.split())
        assert found["event"] == "canvas:component:render-react"
        for piece in (
            found["description"],
            found["severity_reason"],
            f"{found['samples']} executions, {found['baseline_samples']} in the baseline",
            found["diagnosis"]["cause"],
            f"Cause ({found['diagnosis']['verdict']})",
            *found["diagnosis"]["evidence"],
            *found["diagnosis"]["ruled_out"],
            found["impact"]["sentence"],
            *(step for each in found["recommendations"] for step in each["steps"]),
            *(" ".join(line["text"].split()) for line in found["lines"]),
        ):
            assert piece in text
        assert {each["anomaly_id"] for each in found["recommendations"]} == {found["id"]}
        assert found["lines"]
        for line in found["lines"]:
            assert line["path"] == str(logs.regressed)
            raw = logs.regressed.read_bytes()[line["offset"] :]
            assert raw.split(b"\n", 1)[0].decode() == line["text"]
            assert "completed in" in line["text"]

    def test_an_id_may_be_cut_short_as_long_as_it_is_the_only_one(self, judged: Path, cli: Cli) -> None:
        [whole] = [each.anomaly.id for each in records_of(judged)[0] if each.anomaly.id.startswith("perf")]
        assert cli("show", whole, "--store", judged) == cli("show", whole[:6], "--store", judged)

    def test_an_ambiguous_id_names_all_that_begin_so(self, judged: Path, cli: Cli) -> None:
        ids = [each.anomaly.id for each in records_of(judged)[0] if each.anomaly.id.startswith("error")]
        code, out, err = cli("show", "error", "--store", judged)
        assert (code, out) == (2, "")
        assert len(ids) > 1
        assert all(each in err for each in ids)

    def test_an_unknown_id_names_close_ones(self, judged: Path, cli: Cli) -> None:
        [known] = [each.anomaly.id for each in records_of(judged)[0] if each.anomaly.id.startswith("perf")]
        code, out, err = cli("show", known[:-1] + "x", "--store", judged)
        assert (code, out) == (2, "")
        assert f"did you mean {known}" in err

    def test_a_log_that_is_gone_is_said_to_be(self, logs: Logs, folder: Path, cli: Cli) -> None:
        place = folder / "logs"
        place.mkdir()
        for path in logs[1:]:
            (place / path.name).write_bytes(path.read_bytes())
        assert cli("run", "--once", "--logs", place, "--store", "s.db").code == 0
        (place / "regressed.log").unlink()
        assert "not shown: the file is gone" in cli("show", "perf", "--store", "s.db").out


def test_an_unreadable_record_is_told_and_no_traceback(folder: Path, cli: Cli) -> None:
    with Store.open(folder / "s.db", max_bytes=10**8) as store, store.transaction():
        store.table("incidents").put([to_document(Source(checkpoint=CHECKPOINT), 1)])
    code, out, err = cli("anomalies", "--store", "s.db")
    assert (code, out) == (2, "")
    assert "the store holds what this version cannot read" in err


def test_the_service_s_settings_lead_to_the_service_s_store(
    judged: Path, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    """systemd tells the service where its store is; the shell of an operator does not know it."""
    system = folder / "etc.yaml"
    system.write_text("detect: {}\n")
    monkeypatch.setattr("config.load.SYSTEM_CONFIG", system)
    monkeypatch.setattr("daemon.cli.loading.SYSTEM_CONFIG", system)
    monkeypatch.setattr("daemon.cli.loading.STATE_DIRECTORY", str(judged.parent))
    assert cli("status", "--format", "json").json()["store"]["path"] == str(judged)
    system.write_text("store: {path: other.db}\n")
    assert "other.db: there is no store" in cli("status").err
