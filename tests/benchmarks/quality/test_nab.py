"""The runner of the anomaly benchmark: a row for each row, in the same order, judged by the detector."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

from tests.benchmarks.quality.nab import main


def run(folder: Path, rows: list[tuple[str, str, str]]) -> dict[str, list[dict[str, str]]]:
    folder.mkdir()
    with gzip.open(folder / "series.csv.gz", "wt", newline="") as file:
        csv.writer(file).writerows([("series", "timestamp", "value"), *rows])
    main(folder, folder / "out")
    files = sorted(path for path in (folder / "out").rglob("*") if path.is_file())
    return {
        path.relative_to(folder / "out").as_posix(): list(
            csv.DictReader(path.read_text(encoding="utf-8").splitlines())
        )
        for path in files
    }


def rows_of(name: str, values: list[float]) -> list[tuple[str, str, str]]:
    return [
        (name, f"2014-04-{1 + i // 288:02} {i // 12 % 24:02}:{i % 12 * 5:02}:00", str(value))
        for i, value in enumerate(values)
    ]


def test_each_row_gets_a_score_and_series_do_not_mix(tmp_path: Path) -> None:
    calm = rows_of("real/calm.csv", [20.0 + i % 7 for i in range(400)])
    jump = rows_of("real/jump.csv", [20.0 + i % 7 + (100 if i > 350 else 0) for i in range(400)])
    mixed = run(tmp_path / "mixed", [row for pair in zip(calm, jump, strict=True) for row in pair])
    assert mixed == run(tmp_path / "apart", jump + calm)
    assert list(mixed) == ["real/calm.csv", "real/jump.csv"]
    assert [(line["timestamp"], line["value"]) for line in mixed["real/calm.csv"]] == [
        row[1:] for row in calm
    ]
    told = {
        name: [i for i, line in enumerate(lines) if float(line["anomaly_score"]) >= 0.5]
        for name, lines in mixed.items()
    }
    assert told["real/calm.csv"] == []
    assert told["real/jump.csv"][0] == 351
