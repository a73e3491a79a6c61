"""Severity in the end: what the figures say, whom it reaches, and what the operator says of it."""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final, TypeVar

from msgspec.structs import replace

from handlers.model import SEVERITIES, Anomaly, Severity

FEW_SAMPLES: Final = 10
"""Fewer executions or runs make it one step milder."""
MANY_SEQUENCES: Final = 5
"""So many sequences, if they are most of those that run, make it one step graver."""
_COUNTED: Final = {"ms": "executions", "errors/execution": "executions", "runs/run": "runs"}
"""What the samples are, by unit; of other verdicts few of them are no weakness."""

A = TypeVar("A", bound=Anomaly)


def with_reach(anomaly: A, sequences: int, severity_of: Mapping[str, Severity]) -> A:
    """The anomaly with the severity that it has in the end, and the reason for it.

    `sequences`: how many run. `severity_of`: the operator's word, by glob on an event, "Plugin.handler" or
    "sequence/event"; the first one that matches decides.
    """
    names = (
        f"{anomaly.sequence}/{anomaly.event}",
        anomaly.event,
        f"{anomaly.plugin}.{anomaly.handler}",
        anomaly.handler,
    )
    for pattern, severity in severity_of.items():
        if any(name and fnmatchcase(name, pattern) for name in names):
            return replace(
                anomaly, severity=severity, severity_reason=f"{severity} by detect.severity_of: {pattern}"
            )
    affected = len(anomaly.affected)
    if affected >= MANY_SEQUENCES and 2 * affected > sequences:
        return _moved(anomaly, 1, f"one step graver: {affected} of {sequences} sequences suffer")
    noun = _COUNTED.get(anomaly.unit)
    if noun is not None and anomaly.samples < FEW_SAMPLES:
        return _moved(anomaly, -1, f"one step milder: only {anomaly.samples} {noun}")
    return anomaly


def _moved(anomaly: A, steps: int, why: str) -> A:
    place = SEVERITIES.index(anomaly.severity) + steps
    if not 0 <= place < len(SEVERITIES):
        return anomaly
    return replace(anomaly, severity=SEVERITIES[place], severity_reason=f"{anomaly.severity_reason}; {why}")
