"""What an operator can decide: names, types, limits and defaults.

`Settings()` is the defaults and nothing else. The environment and the YAML file are read by
`config.load.load_settings`, which can name the line or the variable that is wrong and rejects unknown ones.
"""

from __future__ import annotations

import difflib
import zoneinfo
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from config.alert_route import AlertRoute
from config.objective import Objective
from config.patterns import compile_pattern
from config.time_formats import require_time_format

ENV_PREFIX: Final = "SELFHEALD_"
ENV_DELIMITER: Final = "__"
CONFIG_VARIABLE: Final = "SELFHEALD_CONFIG"
"""Names the YAML file; the one variable with the prefix that is no setting."""
NEEDS_RESTART: Final = frozenset({"ingest.window_s", "store.max_bytes", "store.path"})
"""Dotted keys whose new value a running daemon cannot adopt."""
ONE_FOR_ALL: Final = frozenset({"interval_s", "reload_gate", "severity_of"})
"""Settings of `detect` that no subject can have for itself."""


def _reject_truth_value(value: object) -> object:
    """YAML 1.1 reads `no` and `off` as truth values, and pydantic would take them as 0 and 1."""
    if isinstance(value, bool):
        raise ValueError("must be a number; YAML reads this as true or false")
    return value


def _require_text(value: object) -> object:
    """No operating system call takes a NUL, and no log line should carry control characters."""
    if value == "":
        raise ValueError("must not be empty")
    if isinstance(value, str) and not value.isprintable():
        raise ValueError("must not contain control characters")
    return value


def _require_time_zone(name: str) -> str:
    try:
        zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        close = difflib.get_close_matches(name[:64], zoneinfo.available_timezones(), n=1)
        hint = f"; did you mean {close[0]}?" if close else ""
        raise ValueError(f"must be an IANA time zone such as Europe/Berlin{hint}") from None
    return name


def _require_field_name(name: str) -> str:
    """msgspec cannot rename a field to one that JSON would have to escape."""
    if '"' in name or "\\" in name:
        raise ValueError('must not contain " or \\')
    return name


def _require_known_groups(pattern: str) -> str:
    known = [name for name in Jsonl.model_fields if name != "duration_unit"]
    groups = compile_pattern(pattern).groupindex
    for group in groups:
        if group not in known:
            raise ValueError(f"group {group} is unknown; there are {', '.join(known)}")
    if not {"event", "handler", "kind"} & set(groups):
        raise ValueError("must have a group event, handler or kind, such as (?P<event>...)")
    return pattern


def _empty_is_none(value: object) -> object:
    """An environment variable has no other way to say "none"."""
    return None if value == "" else value


def _off_is_a_word(value: object) -> object:
    """YAML 1.1 reads `off` as false."""
    return "off" if value is False else value


def _only_of_a_subject(schema: dict[str, Any]) -> None:
    """What is left out of `detect_of` has no default: it is as under `detect`."""
    schema["properties"] = {
        key: {name: part for name, part in field.items() if name != "default"}
        for key, field in schema["properties"].items()
        if key not in ONE_FOR_ALL
    }


Whole = Annotated[int, BeforeValidator(_reject_truth_value)]
Number = Annotated[float, BeforeValidator(_reject_truth_value)]
Text = Annotated[str, BeforeValidator(_require_text)]
File = Annotated[Path, BeforeValidator(_require_text)]
Globs = tuple[Text, ...]
FieldName = Annotated[Text, AfterValidator(_require_field_name)]
TimeZone = Annotated[Text, AfterValidator(_require_time_zone)]
DurationUnit = Literal["s", "ms", "us", "ns"]
PositiveMs = Annotated[float, Field(gt=0), BeforeValidator(_reject_truth_value)]
DAY_S: Final = 86_400
COMPRESSED_OR_EDITOR: Final = ("*.gz", "*.xz", "*.zst", "*.bz2", "*.zip", "*.swp", "*~")


