"""Two sets of real logs against each other: what was injected is found, and nothing else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from config.settings import Ingest, Settings
from daemon.codebase.reader import CodebaseReader
from daemon.compare import compare, read_logs
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.model import (
    BehavioralAnomaly,
    ErrorAnomaly,
    PerformanceAnomaly,
    TelemetryMetrics,
)
from handlers.templates import Grouping
from tests.daemon.real_logs import (
    BOTH,
    DECLARED,
    EXPORT,
    LEARNED,
    RUN_ENDS,
    SELECT,
    TRUTH,
    line_at,
    subjects,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("_day_after_the_logs")]


@BOTH
@pytest.mark.parametrize(
    "current",
    [
        pytest.param("regressed.log", id="1.5 against 1.5"),
        pytest.param("regressed-v1.4-no-timestamps.log", id="1.4 without timestamps against 1.5"),
    ],
)
async def test_what_was_injected_is_found_and_nothing_else(
    logs: Path, current: str, settings: Settings
) -> None:
    found = await compare(logs / "healthy.log", logs / current, settings)
    assert subjects(found.anomalies) == TRUTH
    assert {each.anomaly_id for each in found.recommendations} == {each.id for each in found.anomalies}
    assert found.problems == ()
    assert (found.baseline.runs, found.current.runs, found.baseline.errors) == (400, 400, 0)
    assert found.current.errors == sum(
        each.count for each in found.anomalies if isinstance(each, ErrorAnomaly)
    )


@BOTH
async def test_a_healthy_log_against_itself_finds_nothing(logs: Path, settings: Settings) -> None:
    found = await compare(logs / "healthy.log", logs / "healthy.log", settings)
    assert (found.anomalies, found.recommendations) == ((), ())


@BOTH
@pytest.mark.parametrize("faulty", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_a_faulty_log_against_itself_finds_nothing(logs: Path, faulty: str, settings: Settings) -> None:
    """Nothing became worse; a broken declaration that was there before is known, too."""
    assert (await compare(logs / faulty, logs / faulty, settings)).anomalies == ()


@pytest.mark.parametrize("faulty", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_a_repaired_program_finds_nothing(logs: Path, faulty: str) -> None:
    """Faster, without errors, and in the declared order again."""
    assert (await compare(logs / faulty, logs / "healthy.log", DECLARED)).anomalies == ()


@pytest.mark.parametrize("faulty", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_without_declarations_a_repaired_order_is_another_one(logs: Path, faulty: str) -> None:
    """Which of two orders is right, the logs alone do not tell."""
    found = (await compare(logs / faulty, logs / "healthy.log", LEARNED)).anomalies
    assert subjects(found) == {("behavioral", SELECT), ("behavioral", EXPORT)}


@BOTH
@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_each_anomaly_has_its_figures(logs: Path, current: str, settings: Settings) -> None:
    found = await compare(logs / "healthy.log", logs / current, settings)
    for each in found.anomalies:
        assert each.actual > each.limit > 0
        assert each.actual > each.expected >= 0
        low, high = each.interval
        assert low < each.actual <= high + 1e-9
        assert each.samples >= 10
        assert each.baseline_samples >= 9
        assert 1 <= len(each.origins) <= 3
        assert each.first_seen_ms <= min(origin.at_ms for origin in each.origins)
        assert max(origin.at_ms for origin in each.origins) < each.last_seen_ms
        assert each.affected
        assert set(found.files) >= {origin.source for origin in each.origins}


@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_the_lines_of_a_slow_handler_are_slow_executions_of_it(logs: Path, current: str) -> None:
    found = await compare(logs / "healthy.log", logs / current, LEARNED)
    (slow,) = (each for each in found.anomalies if isinstance(each, PerformanceAnomaly))
    for origin in slow.origins:
        line, after = line_at(found.files[origin.source], origin.offset)
        duration = re.search(r"Beat \d+ completed in ([\d.]+)ms", line)
        assert duration is not None
        assert float(duration[1]) > slow.limit
        done = re.search(rb"BeatExecutor: Beat \d+ \(([^)]*)\)", (logs / current).read_bytes()[after:])
        assert done is not None
        assert done[1].decode() == slow.event


@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_the_lines_of_an_error_group_are_its_errors(logs: Path, current: str) -> None:
    found = await compare(logs / "healthy.log", logs / current, LEARNED)
    groups = [each for each in found.anomalies if isinstance(each, ErrorAnomaly)]
    assert len(groups) == 2
    for group in groups:
        masked = re.escape(group.template).replace(re.escape("<*>"), r"\d+( bytes)?")
        for origin in group.origins:
            line, _ = line_at(found.files[origin.source], origin.offset)
            assert f" {group.plugin}.{group.handler}: {group.error_type}: " in line
            assert re.search(masked, line)


@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_the_lines_of_a_broken_sequence_are_runs_that_break_it(logs: Path, current: str) -> None:
    found = await compare(logs / "healthy.log", logs / current, DECLARED)
    broken = [each for each in found.anomalies if isinstance(each, BehavioralAnomaly)]
    assert len(broken) == 2
    for each in broken:
        for origin in each.origins:
            line, after = line_at(found.files[origin.source], origin.offset)
            assert f"Request ID: {each.sequence}-" in line
            rest = (logs / current).read_bytes()[after:]
            end = RUN_ENDS.search(rest)
            assert end is not None
            beats = re.findall(r"Beat (\d+) Started: [^\n]*\(([^)\n]*)\)\n", rest[: end.start()].decode())
            played = tuple(event for _, event in dict.fromkeys(beats))
            assert played == each.observed != each.declared


@pytest.mark.parametrize(
    ("event", "kind"),
    [("canvas:component:select:notify", "missing"), ("canvas:component:collect-css", "out-of-order")],
)
async def test_the_deviating_beats_are_named(logs: Path, event: str, kind: str) -> None:
    found = await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)
    assert (event, kind) in {(each.event, each.kind) for each in found.anomalies}


@pytest.mark.parametrize("window_s", [1, 2, 10])
@BOTH
async def test_judged_window_by_window_the_same_is_found_and_stands(
    logs: Path, window_s: int, settings: Settings
) -> None:
    """As the daemon does: the healthy log comes first, then the faulty one; what is found does not flap."""
    settings = settings.model_copy(update={"ingest": Ingest(window_s=window_s)})
    codebase = await CodebaseReader(settings.project.sequences).load_codebase()
    limits, baseline = settings.detect, Baseline()
    for log, truth in (("healthy.log", set[tuple[str, str]]()), ("regressed.log", TRUTH)):
        standing = set[tuple[str, str]]()
        for start_ms, window in sorted(
            (await read_logs(logs / log, settings, Grouping())).metrics.windows.items()
        ):
            now = TelemetryMetrics(window_s * 1000, {start_ms: window})
            slow = detect_performance_anomalies(now, baseline=baseline, limits=limits, expected_ms={})
            broken = detect_behavioral_anomalies(
                now, baseline=baseline, limits=limits, sequences=codebase.sequences
            )
            failing = detect_error_patterns(now, baseline=baseline, limits=limits)
            baseline = Baseline(0, slow.beats, broken.runs, failing.errors)
            before = standing
            standing = subjects((*slow.anomalies, *broken.anomalies, *failing.anomalies))
            assert before <= standing <= truth
        assert standing == truth
