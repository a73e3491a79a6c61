"""`compare`: the verdict in the exit code, the reasons in text or JSON."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import pytest

from tests.daemon.cli.conftest import DATA, Cli, Logs

TRUTH = {
    (each["type"], each["subject"])
    for each in msgspec.json.decode((DATA / "conductor/truth.json").read_bytes())
}


def test_it_finds_the_faults_and_nothing_else(logs: Logs, cli: Cli) -> None:
    result = cli("compare", logs.healthy, logs.regressed, "--format", "json")
    assert result.code == 1
    found = result.json()["anomalies"]
    about = {(each["type"], each["sequence" if each["type"] == "behavioral" else "event"]) for each in found}
    assert about == TRUTH
    assert len(found) == len(TRUTH)


def test_a_log_is_no_worse_than_itself(logs: Logs, cli: Cli) -> None:
    code, out, err = cli("compare", logs.healthy, logs.healthy)
    assert (code, err) == (0, "")
    assert out.splitlines()[-1] == "passed: 0 anomalies"


def test_json_holds_all_that_a_program_needs(logs: Logs, cli: Cli) -> None:
    document = cli("compare", logs.healthy, logs.regressed, "--format", "json").json()
    assert list(document) == [
        "anomalies",
        "recommendations",
        "baseline",
        "current",
        "problems",
        "not_exercised",
        "too_few_samples",
        "slower",
    ]
    flat = {"id", "type", "severity", "handler", "event", "sequence", "description", "actual", "expected"}
    flat |= {"limit", "unit", "confidence", "samples", "lines"}
    raw = logs.regressed.read_bytes()
    for anomaly in document["anomalies"]:
        assert flat <= anomaly.keys()
        assert anomaly["lines"]
        for line in anomaly["lines"]:
            assert line.keys() == {"path", "offset", "at", "at_ms"}
            assert line["path"] == str(logs.regressed)
            assert line["offset"] == 0 or raw[line["offset"] - 1 : line["offset"]] == b"\n"
            assert line["at"][:19].encode() in raw[line["offset"] :].split(b"\n", 1)[0]
    assert {each["anomaly_id"] for each in document["recommendations"]} == {
        each["id"] for each in document["anomalies"]
    }
    assert document["current"]["lines"] == raw.count(b"\n")


def test_text_tells_each_anomaly_with_figures_cause_advice_and_a_line(logs: Logs, cli: Cli) -> None:
    document = cli("compare", logs.healthy, logs.regressed, "--format", "json").json()
    text = cli("compare", logs.healthy, logs.regressed).out
    words = " ".join(text.split())
    for anomaly in document["anomalies"]:
        first = next(each for each in document["recommendations"] if each["anomaly_id"] == anomaly["id"])
        line = anomaly["lines"][0]
        raw = logs.regressed.read_bytes()[line["offset"] :].split(b"\n", 1)[0].decode()
        for piece in (
            anomaly["id"],
            anomaly["description"],
            f"{anomaly['samples']} ",
            first["diagnosis"]["cause"],
            first["title"],
            f"byte {line['offset']}",
            " ".join(raw.split()),
        ):
            assert piece in words
    assert words.index("critical") < words.index("medium")


@pytest.mark.parametrize(
    ("fail_on", "code"),
    [("low", 1), ("medium", 1), ("high", 1), ("critical", 1), ("never", 0)],
)
def test_with_all_severities_found_it_fails_on(fail_on: str, code: int, logs: Logs, cli: Cli) -> None:
    result = cli("compare", logs.healthy, logs.regressed, "--fail-on", fail_on)
    assert result.code == code
    verdict = result.out.rpartition("\n\n")[2]
    assert verdict.startswith(f"{'failed' if code else 'passed'}: {len(TRUTH)} anomalies (")


@pytest.mark.parametrize(
    ("fail_on", "code"), [("low", 1), ("medium", 1), ("high", 0), ("critical", 0), ("never", 0)]
)
def test_with_a_medium_one_at_most_it_fails_on(
    fail_on: str, code: int, logs: Logs, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFHEALD_DETECT__ERRORS", "false")
    monkeypatch.setenv("SELFHEALD_DETECT__BEHAVIORAL", "false")
    result = cli("compare", logs.healthy, logs.regressed, "--fail-on", fail_on, "--format", "json")
    assert [each["severity"] for each in result.json()["anomalies"]] == ["medium"]
    assert result.code == code


def test_settings_in_the_working_directory_do_not_count(logs: Logs, folder: Path, cli: Cli) -> None:
    (folder / "selfheald.yaml").write_text("detect: {over_expected: 900}\nnonsense: 1\n")
    assert cli("compare", logs.healthy, logs.regressed).code == 1


def test_settings_that_are_named_count(
    logs: Logs, folder: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = folder / "lenient.yaml"
    path.write_text("detect: {performance: false, behavioral: false, errors: false}\n")
    assert cli("compare", logs.healthy, logs.regressed, "--config", path).code == 0
    monkeypatch.setenv("SELFHEALD_CONFIG", str(path))
    assert cli("compare", logs.healthy, logs.regressed).code == 0


def test_directories_are_compared_too(logs: Logs, folder: Path, cli: Cli) -> None:
    for name, log in (("old", logs.healthy), ("new", logs.regressed)):
        (folder / name).mkdir()
        (folder / name / "app.log").write_bytes(log.read_bytes())
    document = cli("compare", "old", "new", "--format", "json").json()
    assert len(document["anomalies"]) == len(TRUTH)
    assert document["anomalies"][0]["lines"][0]["path"] == str(folder / "new" / "app.log")


def test_sequence_definitions_give_the_fix_its_place(logs: Logs, cli: Cli) -> None:
    document = cli(
        "compare", logs.healthy, logs.regressed, "--sequences", DATA / "sequences", "--format", "json"
    ).json()
    places = [each["location"] for each in document["recommendations"]]
    assert any(".json:" in place and place.startswith(str(DATA)) for place in places)
    assert document["problems"] == []


def test_a_coverage_report_that_is_not_there_is_a_problem_and_no_end(logs: Logs, cli: Cli) -> None:
    result = cli("compare", logs.healthy, logs.healthy, "--coverage", "no.info")
    assert "no.info" in result.out
    assert result.code == 0


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="an empty file"),
        pytest.param(b"nothing that is an event\n" * 50, id="a file without events"),
        pytest.param(os.urandom(4096), id="random bytes"),
    ],
)
@pytest.mark.parametrize("side", ["baseline", "current"])
def test_a_side_without_events_cannot_be_compared(
    side: str, content: bytes, logs: Logs, folder: Path, cli: Cli
) -> None:
    (folder / "x.log").write_bytes(content)
    pair = ("x.log", logs.healthy) if side == "baseline" else (logs.healthy, "x.log")
    code, out, err = cli("compare", *pair)
    assert (code, out) == (2, "")
    assert "x.log: nothing to compare" in err
    assert len(err.splitlines()) <= 2


def test_it_says_what_the_current_side_did_not_run(tmp_path: Path, cli: Cli) -> None:
    for side, sequences in (("old", ("checkout", "wishes")), ("new", ("checkout",))):
        lines = [
            f'{{"timestamp": {1_795_363_880 + second}, "event": "{name}:add", '
            f'"sequence": "{name}", "duration": 5}}\n'
            for second in range(40)
            for name in sequences
        ]
        (tmp_path / side).mkdir()
        (tmp_path / side / "app.jsonl").write_text("".join(lines))
    code, out, _ = cli("compare", tmp_path / "old", tmp_path / "new")
    assert code == 0
    assert "wishes: not run in the current side" in out
    assert "checkout: not run" not in out
