"""What is known of the real logs in tests/data, and how tests look at what is found in them."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from config.settings import Project, Settings
from daemon.compare import Comparison
from handlers.model import (
    AnyAnomaly,
    BehavioralAnomaly,
)

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
