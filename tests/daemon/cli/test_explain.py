"""A verdict is explained, made again and written as a case, from the store alone."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from daemon.anomaly_records import AnomalyRecords, document_id
from daemon.case_files import read_case
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.case import Case, CaseBaseline, replayed
from tests.daemon.cli.conftest import Cli

IDS = ("perf", "behav-d", "behav-2", "error-9", "error-a")
EACH = pytest.mark.parametrize("anomaly_id", IDS)


@pytest.fixture
def changed(judged: Path, tmp_path: Path) -> Callable[[str, Callable[[Case], Case | None]], Path]:
    """A copy of the store in which one case is another, or gone."""

    def change(anomaly_id: str, edit: Callable[[Case], Case | None]) -> Path:
        path = tmp_path / "changed.db"
        shutil.copy(judged, path)
        with Store.open(path, max_bytes=64 << 20) as store, store.transaction():
            records = AnomalyRecords(store, TelemetryRecords(store, 10_000))
            incident = next(each for each in records.incidents() if each.anomaly.id.startswith(anomaly_id))
            stored = records.find_case(incident.anomaly.id)
            assert stored is not None
            after, number = edit(stored.case), document_id(incident.anomaly.id)
            records.cases.remove(number)
            records.cases.put([(number, after)] if after else [])
        return path

    return change


@EACH
def test_a_verdict_is_made_again_bit_for_bit(anomaly_id: str, judged: Path, cli: Cli) -> None:
    code, out, err = cli("replay", anomaly_id, "--store", judged)
    assert (code, err) == (0, "")
    assert out.startswith(f"identical: {anomaly_id}")


def test_a_verdict_that_differs_is_told_with_what_differs(changed: Callable[..., Path], cli: Cli) -> None:
    def milder(case: Case) -> Case:
        return replace(case, anomaly=replace(case.anomaly, actual=60.0, severity="low"))

    path = changed("perf", milder)
    result = cli("replay", "perf", "--store", path, "--format", "json")
    assert result.code == 1
    found = result.json()
    assert not found["identical"]
    stored = {each["field"]: each["stored"] for each in found["differences"]}
    assert stored == {"actual": 60.0, "severity": "low"}
    text = cli("replay", "perf", "--store", path).out
    assert text.startswith("differs: perf-")
    assert "was 60.0" in text
    assert "Why: the code of selfheald is another" in text


def test_a_case_in_another_form_is_told_and_all_else_explained(
    judged: Path, tmp_path: Path, cli: Cli
) -> None:
    path = tmp_path / "changed.db"
    shutil.copy(judged, path)
    with Store.open(path, max_bytes=64 << 20) as store, store.transaction():
        for document in store.table("cases").all():
            document["case"]["limits"]["of_another_version"] = 1
            store.table("cases").put([document])
    code, _, err = cli("replay", "perf", "--store", path)
    assert code == 2
    assert "was stored by another version of selfheald" in err
    code, out, _ = cli("explain", "perf", "--store", path)
    assert code == 0
    assert "Not known: what led to it was stored by another version" in " ".join(out.split())
    assert "detect.over_expected" in out


def test_a_verdict_that_is_found_no_more_differs(changed: Callable[..., Path], cli: Cli) -> None:
    path = changed(
        "perf", lambda case: replace(case, limits=case.limits.model_copy(update={"over_expected": 9}))
    )
    code, out, _ = cli("replay", "perf", "--store", path)
    assert code == 1
    assert "it is found no more" in out
    assert "selfheald judges it otherwise now" in cli("explain", "perf", "--store", path).out


@pytest.mark.parametrize("command", ["replay perf", "case perf new-folder"])
@pytest.mark.parametrize(
    ("edit", "says"),
    [
        pytest.param(lambda case: None, "what led to it is not in the store", id="it was never stored"),
        pytest.param(
            lambda case: replace(case, windows=(), baseline=CaseBaseline(), cut="too large"),
            "what led to it is not kept: too large",
            id="it was too large",
        ),
    ],
)
def test_without_its_inputs_it_cannot_be_made_again(
    command: str, edit: Callable[[Case], Case | None], says: str, changed: Callable[..., Path], cli: Cli
) -> None:
    path = changed("perf", edit)
    code, out, err = cli(*command.split(), "--store", path)
    assert (code, out) == (2, "")
    assert says in err
    explained = cli("explain", "perf", "--store", path)
    assert explained.code == 0
    assert f"Not known: {says}" in " ".join(explained.out.split())


@EACH
def test_a_case_holds_all_that_the_verdict_needs(
    anomaly_id: str, judged: Path, folder: Path, cli: Cli
) -> None:
    result = cli("case", anomaly_id, folder / "cases" / "one", "--store", judged)
    assert result.code == 0
    assert [Path(line).name for line in result.out.split()] == [
        "expected.json",
        "settings.yaml",
        "inputs.json",
    ]
    case = read_case(folder / "cases" / "one")
    assert case.anomaly.id.startswith(anomaly_id)
    assert replayed(case) == case.anomaly


def test_a_case_that_cannot_be_written_is_told(judged: Path, folder: Path, cli: Cli) -> None:
    (folder / "file").touch()
    code, _, err = cli("case", "perf", folder / "file", "--store", judged)
    assert code == 2
    assert "cannot be written" in err


@EACH
def test_an_explanation_fits_into_80_columns(anomaly_id: str, judged: Path, cli: Cli) -> None:
    code, out, err = cli("explain", anomaly_id, "--store", judged)
    assert (code, err) == (0, "")
    assert not [line for line in out.splitlines() if len(line) > 80 and " " in line.strip()]
    for title in (
        "Over time",
        "It would not have been told",
        "Settings that took part",
        "Lines that prove it",
    ):
        assert title in out


def test_an_explanation_says_where_each_setting_is_set(judged: Path, folder: Path, cli: Cli) -> None:
    text = 'detect:\n  over_expected: 0.8\ndetect_of:\n  "renderReact": {min_samples: 12}\n'
    (folder / "selfheald.yaml").write_text(text)
    found = cli("explain", "perf", "--store", judged, "--format", "json").json()["explanation"]
    settings = {each["key"]: (each["then"], each["now"], each["origin"]) for each in found["settings"]}
    assert settings["detect.over_expected"] == (0.5, 0.8, "selfheald.yaml:2")
    assert settings["detect.min_samples"] == (10, 12, "selfheald.yaml:3, detect_of renderReact")
    assert settings["detect.confidence"] == (0.99, 0.99, "default")


def test_an_explanation_says_with_what_it_would_not_have_been_told(judged: Path, cli: Cli) -> None:
    found = cli("explain", "perf", "--store", judged, "--format", "json").json()
    turns = {each["setting"]: each["value"] for each in found["explanation"]["turns"]}
    assert turns["detect.over_expected"] > 0.5
    assert found["expected"] < found["explanation"]["milder"]["value"] < found["actual"]
    assert found["explanation"]["milder"]["unit"] == found["unit"] == "ms"
    assert found["lines"]
    assert len(found["points"]) == 6
