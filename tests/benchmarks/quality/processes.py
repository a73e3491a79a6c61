"""Labelled event logs of random processes: what the sequence model is measured on.

A process is a random block structure (sequence, choice, loop, parallel); its choices have the uneven
probabilities of half-normal draws. Anomalous cases are made from normal ones by the five kinds of Nolle et
al. (BINet, Information Systems 2019): skip, insert, rework, early, late.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Final

Path = tuple[str, ...]
Case = tuple[Path, bool]
"""(events in order, is anomalous)."""
Block = Callable[[random.Random, dict[int, int]], list[str]]
"""Plays one normal run; the memory holds what earlier choices were, for those that depend on them."""

SIZES: Final = {
    "tiny": (6, 0.35),
    "small": (20, 0.35),
    "medium": (32, 0.35),
    "large": (42, 0.3),
    "huge": (54, 0.35),
    "gigantic": (150, 0.4),
    "wide": (56, 0.65),
}
"""Number of activities and share of choices among the blocks."""


class Process:
    """A random process with about `activities` activities."""

    def __init__(
        self,
        rng: random.Random,
        activities: int,
        choices: float,
        *,
        loops: float = 0.0,
        parallel: float = 0.0,
        dependent: float = 0.5,
    ) -> None:
        self._rng = rng
        self._shares = (choices, loops, parallel)
        self._dependent = dependent
        self._named = 0
        self._choices = 0
        self._root = self._block(activities)

    def play(self, rng: random.Random) -> Path:
        """The events of one normal run, at least two."""
        while True:
            events = self._root(rng, {})
            if len(events) >= 2:
                return tuple(events)

    def _block(self, activities: int, nested: str = "") -> Block:
        if activities <= 1:
            return self._activity()
        rng = self._rng
        choices, loops, parallel = self._shares
        drawn = rng.random()
        if drawn < choices and nested != "choice":
            return self._choice(activities)
        if drawn < choices + loops and activities <= 4 and nested != "loop":
            body = self._block(activities, "loop")
            again = rng.uniform(0.05, 0.4)

            def loop(rng: random.Random, seen: dict[int, int]) -> list[str]:
                events = body(rng, seen)
                while rng.random() < again:
                    events += body(rng, seen)
                return events

            return loop
        if drawn < choices + loops + parallel and 2 <= activities <= 6 and nested != "parallel":
            branches = self._split(activities, 2, "parallel")
            return lambda rng, seen: interleaved(rng, [branch(rng, seen) for branch in branches])
        parts = self._split(activities, min(activities, rng.randint(2, 4)), "sequence")
        return lambda rng, seen: [event for part in parts for event in part(rng, seen)]

    def _activity(self) -> Block:
        name = f"A{self._named}"
        self._named += 1
        return lambda _rng, _seen: [name]

    def _choice(self, activities: int) -> Block:
        rng = self._rng
        branches = self._split(activities, min(activities, rng.randint(2, 4)), "choice")
        if rng.random() < 0.3:
            branches.append(lambda _rng, _seen: [])
        self._choices += 1
        number = self._choices
        depends_on = rng.randint(1, number - 1) if number > 1 and rng.random() < self._dependent else 0
        weights = [uneven(rng, len(branches)) for _ in range(4)]

        def choice(rng: random.Random, seen: dict[int, int]) -> list[str]:
            taken = rng.choices(branches, weights[seen.get(depends_on, 0) % 4])[0]
            seen[number] = branches.index(taken)
            return taken(rng, seen)

        return choice

    def _split(self, activities: int, into: int, nested: str) -> list[Block]:
        cuts = sorted(self._rng.sample(range(1, activities), into - 1))
        return [self._block(b - a, nested) for a, b in zip([0, *cuts], [*cuts, activities], strict=True)]


def uneven(rng: random.Random, count: int) -> list[float]:
    """Probabilities from half-normal draws, rounded to 1 %: some branches are rare, a few never taken."""
    drawn = [abs(rng.gauss(0, 1)) for _ in range(count)]
    return [max(round(each / sum(drawn), 2), 0.0) for each in drawn]


def interleaved(rng: random.Random, branches: Sequence[list[str]]) -> list[str]:
    """One random interleaving that keeps the order within each branch."""
    turns = [index for index, branch in enumerate(branches) for _ in branch]
    rng.shuffle(turns)
    parts = [iter(branch) for branch in branches]
    return [next(parts[turn]) for turn in turns]


def corrupted(rng: random.Random, path: Path, vocabulary: Sequence[str]) -> Path:
    """`path` with one anomaly of a random kind; inserted events are drawn from `vocabulary`."""
    return rng.choice((_skip, _insert, _rework, _early, _late))(rng, path, vocabulary)


def _skip(rng: random.Random, path: Path, _vocabulary: Sequence[str]) -> Path:
    size = rng.randint(1, min(2, len(path) - 1))
    start = rng.randrange(len(path) - size + 1)
    return path[:start] + path[start + size :]


def _insert(rng: random.Random, path: Path, vocabulary: Sequence[str]) -> Path:
    events = list(path)
    for _ in range(rng.randint(1, 2)):
        events.insert(rng.randint(0, len(events)), rng.choice(vocabulary))
    return tuple(events)


def _rework(rng: random.Random, path: Path, _vocabulary: Sequence[str]) -> Path:
    size = rng.randint(1, min(3, len(path)))
    start = rng.randrange(len(path) - size + 1)
    place = start + size + rng.randint(0, min(5, len(path) - start - size))
    return path[:place] + path[start : start + size] + path[place:]


def _early(rng: random.Random, path: Path, _vocabulary: Sequence[str]) -> Path:
    size = rng.randint(1, min(2, len(path) - 1))
    distance = rng.randint(1, min(5, len(path) - size))
    start = rng.randint(distance, len(path) - size)
    place = start - distance
    return path[:place] + path[start : start + size] + path[place:start] + path[start + size :]


def _late(rng: random.Random, path: Path, _vocabulary: Sequence[str]) -> Path:
    reverse = _early(rng, path[::-1], _vocabulary)
    return reverse[::-1]


def process_log(
    seed: int,
    size: str,
    *,
    cases: int = 5000,
    anomalous: float = 0.3,
    loops: float = 0.0,
    parallel: float = 0.0,
    known_inserts: bool = False,
) -> tuple[list[Case], Callable[[random.Random], Path]]:
    """A labelled log of one random process and the process itself.

    Inserted events are unknown to the process ("random activity 7"), or of it with `known_inserts`.
    """
    rng = random.Random(f"{size}-{seed}")
    activities, choices = SIZES[size]
    process = Process(rng, activities, choices, loops=loops, parallel=parallel)
    names = [f"A{n}" for n in range(activities)] if known_inserts else [f"R{n}" for n in range(activities)]
    log: list[Case] = []
    for _ in range(cases):
        path = process.play(rng)
        is_anomalous = rng.random() < anomalous
        log.append((corrupted(rng, path, names) if is_anomalous else path, is_anomalous))
    return log, process.play
