"""What led to an incident is stored when it is told, and goes with it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.settings import Detect
from daemon import case_records
from daemon.anomaly_records import AnomalyRecords
from daemon.incident_life import Changes, Moment
from daemon.store import Store
from daemon.telemetry_records import TelemetryRecords
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case import Case, replayed
from handlers.anomaly.case_inputs import Given
from handlers.model import AnyAnomaly
from tests.handlers.anomaly.histories import START_MS, played

NOW_MS = START_MS + 3_600_000


@pytest.fixture
def records(tmp_path: Path) -> Iterator[AnomalyRecords]:
    with Store.open(tmp_path / "store.db", max_bytes=64 << 20) as store:
        yield AnomalyRecords(store, TelemetryRecords(store, 10_000))


def told() -> tuple[AnyAnomaly, Given]:
    history = played([["slow"] * 4])
    assert history.given is not None
    return next(
        each for each in history.standing if each.sequence == "play-0" and each.kind == "slow"
    ), history.given


def store(records: AnomalyRecords, anomalies: tuple[AnyAnomaly, ...], given: Given) -> Changes:
    moment = Moment(NOW_MS, NOW_MS, hold_ms=0, forget_ms=NOW_MS)
    return records.store(anomalies, Baseline(NOW_MS), 0, moment, {}, given)


def stored(records: AnomalyRecords, anomaly: AnyAnomaly) -> Case:
    found = records.find_case(anomaly.id)
    assert found is not None
    return found.case


def test_it_is_stored_with_the_verdict_that_opens_the_incident(records: AnomalyRecords) -> None:
    anomaly, given = told()
    assert records.find_case(anomaly.id) is None
    store(records, (anomaly,), given)
    assert replayed(stored(records, anomaly)) == anomaly


def test_while_nothing_is_told_it_stays_and_what_is_graver_takes_its_place(records: AnomalyRecords) -> None:
    anomaly, given = told()
    store(records, (anomaly,), given)
    other = replace(given, limits=Detect(over_expected=0.4))
    store(records, (replace(anomaly, last_seen_ms=anomaly.last_seen_ms + 1),), other)
    assert stored(records, anomaly).limits == Detect()
    assert store(records, (replace(anomaly, severity="critical"),), other).graver
    assert stored(records, anomaly).limits == other.limits


def test_it_comes_anew_when_the_incident_comes_back(records: AnomalyRecords) -> None:
    anomaly, given = told()
    store(records, (anomaly,), given)
    assert store(records, (), given).resolved
    other = replace(given, limits=Detect(over_expected=0.4))
    assert store(records, (replace(anomaly, last_seen_ms=NOW_MS + 1),), other).reopened
    assert stored(records, anomaly).limits == other.limits


def test_it_is_forgotten_with_the_incident(records: AnomalyRecords) -> None:
    anomaly, given = told()
    store(records, (anomaly,), given)
    store(records, (), given)
    assert records.forget_resolved(NOW_MS + 1) == 1
    assert records.find_case(anomaly.id) is None


def test_what_takes_too_much_room_is_kept_without_its_inputs(
    records: AnomalyRecords, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(case_records, "MAX_BYTES", 1_000)
    anomaly, given = told()
    store(records, (anomaly,), given)
    case = stored(records, anomaly)
    assert case.anomaly == anomaly
    assert case.cut.endswith("of which at most 1,000 are kept")
    assert not case.windows