class Section(BaseModel):
    """A frozen group of settings. The docstrings below the fields are their descriptions, which
    `config.descriptions` reads when they are wanted."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, validate_default=True)


class Logs(Section):
    """Which files are read, and how."""

    directories: tuple[File, ...] = Field(default=(Path(".logs"),), min_length=1)
    """List of paths. The directories whose log files are watched."""
    include: Globs = Field(default=("*",), min_length=1)
    """List of globs on the file name. Only files that match one of them are read."""
    exclude: Globs = COMPRESSED_OR_EDITOR
    """List of globs on the file name. Files that match one are not read, even if included: compressed
    rotations, whose lines were read before, and files of editors."""
    recursive: bool = True
    """true or false. Whether subdirectories are watched too."""
    follow_symlinks: bool = False
    """true or false. Whether links are followed; a link can lead out of the watched directories."""
    format: Text = "auto"
    """Name of a log format. "auto" recognises it file by file from the first lines; a name forces it."""
    format_of: dict[Text, Text] = {}
    """Names of log formats, by glob on the path of the file. Those of single files, in place of logs.format;
    the first glob that matches the path or its end decides, and * stands for slashes too."""
    max_line_bytes: Whole = Field(default=1_048_576, ge=1024, le=67_108_864)
    """Bytes, 1024 to 67108864. A longer line is cut and counted instead of held in memory, and the windows
    around it count for no verdict."""
    hot_poll_ms: Whole = Field(default=100, ge=10, le=60_000)
    """Milliseconds, 10 to 60000. How often a file that is being written is looked at: less is sooner, at the
    cost of processor time."""
    rescan_s: Number = Field(default=5.0, ge=0.1, le=DAY_S)
    """Seconds, 0.1 to 86400. How often all directories are listed, which finds what file events missed; more
    seldom, up to 30 s, where that would take 0.5 % of a core."""


class Jsonl(Section):
    """The names under which JSON lines hold what selfheald needs; a.b is b inside of a."""

    timestamp: FieldName = "timestamp"
    """Field name. The time: ISO 8601 text, or seconds, ms, us or ns since 1970."""
    event: FieldName = "event"
    """Field name. The event of the beat."""
    handler: FieldName = "handler"
    """Field name. The handler, as "function" or "Plugin.function"."""
    sequence: FieldName = "sequence"
    """Field name. The id or name of the sequence."""
    beat: FieldName = "beat"
    """Field name. The number of the beat in its sequence."""
    request_id: FieldName = "requestId"
    """Field name. The id that all lines of one run share."""
    duration: FieldName = "duration"
    """Field name. The duration, in the unit of jsonl.duration_unit, or as text with its unit: "12.5ms"."""
    error: FieldName = "error"
    """Field name. The error: a text, or an object with type, message and stack."""
    kind: FieldName = "kind"
    """Field name. The kind of event, such as "beat-started", "beat-completed" or "error"."""
    duration_unit: Literal["auto", "s", "ms", "us", "ns"] = "auto"
    """One of auto, s, ms, us, ns. The unit of the durations. "auto" is the one that jsonl.duration ends in,
    as elapsed_us or tookMs do, else ms."""

    @model_validator(mode="after")
    def _require_distinct_names(self) -> Self:
        fields: dict[str, str] = {}
        for field, name in self:
            if field != "duration_unit" and fields.setdefault(name, field) != field:
                raise ValueError(f"{fields[name]} and {field} must not both be named {name}")
        return self


class DeclaredFormat(Section):
    """A log format of the operator's own."""

    pattern: Annotated[Text, AfterValidator(_require_known_groups)]
    time_format: Annotated[Text | None, AfterValidator(require_time_format)] = None
    duration_unit: DurationUnit = "ms"


