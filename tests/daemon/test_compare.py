"""Two sets of real logs against each other: what was injected is found, and nothing else."""

from __future__ import annotations

import gzip
import itertools
import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import time_machine

from config.settings import Ingest, Logs, Project, Settings
from daemon.codebase import CodebaseReader
from daemon.compare import Comparison, NothingToCompareError, compare, read_logs
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.detect_behavioral_anomalies import detect_behavioral_anomalies
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.formats.conductor import Conductor
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
    Block,
    ErrorAnomaly,
    ParserState,
    PerformanceAnomaly,
    TelemetryMetrics,
)

pytestmark = pytest.mark.anyio

DATA = Path(__file__).parents[1] / "data"
TRUTH = {(each["type"], each["subject"]) for each in json.loads((DATA / "conductor/truth.json").read_text())}
SELECT, EXPORT = "canvas-component-select-symphony", "canvas-component-export-symphony"
RUN_ENDS = re.compile(rb"SequenceExecutor: Sequence [^\n]* completed in [^\n]*\n")

LEARNED = Settings()
DECLARED = Settings(project=Project(sequences=(DATA / "sequences",)))
BOTH = pytest.mark.parametrize(
    "settings",
    [pytest.param(LEARNED, id="order learned"), pytest.param(DECLARED, id="order declared")],
)


@pytest.fixture(autouse=True)
def _day_after_the_logs() -> Iterator[None]:
    """Events of the future are left out."""
    with time_machine.travel("2026-11-23T12:00:00Z"):
        yield


