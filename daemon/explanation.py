"""Why an incident was told, and what would have to differ for it not to be."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from config.limits import LimitsOf, OfSource, limits_for, limits_of_all, matches, subject_names
from config.load import LoadedSettings
from config.settings import Detect
from handlers.anomaly.case import Case, replayed
from handlers.anomaly.counterfactual import MilderFigure, Turn, milder_figure, settings_of, turns
from handlers.model import AnyAnomaly, PerformanceAnomaly

ToldBy = Mapping[str, frozenset[str]]
"""The fullest names of subjects, by the path of the log that tells of them."""


class SettingUsed(msgspec.Struct, frozen=True):
    """A setting that took part in a verdict."""

    key: str
    then: float | None
    """When it was told; None if that is not kept."""
    now: float | None
    """None: it is not given any more."""
    origin: str
    """Where it is set now: "default", file and line, or the variable."""


class Explanation(msgspec.Struct, frozen=True):
    turns: tuple[Turn, ...]
    """Settings each of which would have silenced it alone."""
    milder: MilderFigure | None
    settings: tuple[SettingUsed, ...]
    told_ms: int
    """Event time of the verdict that is taken apart: it was seen until then."""
    cannot: str
    """Why there is nothing of what would have to differ; "" if there is."""


def unexplained(anomaly: AnyAnomaly, loaded: LoadedSettings, told_by: ToldBy, cannot: str) -> Explanation:
    """What is known without a case. `cannot`: why there is none."""
    return Explanation((), None, settings_used(anomaly, loaded, told_by), anomaly.last_seen_ms, cannot)


def explanation_of(case: Case, loaded: LoadedSettings, told_by: ToldBy) -> Explanation:
    """Takes a verdict apart, by making it again with other settings. `told_by`: as it is now."""
    cannot = ""
    if replayed(case) != case.anomaly:
        cannot = f"selfheald judges it otherwise now; selfheald replay {case.anomaly.id} says in what"
    return Explanation(
        turns=turns(case) if not cannot else (),
        milder=milder_figure(case) if not cannot else None,
        settings=settings_used(case.anomaly, loaded, told_by, case),
        told_ms=case.anomaly.last_seen_ms,
        cannot=cannot,
    )


def settings_used(
    anomaly: AnyAnomaly, loaded: LoadedSettings, told_by: ToldBy, case: Case | None = None
) -> tuple[SettingUsed, ...]:
    """The figures by which such an anomaly is judged, then (of `case`) and now."""
    names = subject_names(anomaly.sequence, anomaly.event, anomaly.plugin, anomaly.handler)
    now = loaded.settings
    limits_now = limits_of_all(now.detect_of, now.detect_of_source, told_by)
    then = limits_of_all(case.detect_of, case.detect_of_source, case.told_by) if case else {}
    used = [
        SettingUsed(
            f"detect.{key}",
            _value(key, case.limits, then, names) if case else None,
            _value(key, now.detect, limits_now, names),
            _origin(key, limits_now, names, loaded.origins),
        )
        for key in settings_of(anomaly)
    ]
    if isinstance(anomaly, PerformanceAnomaly) and anomaly.expected_from == "settings":
        figures = case.expected_ms if case else {}
        glob = next((each for each in (*figures, *now.expected_ms) if matches(names, each)), "")
        where = loaded.origins["expected_ms"] if glob in now.expected_ms else "not set any more"
        used.append(SettingUsed(f"expected_ms.{glob}", figures.get(glob), now.expected_ms.get(glob), where))
    return tuple(used)


def _value(key: str, detect: Detect, limits_of: LimitsOf, names: tuple[str, ...]) -> float:
    value: float = getattr(limits_for(detect, limits_of, names), key)
    return value


def _origin(key: str, limits_of: LimitsOf, names: tuple[str, ...], origins: Mapping[str, str]) -> str:
    """Of the glob that gives it, if one does."""
    for subjects, given in limits_of.items():
        if key in given.model_fields_set and matches(names, subjects):
            if isinstance(subjects, OfSource):
                return f"{origins['detect_of_source']}, detect_of_source {subjects.glob}"
            return f"{origins['detect_of']}, detect_of {subjects}"
    return origins[f"detect.{key}"]