class Ingest(Section):
    """How lines become windows."""

    commit_interval_ms: Whole = Field(default=1000, ge=10, le=60_000)
    """Milliseconds, 10 to 60000. How often what was read is made durable: a crash makes at most this much be
    read again, never lost or counted twice."""
    window_s: Whole = Field(default=10, ge=1, le=3600)
    """Whole seconds, 1 to 3600, of event time in one window. Smaller windows date a change more sharply and
    take more room in the store. A change needs a restart."""
    batch_bytes: Whole = Field(default=67_108_864, ge=65_536, le=1_073_741_824)
    """Bytes, 65536 to 1073741824. How much is read at once at most; limits memory while catching up."""
    allowed_lateness_s: Number = Field(default=2.0, ge=0, le=DAY_S)
    """Seconds, 0 to 86400. How far behind the newest line another may be and still count in its window."""
    run_timeout_s: Number = Field(default=60.0, gt=0, le=DAY_S)
    """Seconds, more than 0 to 86400. A run that is silent for longer is given up as unfinished."""
    max_clock_skew_s: Number = Field(default=60.0, ge=0, le=DAY_S)
    """Seconds, 0 to 86400. Events that are further in the future than this are counted and kept apart."""
    timezone: TimeZone = "UTC"
    """IANA time zone name. The zone of timestamps that name none."""
    timezone_of: dict[Text, TimeZone] = {}
    """IANA time zone names, by glob on the path of the file. Those of single files, in place of
    ingest.timezone; the first glob that matches the path or its end decides, and * stands for slashes too."""


class Detect(Section):
    """What counts as an anomaly."""

    interval_s: Number = Field(default=10.0, ge=0.1, le=DAY_S)
    """Seconds, 0.1 to 86400. How often the committed windows are judged."""
    over_expected: Number = Field(default=0.50, gt=0, le=1000)
    """Ratio, more than 0 to 1000. A handler is slow when its median exceeds the expected one by more than
    this share: 0.5 is 50 % over. Raise it to hear of fewer slow handlers."""
    min_samples: Whole = Field(default=10, ge=5, le=1_000_000)
    """Executions, 5 to 1000000. A handler with fewer of them is not judged."""
    confidence: Number = Field(default=0.99, gt=0.5, lt=1)
    """Probability, more than 0.5 and less than 1. How sure a verdict must be. Nearer to 1 means fewer
    false alarms, and more samples before an anomaly is reported."""
    run_noise: Number = Field(default=0.05, ge=0, le=5)
    """Standard deviation on the log scale, 0 to 5. How much two runs of the same healthy program differ: 0.05
    is about 5 %. Raise it where machines are shared or noisy."""
    min_added_ms: Number = Field(default=1.0, ge=0, le=DAY_S * 1000)
    """Milliseconds, 0 to 86400000. A handler that got slower by less than this is left alone, however large
    the ratio."""
    rate_drop: Number = Field(default=0.8, ge=0.5, lt=1)
    """Share, 0.5 to less than 1. A sequence or handler has collapsed when it runs less often than usual by
    more than this share, while others go on: 0.8 is a fifth of the usual rate."""
    behavioral_min_runs: Whole = Field(default=2, ge=1, le=1_000_000)
    """Runs, 1 to 1000000. A deviating order of beats is reported after as many runs with it."""
    error_min_count: Whole = Field(default=1, ge=1, le=1_000_000)
    """Errors, 1 to 1000000. An error group is reported after as many errors."""
    error_over_baseline: Number = Field(default=0.50, ge=0, le=1000)
    """Ratio, 0 to 1000. A known error group is reported when its rate exceeds the baseline by more than this
    share: 0.5 is 50 % over."""
    hold_s: Number = Field(default=300.0, ge=0, le=DAY_S)
    """Seconds of event time, 0 to 86400. An anomaly is resolved after it was gone for so long. Raise it if
    the same ones come and go."""
    close_share: Number = Field(default=0.5, gt=0, le=1)
    """Ratio, more than 0 to 1. What is open stays open until it is below this share of over_expected or
    error_over_baseline, so that what lies at the limit does not come and go; 1 is no difference."""
    severity_of: dict[Text, Literal["low", "medium", "high", "critical"]] = {}
    """Severities (low, medium, high, critical), by glob on an event, on "Plugin.handler" or on
    "sequence-id/event". That of what is about these, however large it is; the first glob that matches
    decides. Put names with * in quotes."""
    performance: bool = True
    """true or false. Whether handlers that are slow, or run no more, are looked for."""
    behavioral: bool = True
    """true or false. Whether beats that are missing, extra, repeated, out of order or late, and runs that
    hang, are looked for."""
    coverage: bool = True
    """true or false. Whether handlers that run in production without a test are looked for."""
    errors: bool = True
    """true or false. Whether new and growing groups of errors are looked for."""
    reload_gate: Annotated[Literal["off", "warn", "require"], BeforeValidator(_off_is_a_word)] = "warn"
    """One of off, warn, require. What is done before other limits are adopted: "warn" judges the stored
    history under them and logs what would have appeared and vanished; "require" also refuses them where
    anomalies of severity high or critical would have vanished, until they are saved with "warn"; "off" adopts
    them at once."""


