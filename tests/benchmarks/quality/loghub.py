"""Groups the messages of labelled public logs by template.

    python -m tests.benchmarks.quality.loghub DATA OUT.csv
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
    sets: dict[str, list[Line]] = defaultdict(list)
    with gzip.open(data / "lines.jsonl.gz") as lines:
        for line in msgspec.json.Decoder(Line).decode_lines(lines.read()):
            sets[line.dataset].append(line)
    with out.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("dataset", "line", "group", "template"))
        for name, messages in sets.items():
            grouping = Grouping()
            groups = [grouping.group(masked(line.message)) for line in messages]
            for line, named in zip(messages, groups, strict=True):
                group = grouping.group(named)
                writer.writerow((name, line.line, group, grouping.widest(group)))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
