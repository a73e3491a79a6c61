"""What must hold for a log whatever is in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import anyio

from config.settings import Settings
from daemon.cli.text.page import Page
from daemon.cli.text.trial import say_trial
from daemon.trial import NotReadableError, try_log
from handlers.formats.registry import log_formats
from tests.handlers.formats.lines import JSON_LINES, MESSAGES, read
from tests.handlers.telemetry.builders import Logs, Play

SAMPLES: Final = Path(__file__).parents[1] / "samples"
SMALL_BATCH_BYTES: Final = 3000
FORMATS: Final = ("auto", *log_formats(Settings()))


def seeds() -> list[bytes]:
    return [
        *(path.read_bytes() for path in sorted(SAMPLES.glob("*/input.log"))),
        "\n".join(MESSAGES).encode(),
        "\n".join(JSON_LINES).encode(),
    ]


def counts_add_up(wanted: str) -> Callable[[bytes, Path], None]:
    """Each line counts once, each beat and error is in a window, and batches of any size give the same."""

    def check(data: bytes, folder: Path) -> None:
        data = data.removesuffix(b"\n") + b"\n"
        whole, parts = _play(data, wanted, len(data) + 1), _play(data, wanted, SMALL_BATCH_BYTES)
        assert whole.store.windows == parts.store.windows
        for play in (whole, parts):
            read_lines = [piece for commit in play.store.commits for piece in commit.consumed]
            lines = sum(piece.lines for piece in read_lines)
            assert lines in {0, data.count(b"\n")}
            assert 0 <= sum(piece.matched for piece in read_lines) <= lines
            assert 0 <= sum(piece.undecodable for piece in read_lines) <= lines
        if wanted != "auto":
            events = read(log_formats(Settings(), whole_runs=False)[wanted], data).events
            ahead = sum(commit.ahead for commit in whole.store.commits)
            windows = whole.store.windows.values()
            beats = sum(beat.completed for window in windows for beat in window.beats.values())
            errors = sum(error.count for window in windows for error in window.errors.values())
            kinds = [event.kind for event in events]
            told = kinds.count("beat-completed") + kinds.count("error")
            assert told - ahead <= beats + errors <= told

    return check


def _play(data: bytes, wanted: str, batch_bytes: int) -> Play:
    play = Play(Logs({"/logs/app.log": data}), batch_bytes=batch_bytes, wanted_format=wanted)
    anyio.run(play.to_end)
    return play


def trial_is_told(data: bytes, folder: Path) -> None:
    """`selfheald parse` says something of it, and its counts add up."""
    path = folder / "any.log"
    path.write_bytes(data)
    for wanted in FORMATS:
        try:
            with path.open("rb") as stream:
                trial = try_log(str(path), stream, Settings(), wanted, None)
        except NotReadableError:
            continue
        assert trial.matched + trial.unmatched == trial.lines
        assert sum(group.lines for group in trial.unmatched_lines) + trial.ungrouped == trial.unmatched
        page = Page()
        say_trial(page, trial)
        assert page.text().isprintable() or "\n" in page.text()