class DetectOf(Detect):
    """What counts as an anomaly for some subjects: only the settings that are given mean something."""

    model_config = ConfigDict(json_schema_extra=_only_of_a_subject)

    @model_validator(mode="after")
    def _require_settings_of_a_subject(self) -> Self:
        for key in sorted(self.model_fields_set & ONE_FOR_ALL):
            raise ValueError(f"{key} is one for all; set it under detect")
        return self

    @model_serializer(mode="wrap")
    def _given(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if key in self.model_fields_set}


class Project(Section):
    """Where the watched project has its source, its sequences and its tests."""

    sequences: tuple[File, ...] = ()
    """List of paths, of folders or files with sequence definitions. With none, the usual order of beats is
    learned from the logs."""
    coverage: tuple[File, ...] = ()
    """List of paths, of folders or files with coverage reports: coverage.py data files and JSON, LCOV,
    Cobertura XML, Istanbul JSON, JaCoCo XML. With none, coverage is judged by the tests that sequence
    definitions declare."""
    root: Annotated[File | None, BeforeValidator(_empty_is_none)] = None
    """Path of a folder, or null. A checkout of the watched project: finds the file, line, tests, owner and
    commits of each handler; null means that none is known."""


class Store(Section):
    """Where everything durable is kept."""

    path: File = Path(".selfheald/store.db")
    """Path of a file. Its default means $STATE_DIRECTORY/store.db where systemd sets that variable. A change
    needs a restart."""
    max_bytes: Whole = Field(default=536_870_912, ge=1_048_576, le=1_099_511_627_776)
    """Bytes, 1048576 to 1099511627776. How large the store may grow on disk. A change needs a restart."""


class Retention(Section):
    """How long things are remembered."""

    windows_h: Number = Field(default=24.0, gt=0, le=87_600)
    """Hours, more than 0 to 87600. Windows that are older are rolled up into hours, sooner when the store is
    full."""
    hours_d: Number = Field(default=30.0, gt=0, le=3650)
    """Days, more than 0 to 3650. Hours that are older are rolled up into days."""
    days_d: Number = Field(default=365.0, gt=0, le=36_500)
    """Days, more than 0 to 36500. Days that are older are dropped."""
    anomalies_d: Number = Field(default=90.0, gt=0, le=3650)
    """Days, more than 0 to 3650. Resolved anomalies that are older are dropped."""


class Log(Section):
    """The daemon's own log."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """One of DEBUG, INFO, WARNING, ERROR. The least severe messages that are written."""
    format: Literal["auto", "text", "json"] = "auto"
    """One of auto, text, json. "auto" suits the place: journal, terminal or pipe."""
    file: Annotated[File | None, BeforeValidator(_empty_is_none)] = None
    """Path of a file, or null. Also writes the log to this file, with rotation; null writes to standard error
    only."""
    rotation_bytes: Whole = Field(default=10_485_760, ge=1024, le=1_099_511_627_776)
    """Bytes, 1024 to 1099511627776. The size at which log.file is rotated."""
    retention_files: Whole = Field(default=5, ge=1, le=10_000)
    """Files, 1 to 10000. How many rotated log files are kept."""
    redact: bool = True
    """true or false. Whether passwords, tokens, keys, mail addresses and card numbers are taken out of what
    is shown of log lines, by the commands and in the daemon's own log. What is stored never has them."""


