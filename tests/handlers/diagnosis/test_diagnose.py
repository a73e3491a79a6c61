"""The whole diagnosis, played with ports in memory."""

from __future__ import annotations

import re

import msgspec
import pytest

from handlers.diagnosis.analyze_completed import AnalysisCompleted
from handlers.diagnosis.sequence import DIAGNOSIS, diagnose
from handlers.model import (
    AnyAnomaly,
    Codebase,
    CoveredFunction,
    FixRecommendation,
    Past,
    PerformanceAnomaly,
    Sequence,
    Severity,
)
from handlers.model import Test as DeclaredTest
from handlers.stage import BeatReport, Performance, perform
from tests.handlers.diagnosis.builders import EXPORT, PATH, declared, deviating, failing, slow, untested

ONE_OF_EACH = (slow(), deviating(), untested(), failing())
CODEBASE = Codebase(
    handlers=(
        declared("render-react", "renderReact", "create-symphony", "CreatePlugin", line=42),
        declared("theme:get", "getCurrentTheme", "theme-get-symphony", "ThemePlugin", line=13),
        declared(
            "panel:render", "renderView", "panel-render-symphony", "ControlPanelPlugin", test_file="t/p.ts"
        ),
        *(
            declared(event, event.title(), EXPORT, "ExportPlugin", 1 + n, 10 + n)
            for n, event in enumerate(PATH)
        ),
    ),
    sequences=(Sequence(EXPORT, "Export", "ExportPlugin", PATH, "sequences/export.json"),),
    tests=(DeclaredTest("t/p.ts", "renders", ("renderView",)),),
    functions=(CoveredFunction("getCurrentTheme", "src/theme.ts", 7, executed=False, source="lcov.info"),),
)


class Memory:
    """All three ports."""

    def __init__(self, anomalies: tuple[AnyAnomaly, ...], codebase: Codebase = CODEBASE) -> None:
        self.records = {"anomalies-1": anomalies}
        self.codebase = codebase
        self.stored: list[tuple[FixRecommendation, ...]] = []

    async def load_anomalies(self, record_id: str) -> tuple[AnyAnomaly, ...]:
        return self.records[record_id]

    async def load_pasts(self, anomalies: tuple[AnyAnomaly, ...]) -> dict[str, Past]:
        return {}

    async def load_codebase(self) -> Codebase:
        return self.codebase

    async def store_diagnosis(self, recommendations: tuple[FixRecommendation, ...]) -> str:
        self.stored.append(recommendations)
        return f"diagnosis-{len(self.stored)}"


async def played(memory: Memory, record_id: str = "anomalies-1") -> tuple[object, list[BeatReport]]:
    reports: list[BeatReport] = []

    async def play(run: Performance) -> AnalysisCompleted:
        return await diagnose(
            run, "r-1", record_id, anomaly_port=memory, codebase_port=memory, diagnosis_port=memory
        )

    outcome = await perform(DIAGNOSIS, "r-1", reports.append, play)
    return (outcome.error or outcome.result), reports


@pytest.mark.anyio
async def test_all_eleven_beats_are_played_in_order_and_the_record_is_named() -> None:
    memory = Memory(ONE_OF_EACH)
    result, reports = await played(memory)
    assert result == AnalysisCompleted("diagnosis-1")
    completed = [report.topic.removeprefix("self-healing:diagnosis:") for report in reports[1::2]]
    assert completed == [
        "analyze:requested",
        "load:anomalies",
        "load:codebase",
        "analyze:performance",
        "analyze:behavioral",
        "analyze:coverage",
        "analyze:error",
        "assess:impact",
        "recommend:fixes",
        "store:results",
        "analyze:completed",
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("codebase", [CODEBASE, Codebase()], ids=["with a codebase", "nothing is configured"])
async def test_each_anomaly_gets_concrete_recommendations(codebase: Codebase) -> None:
    memory = Memory(ONE_OF_EACH, codebase)
    await played(memory)
    (recommendations,) = memory.stored
    assert {each.anomaly_id for each in recommendations} == {each.id for each in ONE_OF_EACH}
    assert [each.priority for each in recommendations] == list(range(1, len(recommendations) + 1))
    assert len({each.id for each in recommendations}) == len(recommendations)
    for each in recommendations:
        assert each.title, each.id
        assert each.action, each.id
        assert each.location, each.id
        assert len(each.steps) >= 2, each.id
        assert all(step.strip() for step in each.steps), each.id
        assert re.search(r"\d", each.benefit), each.id
        assert each.assessed.diagnosis.anomaly.id == each.anomaly_id


@pytest.mark.anyio
async def test_the_benefit_of_a_fast_handler_is_computed() -> None:
    memory = Memory((slow(),))
    await played(memory)
    first = memory.stored[0][0]
    assert first.benefit == (
        "median back from 65.7 ms to 29.2 ms: 36.5 ms less per execution, "
        "2.4 s in the judged span (66 executions)"
    )
    assert (first.type, first.location) == ("code", "sequences/create-symphony.json:42")


@pytest.mark.anyio
async def test_the_types_follow_the_cause() -> None:
    memory = Memory(ONE_OF_EACH)
    await played(memory)
    types = {(each.anomaly_id.partition("-")[0], each.type) for each in memory.stored[0]}
    assert types == {
        ("perf", "code"),
        ("perf", "config"),
        ("behav", "code"),
        ("cover", "test"),
        ("error", "code"),
        ("error", "test"),
    }


def ranked(anomaly_id: str, severity: Severity, samples: int, added_us: int) -> PerformanceAnomaly:
    return msgspec.structs.replace(
        slow(samples=samples), id=anomaly_id, severity=severity, added_us_per_execution=added_us
    )


@pytest.mark.anyio
async def test_priority_is_by_severity_then_executions_affected_then_time_added() -> None:
    memory = Memory(
        (
            ranked("few", "high", 10, 1),
            ranked("less-time", "high", 100, 1),
            ranked("low-but-many", "low", 100_000, 1_000_000),
            ranked("more-time", "high", 100, 2),
            ranked("critical", "critical", 1, 1),
        )
    )
    await played(memory)
    order = list(dict.fromkeys(each.anomaly_id for each in memory.stored[0]))
    assert order == ["critical", "more-time", "less-time", "few", "low-but-many"]


@pytest.mark.anyio
async def test_equal_anomalies_in_another_order_give_the_same_recommendations() -> None:
    anomalies = (*ONE_OF_EACH, ranked("twin-1", "low", 9, 9), ranked("twin-2", "low", 9, 9))
    one, other = Memory(anomalies), Memory(anomalies[::-1])
    await played(one)
    await played(other)
    assert one.stored == other.stored


@pytest.mark.anyio
async def test_recommendations_survive_the_way_through_json() -> None:
    memory = Memory(ONE_OF_EACH)
    await played(memory)
    packed = msgspec.json.encode(memory.stored[0])
    assert msgspec.json.decode(packed, type=tuple[FixRecommendation, ...]) == memory.stored[0]


@pytest.mark.anyio
async def test_no_anomalies_store_an_empty_diagnosis() -> None:
    memory = Memory(())
    assert (await played(memory))[0] == AnalysisCompleted("diagnosis-1")
    assert memory.stored == [()]


@pytest.mark.anyio
async def test_an_unknown_record_fails_its_beat_and_stores_nothing() -> None:
    memory = Memory(ONE_OF_EACH)
    result, reports = await played(memory, "gone")
    assert isinstance(result, KeyError)
    assert (reports[-1].topic, reports[-1].status) == ("self-healing:diagnosis:load:anomalies", "failed")
    assert memory.stored == []
