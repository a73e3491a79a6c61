"""What the commands print with `--format json`. Times are there twice: in epoch ms and in ISO 8601, UTC."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import msgspec

from daemon.evidence import EvidenceLine, lines_in_files
from daemon.incident import Incident
from handlers.model import AnyAnomaly, AssessedDiagnosis, FixRecommendation

if TYPE_CHECKING:
    from config.load import Change
    from daemon.backtest import Backtest
    from daemon.compare import Comparison  # slow to import, and only one command has it

Json = dict[str, Any]

_TIMES: Final = frozenset(
    {
        "at_ms",
        "first_seen_ms",
        "from_ms",
        "judged_until_ms",
        "last_seen_ms",
        "resolved_ms",
        "until_ms",
        "watermark_ms",
    }
)


def document(value: object) -> str:
    """The value, made of records, lists and dicts, as a JSON text.

    All that is not ASCII is escaped: what a log holds must not steer the terminal, nor depend on its charset.
    """
    return json.dumps(_with_iso(msgspec.to_builtins(value)), indent=2, allow_nan=False) + "\n"


def anomaly_json(anomaly: AnyAnomaly, lines: Iterable[EvidenceLine]) -> Json:
    """An anomaly, flat, with "lines" in place of the origins, which mean nothing outside of the store."""
    fields: Json = msgspec.to_builtins(anomaly)
    del fields["origins"]
    return {**fields, "lines": [_place(line) for line in lines]}


def incident_json(incident: Incident) -> Json:
    """An incident: its anomaly, flat, with its life."""
    fields: Json = msgspec.to_builtins(incident.anomaly)
    del fields["origins"]
    life: Json = msgspec.to_builtins(incident)
    del life["anomaly"], life["confirmed_ms"], life["settled_ms"]  # for the daemon's own use
    return {**fields, **life}


def recommendation_json(recommendation: FixRecommendation) -> Json:
    """A recommendation with its diagnosis; the anomaly is told by its id alone."""
    return {**advice_json(recommendation), **assessed_json(recommendation.assessed)}


def advice_json(recommendation: FixRecommendation) -> Json:
    """What to do, without the diagnosis that it follows from."""
    fields: Json = msgspec.to_builtins(recommendation)
    del fields["assessed"]
    return fields


def assessed_json(assessed: AssessedDiagnosis) -> Json:
    """A diagnosis and its impact, without the anomaly."""
    fields: Json = msgspec.to_builtins(assessed)
    del fields["diagnosis"]["anomaly"], fields["severity"]
    return fields


def comparison_json(comparison: Comparison) -> Json:
    """A comparison; what an anomaly's origins point to is told by path."""
    return {
        "anomalies": [
            anomaly_json(each, lines_in_files(each.origins, comparison.files, redact=True))
            for each in comparison.anomalies
        ],
        "recommendations": [recommendation_json(each) for each in comparison.recommendations],
        "baseline": comparison.baseline,
        "current": comparison.current,
        "problems": comparison.problems,
        "not_exercised": comparison.not_exercised,
        "too_few_samples": [{"sequence": sequence, "event": event} for sequence, event in comparison.too_few],
        "slower": comparison.slower,
    }


def backtest_json(changes: Iterable[Change], found: Backtest | None) -> Json:
    """What other settings would have made of the stored history; nothing, where none of them differs."""
    fields: Json = {"changes": [{"key": each.key, "old": each.old, "new": each.new} for each in changes]}
    if found is None:
        return {**fields, "appear": [], "vanish": [], "regraded": []}
    return {
        **fields,
        "from_ms": found.from_ms,
        "until_ms": found.until_ms,
        "before": len(found.before),
        "after": len(found.after),
        "appear": [incident_json(each) for each in found.appear],
        "vanish": [incident_json(each) for each in found.vanish],
        "regraded": [{**incident_json(new), "was": old.worst} for old, new in found.regraded],
    }


def _place(line: EvidenceLine) -> Json:
    return {"path": line.path, "offset": line.offset, "at_ms": line.at_ms}


def _with_iso(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_with_iso(item) for item in value]
    if not isinstance(value, dict):
        return value
    fields: Json = {}
    for name, item in value.items():
        fields[name] = _with_iso(item)
        if name in _TIMES:
            fields[name.removesuffix("_ms")] = _iso(item)
    return fields


def _iso(at_ms: int | None) -> str | None:
    if not at_ms:
        return None
    at = datetime.fromtimestamp(at_ms / 1000, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
