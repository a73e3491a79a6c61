"""What a line of named fields says: JSON lines, logfmt and formats that operators declare share it.

A line with a duration is a completed beat; with an error a failed one; with neither a started one. A field
`kind` (or an `event` that is such a word itself) says it outright: "beat-started", "sequence-completed", ...
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from itertools import accumulate
from typing import Any, Final

import msgspec

from handlers.formats.duration_text import duration_of_text
from handlers.formats.error_text import own_frame, split_error
from handlers.model import ErrorText, EventKind, ParserState, Subject, TelemetryEvents

_SUBJECTS: Final = {"beat": "beat", "handler": "beat", "sequence": "run", "run": "run"}
_ENDINGS: Final = {
    "started": "started",
    "start": "started",
    "completed": "completed",
    "complete": "completed",
    "finished": "completed",
    "failed": "failed",
    "error": "failed",
}
_MAX_NAME_CHARS: Final = 300
MAX_UNTOLD: Final = 1_000
"""Names remembered that tell of nothing: some programs write messages as `event`, another in each line."""


class Fields(msgspec.Struct, gc=False):
    """The values of one line, as they were written."""

    timestamp: str | float | None = None
    event: Any = None
    handler: Any = None
    sequence: Any = None
    beat: Any = None
    request_id: Any = None
    duration: Any = None
    error: Any = None
    kind: Any = None


Names = tuple[str | None, str | None, str | None, str | None, int | None]
"""kind, event, handler, sequence and beat: what lines of one sort have in common."""


SubjectOf = Callable[..., Subject | None]
"""From kind, event, handler, sequence and beat as texts, "" where a line does not have them, and whether it
has a duration (`has_duration`)."""


class _Subjects(dict[Names, Subject | None]):
    """What lines with these names are about, found out once; None: neither beat nor run."""

    def __init__(self, implied: EventKind | None) -> None:
        """`implied`: the kind of a line that does not say it outright."""
        super().__init__()
        self._implied = implied

    def __missing__(self, names: Names) -> Subject | None:
        subject = _subject(names, self._implied)
        if subject is not None or len(self) < MAX_UNTOLD:
            self[names] = subject
        return subject


class _Told(dict[Names, Subject]):
    """Those of `subjects` that are no error; KeyError for the others."""

    def __init__(self, subjects: _Subjects) -> None:
        super().__init__()
        self._subjects = subjects

    def __missing__(self, names: Names) -> Subject:
        subject = self._subjects[names]
        if subject is None or subject.kind == "error":
            raise KeyError(names)
        self[names] = subject
        return subject


class FieldsReader:
    """Takes lines of named fields and makes events of them. Every line stands alone: nothing waits."""

    def __init__(self, source: int, state: ParserState, to_ms: float) -> None:
        """`to_ms`: milliseconds in one unit of `duration`."""
        self.events = TelemetryEvents(source)
        self.state = state
        self.matched = self.unreadable = 0
        self._to_ms = to_ms
        self._failed = _Subjects("error")
        self._completed = _Subjects("beat-completed")
        self._told = _Told(self._completed)
        self._started = _Subjects("beat-started")
        self._untold = _Subjects(None)

    def close(self) -> None:
        """Nothing waits."""

    def take(self, fields: Fields, offset: int) -> None:
        """Takes one line of any sort."""
        if fields.error not in (None, False, "", {}, []):
            subjects = self._failed
        elif fields.duration is not None:
            subjects = self._completed
        elif fields.handler is not None or fields.beat is not None or fields.sequence is not None:
            subjects = self._started
        else:
            subjects = self._untold
        subject = subjects[
            _name(fields.kind),
            _name(fields.event),
            _name(fields.handler),
            _name(fields.sequence),
            _beat(fields.beat),
        ]
        if subject is None:
            self.unreadable += 1
            return
        self.matched += 1
        time, run = fields.timestamp, _name(fields.request_id)
        duration_ms = _duration(fields.duration, self._to_ms)
        if subject.kind != "error":
            self.events.add(subject, offset, time, run, duration_ms)
            return
        error = ErrorText(*described_error(fields.error))
        failed = msgspec.structs.replace(subject, failed=True)
        self.events.add(failed, offset, time, run, duration_ms, error)
        completed = msgspec.structs.replace(failed, kind="beat-completed")
        self.events.add(completed, offset, time, run, duration_ms)

    def take_completed(
        self,
        names: Iterable[Names],
        times: Sequence[str | float | None],
        runs: Sequence[str],
        durations: Sequence[float],
        offsets: Sequence[int],
    ) -> bool:
        """Takes lines that have a duration and no error, in columns: several times faster than one by one.

        `durations` are finite and at least 0, `runs` "" where a line has none. False: nothing was taken,
        since some line is of another sort.
        """
        try:
            subjects = [*map(self._told.__getitem__, names)]
        except KeyError:
            return False
        to_ms = self._to_ms
        self.matched += len(subjects)
        events = self.events
        events.subjects += subjects
        events.offsets += offsets
        events.times += times
        events.runs += runs
        events.durations_ms += durations if to_ms == 1.0 else [value * to_ms for value in durations]
        return True

    def subject_of(self) -> SubjectOf:
        """Finds what a line without an error is about. It holds no reader: a cycle would keep all events."""
        return partial(_subject_of, self._completed, self._started, self._untold)


def _subject_of(
    completed: _Subjects, started: _Subjects, untold: _Subjects, names: Sequence[str], *, has_duration: bool
) -> Subject | None:
    kind, event, handler, sequence, beat = names
    subjects = completed if has_duration else started if handler or beat or sequence else untold
    return subjects[kind, event, handler, sequence, _beat(beat)]


def line_offsets(data: bytes, offset: int) -> list[int]:
    """Where each line of `data` begins, and where the last one ends; `data` begins at `offset`."""
    return [*accumulate(map(len, io.BytesIO(data).readlines()), initial=offset)]


def _subject(names: Names, implied: EventKind | None) -> Subject | None:
    told, event, handler, sequence, beat = (
        *(_name(name) for name in names[:4]),
        names[4] or 0,
    )
    kind = _kind(told)
    if kind is None and (kind := _kind(event)) is not None:
        event = handler
    kind = kind or implied
    if kind is None or not (event or handler or kind.startswith("run")):
        return None
    plugin, _, handler = handler.rpartition(".")
    return Subject(kind, sequence, event=event or handler, plugin=plugin, handler=handler, beat=beat)


def _name(value: object) -> str:
    return "" if value is None or isinstance(value, bool) else str(value)[:_MAX_NAME_CHARS]


def _kind(word: str) -> EventKind | None:
    if word.lower() == "error":
        return "error"
    subject, _, ending = word.lower().replace("_", "-").replace(":", "-").replace(".", "-").rpartition("-")
    what, how = _SUBJECTS.get(subject), _ENDINGS.get(ending)
    if what is None or how is None:
        return None
    if what == "beat" and how == "failed":
        return "error"
    kind: EventKind = msgspec.convert(f"{what}-{how}", EventKind)
    return kind


def _beat(value: object) -> int:
    try:
        return int(str(value))
    except ValueError:
        return 0


def _duration(value: object, to_ms: float) -> float | None:
    """Milliseconds; None for what is no finite number of at least 0, nor such a text with its unit."""
    try:
        duration_ms = float(str(value)) * to_ms
    except ValueError:
        return duration_of_text(str(value))
    return duration_ms if 0 <= duration_ms < float("inf") else None


def described_error(value: object) -> tuple[str, str, str]:
    """(type, message, own frame) of an error written as text or as an object."""
    if isinstance(value, dict):
        text = _name(value.get("message"))
        kind = _name(value.get("type") or value.get("name"))
        stack = str(value.get("stack") or value.get("stacktrace") or "")
        frames = [line for line in stack.splitlines() if line.strip().startswith(("at ", "File "))]
        if stack.startswith("Traceback"):
            frames.reverse()  # Python prints the innermost frame last
        if kind:
            return kind, text, own_frame(frames)
        return (*split_error(text), own_frame(frames))
    return (*split_error(_name(value)), "")
