"""How well messages of many kinds of logs are grouped by template, with one setting for all of them.

    python -m tests.benchmarks.quality.loghub DATA OUT.csv

DATA is a folder with lines.jsonl.gz (a line an object with `dataset`, `line` and `message`). OUT.csv gets the
group of each line as it is after the last line of its log, and the template that people are shown for it.
Each log is read once, in order, as a stream would be.
"""

from __future__ import annotations

import csv
import gzip
import sys
from collections import defaultdict
from pathlib import Path

import msgspec

from handlers.templates import Grouping, masked


class Line(msgspec.Struct):
    dataset: str
    line: int
    message: str


def main(data: Path, out: Path) -> None:
    logs: dict[str, list[Line]] = defaultdict(list)
    with gzip.open(data / "lines.jsonl.gz") as file:
        for line in msgspec.json.Decoder(Line).decode_lines(file.read()):
            logs[line.dataset].append(line)
    with out.open("w", newline="", encoding="utf-8") as file_out:
        writer = csv.writer(file_out)
        writer.writerow(("dataset", "line", "group", "template"))
        for name, lines in logs.items():
            grouping = Grouping()
            first_names = [grouping.group(masked(line.message)) for line in lines]
            for line, first_name in zip(lines, first_names, strict=True):
                group = grouping.group(first_name)
                writer.writerow((name, line.line, group, grouping.widest(group)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