class Metrics(Section):
    """The daemon's own figures, for Prometheus."""

    file: Annotated[File | None, BeforeValidator(_empty_is_none)] = None
    """Path of a file, or null. Writes the figures there, for the textfile collector of node_exporter. Under
    systemd null means $STATE_DIRECTORY/selfheald.prom."""
    port: Annotated[Annotated[Whole, Field(ge=1, le=65_535)] | None, BeforeValidator(_empty_is_none)] = None
    """Port, 1 to 65535, or null. Answers http://127.0.0.1:port/metrics; the unit as shipped has no network
    and has to be given it."""
    interval_s: Number = Field(default=15.0, ge=1, le=60)
    """Seconds, 1 to 60. How often the figures are renewed."""


class Settings(BaseSettings):
    """All settings, frozen: a reload builds and validates a new object and swaps one reference."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix=ENV_PREFIX,
        env_nested_delimiter=ENV_DELIMITER,
        allow_inf_nan=False,
        validate_default=True,
    )

    logs: Logs = Logs()
    jsonl: Jsonl = Jsonl()
    formats: dict[Text, DeclaredFormat] = {}
    """Log formats of your own, by name. Each has a pattern, a regular expression that finds an event in
    a line by named groups: timestamp, event, handler, sequence, beat, request_id, duration, error,
    kind, which mean what the jsonl settings of these names do. time_format, as in strptime, reads other
    times than those; duration_unit is one of s, ms, us, ns (default: ms)."""
    ingest: Ingest = Ingest()
    detect: Detect = Detect()
    detect_of: dict[Text, DetectOf] = {}
    """Settings of detect, by glob on an event, on "Plugin.handler", on "sequence-id/event" or on a sequence
    id. They hold for what matches, in place of those of detect; each has the value of the first glob that
    matches and gives it. Put names with * in quotes."""
    detect_of_source: dict[Text, DetectOf] = {}
    """Settings of detect, by glob on the path of the log file. They hold for all that such a file tells of,
    in place of those of detect, where detect_of does not give them; the first glob that matches the path or
    its end and gives a setting decides it, and * stands for slashes too. What several files tell of has them
    if one of the files matches."""
    expected_ms: dict[Text, PositiveMs] = {}
    """Milliseconds, more than 0, by glob on an event, on "Plugin.handler" or on "sequence-id/event". The
    median duration that is expected of a handler, in place of the learned one. Put names with * in quotes."""
    objectives: dict[Text, Objective] = {}
    """Service level objectives, by name. Each has a match (a glob on an event, on "Plugin.handler", on
    "sequence-id/event" or on a sequence id) and one of latency_ms, error_rate (0.01: at most 1 % fail),
    availability (0.999: at least 99.9 % succeed) and throughput (executions a minute). target (default: 0.99)
    is the part of the executions within latency_ms, or of the minutes with the throughput; window_d (default:
    30) the days over which the error budget is counted. How fast it burns decides what is done first."""
    project: Project = Project()
    store: Store = Store()
    retention: Retention = Retention()
    log: Log = Log()
    metrics: Metrics = Metrics()
    alerts: dict[Text, AlertRoute] = {}
    """Receivers of alerts, by name. Each has one of webhook (a URL), apprise (a URL of apprise) and command
    (a list, without a shell; the alert is its standard input, as JSON); a URL may be @ and the path of a file
    that holds it. min_severity (default: low) and on (a list of open, escalate, resolve; default: all) say
    what is sent; quiet ("22:00-07:00", in ingest.timezone) holds back what is below quiet_below (default:
    critical) until it ends; digest ("08:00") sends once a day what is open."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments only: pydantic-settings would ignore unknown variables without a word."""
        return (init_settings,)


def section_fields(name: str) -> Mapping[str, FieldInfo] | None:
    """The fields of a section, or None where `name` is a setting of its own (`expected_ms`)."""
    section = Settings.model_fields[name].annotation
    return section.model_fields if isinstance(section, type) and issubclass(section, Section) else None


def _known_keys() -> dict[str, FieldInfo]:
    keys: dict[str, FieldInfo] = {}
    for name, field in Settings.model_fields.items():
        inner = section_fields(name)
        keys |= {name: field} if inner is None else {f"{name}.{key}": info for key, info in inner.items()}
    return keys


KEYS: Final[Mapping[str, FieldInfo]] = _known_keys()
"""Every setting by its dotted key, in the order of the file."""
