"""The frozen records that travel between handlers.

Units are in the names: `_ms` epoch or span in milliseconds, `_us` microseconds, `_bytes` bytes.
Times and durations are integers, so that sums do not depend on the order in which they were added:
a read in one piece, in blocks or after a restart gives bit-identical metrics.
"""

from __future__ import annotations

from typing import Final, Literal

import msgspec

EventKind = Literal[
    "registered",
    "restarted",
    "run-started",
    "run-completed",
    "run-failed",
    "beat-started",
    "beat-completed",
    "error",
]
Severity = Literal["low", "medium", "high", "critical"]
AnomalyType = Literal["performance", "behavioral", "coverage", "error"]
Verdict = Literal["confirmed", "likely", "inconclusive"]
RecommendationType = Literal["code", "test", "documentation", "sequence", "config"]

SEVERITIES: Final[tuple[Severity, ...]] = ("low", "medium", "high", "critical")


class Origin(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where a line stands: the number of its source in the store and its byte offset."""

    at_ms: int
    source: int
    offset: int


class FileIdentity(msgspec.Struct, frozen=True, gc=False):
    """Device and inode, which rotation keeps, and a hash of the head, which inode reuse does not."""

    device: int
    inode: int
    fingerprint: str
    """Hex digest of the first `head_bytes` bytes; empty for an empty file."""
    head_bytes: int


class LogFile(msgspec.Struct, frozen=True):
    """One log file with bytes that are still to be read, from `offset` to `size_bytes`."""

    source: int
    """Number of this file in the store: one per file identity."""
    path: str
    stream: str
    """The path under which the file was first seen. A rotated file and its successor are one stream:
    what the parser had open at the end of the one goes on at the start of the other."""
    identity: FileIdentity
    offset: int
    size_bytes: int
    format: str
    """Name of the log format, or "" while it is not known."""


class TelemetryEvent(msgspec.Struct, frozen=True, gc=False):
    """One event in the words of the log: names, time and duration are not interpreted yet."""

    kind: EventKind
    source: int
    offset: int
    time: str | float | None = None
    """ISO 8601 text or epoch seconds; None where the log has no time."""
    sequence: str = ""
    """Name or id of the sequence."""
    sequence_id: str = ""
    """Only for `registered`: the id that belongs to the name in `sequence`."""
    request_id: str = ""
    event: str = ""
    plugin: str = ""
    handler: str = ""
    """Function name, or "Plugin.function"."""
    beat: int = 0
    duration_ms: float | None = None
    failed: bool = False
    error_type: str = ""
    error_message: str = ""
    error_frame: str = ""
    """First line of the stack trace that belongs to the watched project, or ""."""


class NormalizedEvent(msgspec.Struct, frozen=True, gc=False):
    """One event with epoch time, sequence id, plugin and handler apart, and the error as a template."""

    kind: EventKind
    at_ms: int
    source: int
    offset: int
    sequence: str
    """Id of the sequence; its name while no id is known; "" outside of any sequence."""
    run: str
    """Key of the run (the request id), or ""."""
    event: str
    plugin: str
    handler: str
    beat: int
    duration_us: int | None
    failed: bool
    error_type: str
    error_template: str
    error_frame: str


class Block(msgspec.Struct, frozen=True, gc=False):
    """Whole lines of one file, from byte `offset` on."""

    source: int
    offset: int
    end: int
    """Where the next block begins; more than `offset` + the length of `data` where bytes were skipped."""
    data: bytes
    lines: int = 0
    """Lines in `data`; 0 where they were not counted yet."""


BeatKey = tuple[str, str]
"""(sequence id, event): event names are shared between sequences, so neither alone is an identity."""
ErrorKey = tuple[str, str, str, str]
"""(sequence id, event, error type, message template)."""


class BeatStats(msgspec.Struct):
    """What a span of time saw of one beat. `merge_beats` adds two."""

    plugin: str = ""
    handler: str = ""
    started: int = 0
    completed: int = 0
    """Completed, failed ones included."""
    failed: int = 0
    total_us: int = 0
    """Sum of the durations in `bins` (failed beats are in neither)."""
    max_us: int = 0
    bins: dict[int, int] = {}
    """DDSketch of the durations: bin index -> count, see `handlers.sketch`."""
    slowest: tuple[tuple[int, Origin], ...] = ()
    """The slowest few as (duration_us, origin), slowest first."""


class VariantStats(msgspec.Struct):
    """How many runs took the same path, and the first few of them."""

    runs: int = 0
    examples: tuple[Origin, ...] = ()


class RunStats(msgspec.Struct):
    """What a span of time saw of one sequence. A run belongs to the window in which it ended."""

    completed: int = 0
    failed: int = 0
    unfinished: int = 0
    """Given up: a restart, or silence for longer than the run timeout."""
    total_us: int = 0
    bins: dict[int, int] = {}
    variants: dict[str, VariantStats] = {}
    """Completed runs by path: events in order of start, joined by a tab."""


class ErrorStats(msgspec.Struct):
    """What a span of time saw of one error group."""

    plugin: str = ""
    handler: str = ""
    frame: str = ""
    count: int = 0
    examples: tuple[Origin, ...] = ()


class Window(msgspec.Struct):
    """All that happened from `start_ms` until the next window starts, in event time."""

    start_ms: int
    beats: dict[BeatKey, BeatStats] = {}
    runs: dict[str, RunStats] = {}
    errors: dict[ErrorKey, ErrorStats] = {}


class TelemetryMetrics(msgspec.Struct, frozen=True):
    """Windows by start, each `window_ms` long."""

    window_ms: int
    windows: dict[int, Window]


class OpenError(msgspec.Struct):
    """An error whose stack trace may go on in the next block, or in the next file of its stream."""

    source: int
    offset: int
    time: str | float | None
    sequence: str
    run: str
    event: str
    beat: int
    plugin: str
    handler: str
    type: str
    message: str
    frames: list[str] = []


class OpenTrace(msgspec.Struct):
    """A trace of spans, which arrive in any order: its root span, which names the sequence, comes last."""

    last_ns: int
    """When its latest span ended, since the epoch."""
    sequence: str = ""
    """Name of the root span; "" until it is known."""
    waiting: list[TelemetryEvent] = []
    """What is told when the root span is known."""


class ParserState(msgspec.Struct):
    """What a parser carries from one block to the next. It is stored in the same commit as the offset.

    One type for all formats, so that a stream whose format changes goes on with what is known.
    """

    run: str = ""
    """Request id of the running sequence."""
    sequence: str = ""
    beat: int = 0
    event: str = ""
    """Event of the open beat; "" between two beats."""
    closed: tuple[int, str] = (0, "")
    """(number, event) of the beat that was completed last: a second report of it is the same beat."""
    duration_ms: float | None = None
    """A duration that was printed before its event was known."""
    handler: str = ""
    beat_failed: bool = False
    run_failed: bool = False
    stamped: bool = False
    """The lines have timestamps."""
    time: float | None = None
    """Seconds since the epoch, kept only for logs without timestamps."""
    error: OpenError | None = None
    traces: dict[str, OpenTrace] = {}
    """By trace id, the one first seen first; only for formats of spans."""


class NameBook(msgspec.Struct):
    """What a stream's registration lines said: sequence ids by name, plug-ins by sequence id and event."""

    sequence_ids: dict[str, str] = {}
    plugins: dict[str, str] = {}
    """By "sequence id<TAB>event"."""


class OpenRun(msgspec.Struct):
    """A run that has not ended yet."""

    sequence: str
    started: Origin
    last_ms: int
    announced: bool
    """A run-started line was seen: the path is complete from its first beat on."""
    path: list[str] = []
    """Events of the beats in order of start."""
    open: list[str] = []
    """Events of the beats that have started and not completed."""


class StreamState(msgspec.Struct):
    """All that reading a stream carries from one commit to the next."""

    parser: ParserState
    names: NameBook
    runs: dict[str, OpenRun] = {}
    watermark_ms: int = 0
    """Latest event time seen."""
    format: str = ""
    """Name of the log format that was read last: that of a next file whose head tells nothing."""


class Consumed(msgspec.Struct, frozen=True):
    """How far a file was read in a commit and what the lines were."""

    source: int
    stream: str
    format: str
    end_offset: int
    lines: int
    matched: int
    unreadable: int
    undecodable: int
    events: int


class Handler(msgspec.Struct, frozen=True):
    """A handler as the watched project declares it."""

    sequence: str
    event: str
    plugin: str
    name: str
    beat: int
    kind: str = ""
    test_file: str = ""
    test_case: str = ""
    definition_file: str = ""
    """Path of the sequence definition that declares it."""
    definition_line: int = 0


class Sequence(msgspec.Struct, frozen=True):
    """A declared sequence: the events of its beats in order, all movements joined."""

    id: str
    name: str
    plugin: str
    events: tuple[str, ...]
    file: str = ""


class Test(msgspec.Struct, frozen=True):
    """A test of the watched project, as a declaration or a coverage report names it."""

    file: str
    case: str
    covers: tuple[str, ...]
    """Handler names that it covers."""


class CoveredFunction(msgspec.Struct, frozen=True):
    """A function in a coverage report."""

    name: str
    file: str
    line: int
    executed: bool
    source: str
    """Path of the report."""


class Codebase(msgspec.Struct, frozen=True):
    """What is known of the watched project; empty where nothing was configured."""

    handlers: tuple[Handler, ...] = ()
    sequences: tuple[Sequence, ...] = ()
    tests: tuple[Test, ...] = ()
    functions: tuple[CoveredFunction, ...] = ()
    problems: tuple[str, ...] = ()
    """Files that could not be read, each with the reason."""


class Anomaly(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """A claim that something is wrong, with what proves it.

    `id` depends on what it is about, never on time.
    """

    id: str
    kind: str
    severity: Severity
    severity_reason: str
    sequence: str
    event: str
    plugin: str
    handler: str
    description: str
    """One sentence for people."""
    actual: float
    expected: float
    limit: float
    unit: str
    """Unit of actual, expected and limit: "ms", "runs/run", "errors/execution", "tests"."""
    interval: tuple[float, float]
    """Confidence interval of `actual`."""
    confidence: float
    """0..1, the probability that this is no chance, as far as the samples carry it."""
    samples: int
    baseline_samples: int
    first_seen_ms: int
    last_seen_ms: int
    origins: tuple[Origin, ...]
    """Lines that prove it, first ones first."""
    affected: tuple[str, ...] = ()
    """Sequences that suffer from it."""


class PerformanceAnomaly(Anomaly, frozen=True, kw_only=True, tag="performance"):
    ratio: float
    """Median over expected median."""
    p95: float
    """95th percentile in ms."""
    added_us_per_execution: int
    expected_from: str
    """"settings", or "baseline"."""


class BehavioralAnomaly(Anomaly, frozen=True, kw_only=True, tag="behavioral"):
    declared: tuple[str, ...]
    """The events in order as declared or learned."""
    observed: tuple[str, ...]
    """The events of the most frequent deviating path."""
    beats: tuple[str, ...]
    """The events that are missing, extra, moved or repeated."""
    expected_from: str
    """"definition", or "baseline"."""


class CoverageAnomaly(Anomaly, frozen=True, kw_only=True, tag="coverage"):
    executions: int
    failures: int
    evidence: str
    """Which reports and declarations were looked at."""


class ErrorAnomaly(Anomaly, frozen=True, kw_only=True, tag="error"):
    error_type: str
    template: str
    frame: str
    count: int
    executions: int
    """Executions of the beat in the same span."""


AnyAnomaly = PerformanceAnomaly | BehavioralAnomaly | CoverageAnomaly | ErrorAnomaly


class Diagnosis(msgspec.Struct, frozen=True, kw_only=True, tag_field="type"):
    """Why an anomaly is there, how sure that is and what was ruled out."""

    anomaly: AnyAnomaly
    cause: str
    """One sentence for people."""
    cause_kind: str
    """Stable word for the cause, e.g. "own-work", "definition-changed", "never-tested", "null-access"."""
    verdict: Verdict
    evidence: tuple[str, ...]
    evidence_against: tuple[str, ...] = ()
    ruled_out: tuple[str, ...] = ()
    location: str = ""
    """file:line at fault where it is known."""


class PerformanceDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="performance"):
    share_of_run: float | None
    """Part of the duration of its sequence that the beat takes, 0..1; None outside of a sequence."""


class BehavioralDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="behavioral"):
    definition_file: str


class CoverageDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="coverage"):
    nearest_test: str
    """A test file of the same plug-in that the new test fits into, or ""."""


class ErrorDiagnosis(Diagnosis, frozen=True, kw_only=True, tag="error"):
    error_class: str
    """"null", "type", "limit", "connection", "timeout", "permission", "not-found", "parse" or "other"."""
    test_file: str = ""
    """The declared test of the handler, or ""."""


AnyDiagnosis = PerformanceDiagnosis | BehavioralDiagnosis | CoverageDiagnosis | ErrorDiagnosis


class Impact(msgspec.Struct, frozen=True):
    """Whom an anomaly hurts, counted from the data."""

    executions: int
    """Executions of the subject in the judged span."""
    affected: int
    """Those of them that were slow, wrong, untested or failed."""
    share: float
    """affected / executions, 0..1."""
    added_ms: float
    """Time added in the judged span; 0 where time is not the matter."""
    sentence: str


class AssessedDiagnosis(msgspec.Struct, frozen=True):
    diagnosis: AnyDiagnosis
    impact: Impact
    severity: Severity


class FixRecommendation(msgspec.Struct, frozen=True, kw_only=True):
    """What to do about one anomaly."""

    id: str
    anomaly_id: str
    type: RecommendationType
    title: str
    action: str
    """What exactly is to be changed, one or two sentences."""
    location: str
    """file:line where it is known, else the handler or sequence."""
    steps: tuple[str, ...]
    effort: Literal["minutes", "hours", "days"]
    benefit: str
    """Computed from the data."""
    priority: int
    """1 is first."""
    assessed: AssessedDiagnosis
