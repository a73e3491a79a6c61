"""The open runs of one stream while a batch is counted."""

from __future__ import annotations

import msgspec

from handlers.model import NormalizedEvents, OpenRun


class StreamRuns:
    """Changes copies: the runs that it is given stay as they are, since others hold them."""

    __slots__ = ("_own", "is_new", "runs", "watermark_ms")

    def __init__(self, runs: dict[str, OpenRun], watermark_ms: int) -> None:
        self.runs = runs
        self._own: set[str] = set()
        """Keys of the runs that are no one else's."""
        self.watermark_ms = watermark_ms
        self.is_new = True
        """It begins with the current event."""

    def open(self, key: str, run: OpenRun) -> OpenRun:
        """Adds a run."""
        self.runs[key] = run
        self._own.add(key)
        return run

    def to_change(self, key: str) -> OpenRun | None:
        """The open run of this key: a copy, made once, of one that others hold."""
        run = self.runs.get(key)
        if run is None or key in self._own:
            return run
        return self.open(key, msgspec.structs.replace(run, path=[*run.path], open=[*run.open]))


def run_key(events: NormalizedEvents, index: int) -> str:
    """Sequences that share a request id, as one that plays another does, are runs of their own."""
    return f"{events.subjects[index].sequence}\t{events.runs[index]}"


def ending_key(events: NormalizedEvents, index: int, stream: StreamRuns) -> str:
    """An end that names no sequence is that of the run last opened under its request id."""
    if events.subjects[index].sequence:
        return run_key(events, index)
    of_request = (key for key in reversed(stream.runs) if key.endswith(f"\t{events.runs[index]}"))
    return next(of_request, "")