@pytest.fixture(scope="module")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The logs, unpacked."""
    folder = tmp_path_factory.mktemp("conductor")
    for packed in (DATA / "conductor").glob("*.log.gz"):
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


def subjects(anomalies: tuple[AnyAnomaly, ...]) -> set[tuple[str, str]]:
    """Each anomaly as the truth names it."""
    named = {
        (each.__struct_config__.tag, each.sequence if isinstance(each, BehavioralAnomaly) else each.event)
        for each in anomalies
    }
    assert len(named) == len(anomalies)
    return {(str(kind), subject) for kind, subject in named}


def verdicts(comparison: Comparison) -> list[AnyAnomaly]:
    """The anomalies without the lines that prove them: the same lines stand elsewhere in other files."""
    return [msgspec.structs.replace(each, origins=()) for each in comparison.anomalies]


def line_at(path: str, offset: int) -> tuple[str, int]:
    """The line that holds the byte at `offset`, and where the next one begins."""
    data = Path(path).read_bytes()
    start, end = data.rfind(b"\n", 0, offset) + 1, data.find(b"\n", offset) + 1
    return data[start:end].decode(), end


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
        masked = re.escape(group.template).replace("<number>", r"\d+")
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


async def test_the_same_input_gives_the_same_result(logs: Path) -> None:
    first = await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)
    assert first == await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)


def cut_at_runs(data: bytes, parts: int) -> list[bytes]:
    ends = [match.end() for match in RUN_ENDS.finditer(data)]
    cuts = [0, *(ends[len(ends) * part // parts] for part in range(1, parts)), len(data)]
    return [data[start:end] for start, end in itertools.pairwise(cuts)]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(lambda number: f"{number}.log", id="in order of name"),
        pytest.param(lambda number: f"{9 - number}.log", id="in reverse order of name"),
        pytest.param(lambda number: f"worker-{number * 3 % 5}/app.log", id="in folders"),
    ],
)
@pytest.mark.parametrize("newest_first", [False, True], ids=["oldest read first", "newest read first"])
@pytest.mark.parametrize("current", ["regressed.log", "regressed-v1.4-no-timestamps.log"])
async def test_a_directory_gives_the_same_verdicts_however_its_files_are_cut_and_ordered(
    logs: Path, tmp_path: Path, current: str, name: Callable[[int], str], newest_first: bool
) -> None:
    whole = await compare(logs / "healthy.log", logs / current, DECLARED)
    for number, part in enumerate(cut_at_runs((logs / current).read_bytes(), 5)):
        file = tmp_path / name(number)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(part)
        written = 1_795_000_000 + (-number if newest_first else number) * 60
        os.utime(file, (written, written))
    in_parts = await compare(logs / "healthy.log", tmp_path, DECLARED)
    assert verdicts(in_parts) == verdicts(whole)
    assert in_parts.current.executions == whole.current.executions
    assert len(in_parts.files) == 5


@pytest.mark.parametrize("share", [0.2, 0.5, 0.77])
async def test_rotated_files_are_one_log_even_when_a_run_goes_on_in_the_next(
    logs: Path, tmp_path: Path, share: float
) -> None:
    whole = await compare(logs / "healthy.log", logs / "regressed.log", DECLARED)
    data = (logs / "regressed.log").read_bytes()
    cut = data.find(b"\n", round(len(data) * share)) + 1
    (tmp_path / "app.log.1").write_bytes(data[:cut])
    (tmp_path / "app.log").write_bytes(data[cut:])
    rotated = await compare(logs / "healthy.log", tmp_path, DECLARED)
    assert verdicts(rotated) == verdicts(whole)
    assert rotated.current.runs == 400


async def test_both_sides_may_be_directories_and_what_is_no_log_is_told(logs: Path, tmp_path: Path) -> None:
    for side, log in (("baseline", "healthy.log"), ("current", "regressed.log")):
        (tmp_path / side).mkdir()
        (tmp_path / side / "app.log").write_bytes((logs / log).read_bytes())
        (tmp_path / side / "notes.txt").write_text("deployed on Friday\n")
    found = await compare(tmp_path / "baseline", tmp_path / "current", DECLARED)
    assert subjects(found.anomalies) == TRUTH
    assert [problem.partition(": ")[2] for problem in found.problems] == ["no log format recognises it"] * 2


async def test_a_link_that_is_named_itself_is_followed(logs: Path, tmp_path: Path) -> None:
    (tmp_path / "latest.log").symlink_to(logs / "regressed.log")
    found = await compare(logs / "healthy.log", tmp_path / "latest.log", DECLARED)
    assert subjects(found.anomalies) == TRUTH


async def test_a_file_is_read_alone_whatever_its_name_and_the_settings_for_directories(
    logs: Path, tmp_path: Path
) -> None:
    odd = tmp_path / "build [17]*?.gz"
    odd.write_bytes((logs / "healthy.log").read_bytes())
    (tmp_path / "build 1.gz").write_bytes((logs / "regressed.log").read_bytes())
    read = await read_logs(odd, Settings(logs=Logs(include=("*.log",))))
    assert list(read.files.values()) == [str(odd)]
    assert (read.summary.runs, read.summary.errors) == (400, 0)


def as_json_lines(log: Path) -> bytes:
    """The same telemetry as another logger would write it."""
    data = log.read_bytes()
    extraction = Conductor().extract(Block(1, 0, len(data), data), ParserState(), at_end=True)
    lines = []
    for event in extraction.events:
        if event.kind in ("registered", "restarted") or (event.kind == "beat-completed" and event.failed):
            continue  # a line with an error is the failed beat
        line = {
            "timestamp": event.time,
            "kind": event.kind.replace("run", "sequence") if event.kind != "error" else None,
            "requestId": event.request_id,
            "sequence": event.sequence,
            "event": event.event,
            "handler": f"{event.plugin}.{event.handler}" if event.plugin else event.handler,
            "duration": event.duration_ms,
        }
        if event.kind == "error":
            line["error"] = f"{event.error_type}: {event.error_message}"
        lines.append(json.dumps({key: value for key, value in line.items() if value not in (None, "")}))
    return "\n".join(lines).encode() + b"\n"


@BOTH
@pytest.mark.parametrize("both", [True, False], ids=["against JSON lines", "against the conductor's log"])
async def test_json_lines_give_the_same_verdicts(
    logs: Path, tmp_path: Path, settings: Settings, both: bool
) -> None:
    baseline = logs / "healthy.log"
    if both:
        baseline = tmp_path / "healthy.jsonl"
        baseline.write_bytes(as_json_lines(logs / "healthy.log"))
    (tmp_path / "regressed.jsonl").write_bytes(as_json_lines(logs / "regressed.log"))
    found = await compare(baseline, tmp_path / "regressed.jsonl", settings)
    assert subjects(found.anomalies) == TRUTH
    assert (found.current.runs, found.current.unreadable) == (400, 0)
    for each in found.anomalies:
        for origin in each.origins:
            line = json.loads(line_at(found.files[origin.source], origin.offset)[0])
            assert line["sequence"] == each.sequence
            assert isinstance(each, BehavioralAnomaly) or line["event"] == each.event


@pytest.mark.parametrize("side", ["baseline", "current"])
@pytest.mark.parametrize(
    ("make", "says"),
    [
        pytest.param(lambda path: None, "there is no such file or directory", id="a missing path"),
        pytest.param(Path.mkdir, "there is not one log line", id="an empty directory"),
        pytest.param(Path.touch, "there is not one log line", id="an empty file"),
        pytest.param(
            lambda path: path.write_text("hello\nworld\n"), "no log format recognises it", id="another text"
        ),
        pytest.param(
            lambda path: path.write_text('{"level": "info"}\n' * 3),
            "3 lines were read and none of them is an event",
            id="lines without an event",
        ),
        pytest.param(
            lambda path: path.write_bytes((DATA / "conductor/healthy.log.gz").read_bytes()),
            "no log format recognises it",
            id="a compressed log",
        ),
        pytest.param(
            lambda path: path.write_text(
                '{"timestamp": "2036-01-01T00:00:00Z", "event": "a", "duration": 1}\n'
            ),
            "1 events are left out: they are later than this machine's clock",
            id="events of the future",
        ),
        pytest.param(os.mkfifo, "is not a regular file", id="a pipe"),
    ],
)
async def test_what_holds_no_event_is_named_with_the_reason(
    logs: Path, tmp_path: Path, side: str, make: Callable[[Path], object], says: str
) -> None:
    path = tmp_path / "nothing"
    make(path)
    sides = (path, logs / "healthy.log") if side == "baseline" else (logs / "healthy.log", path)
    with pytest.raises(NothingToCompareError, match=re.escape(says)) as failure:
        await compare(*sides, LEARNED)
    assert str(failure.value).startswith(f"{path}: ")


async def test_events_of_the_future_are_told_when_there_are_others_too(logs: Path, tmp_path: Path) -> None:
    lines = [
        json.dumps({"timestamp": f"20{year}-01-01T00:00:00Z", "event": "a", "duration": 1})
        for year in (26, 36)
    ]
    (tmp_path / "app.log").write_text("\n".join(lines) + "\n")
    read = await read_logs(tmp_path, LEARNED)
    assert read.summary.executions == 1
    assert len(read.problems) == 1
    assert read.problems[0].startswith(f"{tmp_path}: 1 events are left out")


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
        for start_ms, window in sorted((await read_logs(logs / log, settings)).metrics.windows.items()):
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
