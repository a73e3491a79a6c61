"""Scores the series of the Numenta Anomaly Benchmark with the product's streaming detector.

    python -m tests.benchmarks.quality.nab DATA OUT

DATA holds series.csv.gz (series,timestamp,value; a series in order of time). For each series OUT/<series>
gets a header and the lines timestamp,value,anomaly_score in the same order. Each point is judged when it
comes, with one set of parameters for all series; labels are not read. An alarm is a score of at least 0.5.

Lavin, Ahmad: "Evaluating Real-time Anomaly Detection Algorithms: the Numenta Anomaly Benchmark", ICMLA 2015.
"""

from __future__ import annotations

import csv
import gzip
import sys
from datetime import UTC, datetime
from pathlib import Path

from handlers.anomaly.streaming import DetectorState, update


def main(data: Path, out: Path) -> None:
    """Reads the series of `data` and writes the scores below `out`."""
    states: dict[str, DetectorState] = {}
    lines: dict[str, list[str]] = {}
    with gzip.open(data / "series.csv.gz", "rt", newline="") as file:
        for row in csv.DictReader(file):
            name, timestamp, value = row["series"], row["timestamp"], row["value"]
            at_ms = round(datetime.fromisoformat(timestamp).replace(tzinfo=UTC).timestamp() * 1000)
            score = update(states.setdefault(name, DetectorState()), at_ms, float(value)).score
            lines.setdefault(name, ["timestamp,value,anomaly_score\n"]).append(
                f"{timestamp},{value},{score!r}\n"
            )
    for name, scored in lines.items():
        path = out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(scored), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit("usage: python -m tests.benchmarks.quality.nab DATA OUT")
    main(Path(sys.argv[1]), Path(sys.argv[2]))
