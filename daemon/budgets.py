"""How the objectives that are declared for the subject of an anomaly are kept, counted from the store."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from config.limits import matches
from config.objective import Objective
from daemon.subjects import Subject
from daemon.tiers import DAY_MS, Tiers
from handlers.model import AnyAnomaly, BeatStats, BehavioralAnomaly, Budget, RunStats
from handlers.objectives import MINUTE_MS, budget_of

_KEPT_MS: Final = 5 * MINUTE_MS
"""A budget is counted anew after so much event time: it takes a look at each window of a day."""


class BudgetReader:
    def __init__(self, tiers: Tiers, objectives: Mapping[str, Objective]) -> None:
        self._tiers = tiers
        self._objectives = objectives
        self._known: dict[tuple[str, Subject], tuple[int, Budget]] = {}

    def load(self, anomaly: AnyAnomaly, now_ms: int) -> tuple[Budget, ...]:
        """In the order of the settings. Call inside of a transaction or snapshot."""
        return tuple(
            self._budget(name, objective, subject, now_ms)
            for name, objective in self._objectives.items()
            for subject in _subjects(anomaly, objective.match)
        )

    def _budget(self, name: str, objective: Objective, subject: Subject, now_ms: int) -> Budget:
        part = now_ms // _KEPT_MS
        known = self._known.get((name, subject))
        if known and known[0] == part:
            return known[1]
        # A minute that has not ended yet has too few executions for a throughput.
        until_ms = now_ms - now_ms % MINUTE_MS + (0 if objective.throughput else MINUTE_MS)
        since_ms = until_ms - round(objective.window_d * DAY_MS)
        if objective.throughput:  # hours and days do not tell how busy each minute was
            since_ms = max(since_ms, self._tiers.oldest_windows_ms(0))
        history = self._tiers.history(subject, since_ms, until_ms, MINUTE_MS)
        counted = {at: each for at, each in history.items() if isinstance(each, BeatStats | RunStats)}
        budget = budget_of(name, objective, counted, MINUTE_MS, until_ms)
        self._known[name, subject] = part, budget
        return budget


def _subjects(anomaly: AnyAnomaly, glob: str) -> Iterator[Subject]:
    """The beat if the glob names it, else its sequence if the glob names that."""
    about = f"{anomaly.plugin}.{anomaly.handler}" if anomaly.plugin else anomaly.handler
    place = f"{anomaly.sequence}/{anomaly.event}" if anomaly.sequence else anomaly.event
    names = [each for each in (place, anomaly.event, about, anomaly.handler) if each]
    if anomaly.event and not isinstance(anomaly, BehavioralAnomaly) and matches(names, glob):
        yield "beat", (anomaly.sequence, anomaly.event)
    elif anomaly.sequence and matches([anomaly.sequence], glob):
        yield "run", (anomaly.sequence,)
