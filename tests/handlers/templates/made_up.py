"""Made-up logs whose grouping is known: each line is printed by one statement, with values drawn at random.

`statements/*.tsv` hold the weight and the text of each statement, written after how schedulers, kernels,
clouds, phones, databases and desktops log. `values.tsv` holds for each placeholder what may stand there: `|`
between alternatives, `#` for a digit, `?` for a hexadecimal one.
"""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Final

_HERE: Final = Path(__file__).parent


def _rows(file: Path) -> list[tuple[str, str]]:
    rows = (line.partition("\t") for line in file.read_text("utf-8").splitlines())
    return [(first, second) for first, _, second in rows]


LOGS: Final = {file.stem: _rows(file) for file in sorted((_HERE / "statements").glob("*.tsv"))}
VALUES: Final = {name: values.split("|") for name, values in _rows(_HERE / "values.tsv")}


def drawn(name: str, lines: int, seed: int) -> list[tuple[int, str]]:
    """Lines of one made-up log as (number of the statement, message)."""
    rng = random.Random(seed)

    def value(placeholder: re.Match[str]) -> str:
        form = rng.choice(VALUES[placeholder[1]])
        form = re.sub("[?]", lambda _: rng.choice("0123456789abcdef"), form)
        return re.sub("#", lambda _: str(rng.randrange(10)), form)

    statements = LOGS[name]
    numbers = rng.choices(range(len(statements)), [int(weight) for weight, _ in statements], k=lines)
    return [(number, re.sub(r"\{(\w+)\}", value, statements[number][1])) for number in numbers]


def grouping_accuracy(truth: Sequence[object], groups: Sequence[object]) -> float:
    """Share of the lines whose group has exactly the lines of their true group (Zhu et al., ICSE 2019)."""
    true_lines: dict[object, set[int]] = defaultdict(set)
    lines: dict[object, set[int]] = defaultdict(set)
    for line, (true, group) in enumerate(zip(truth, groups, strict=True)):
        true_lines[true].add(line)
        lines[group].add(line)
    return sum(len(group) for group in lines.values() if group in true_lines.values()) / len(truth)
