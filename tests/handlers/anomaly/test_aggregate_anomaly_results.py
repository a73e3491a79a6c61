"""One list of all anomalies, one for each trouble, under ids that stay."""

from __future__ import annotations

import pytest

from config.settings import Detect
from handlers.anomaly.detect_error_patterns import detect_error_patterns
from handlers.anomaly.detect_performance_anomalies import detect_performance_anomalies
from handlers.anomaly.identity import anomaly_id, severity_of
from handlers.model import (
    AnyAnomaly,
    BeatKey,
    BeatStats,
    PerformanceAnomaly,
    Window,
)
from tests.handlers.anomaly.builders import BEAT, ERROR, aggregate, beat, durations, errors, learned, metrics

DETECT = Detect()
OTHER: BeatKey = ("wish-symphony", "cart:add")


def slow(beats: dict[BeatKey, BeatStats], start_ms: int = 0) -> tuple[PerformanceAnomaly, ...]:
    normal = {
        key: beat(durations(60, 20), plugin=now.plugin, handler=now.handler) for key, now in beats.items()
    }
    return detect_performance_anomalies(
        metrics(Window(start_ms, beats=beats)),
        baseline=learned(Window(0, beats=normal)),
        limits=Detect(),
        expected_ms={},
    ).anomalies


def joined(*anomalies: PerformanceAnomaly) -> tuple[AnyAnomaly, ...]:
    aggregated = aggregate(anomalies)
    assert aggregated.total_count == len(aggregated.all_anomalies)
    return aggregated.all_anomalies


def test_a_handler_that_is_slow_in_two_sequences_is_one_anomaly_that_affects_both() -> None:
    found = slow({BEAT: beat(durations(60, 44)), OTHER: beat(durations(60, 70))})
    assert len(found) == 2
    (anomaly,) = joined(*found)
    assert anomaly.affected == ("cart-symphony", "wish-symphony")
    assert anomaly.sequence == "wish-symphony"  # where it is worst


def test_the_joined_anomaly_has_one_id_whichever_sequence_is_the_worst() -> None:
    ids = {
        joined(*slow({BEAT: beat(durations(60, first)), OTHER: beat(durations(60, second))}))[0].id
        for first, second in [(44, 70), (70, 44), (44, 20), (20, 44)]
    }
    assert len(ids) == 1


@pytest.mark.parametrize(
    ("plugin", "handler"),
    [
        pytest.param("WishPlugin", "addItem", id="of the same name in another plug-in"),
        pytest.param("CartPlugin", "notifyUi", id="of another name in the same plug-in"),
        pytest.param("", "", id="of which the log does not tell the name"),
    ],
)
def test_another_handler_for_the_same_event_is_another_anomaly(plugin: str, handler: str) -> None:
    other = beat(durations(60, 44), plugin=plugin, handler=handler)
    assert len(joined(*slow({BEAT: beat(durations(60, 44)), OTHER: other}))) == 2


def test_handlers_without_a_name_are_not_the_same_handler() -> None:
    nameless = beat(durations(60, 44), plugin="", handler="")
    assert len(joined(*slow({BEAT: nameless, OTHER: nameless}))) == 2


def test_the_gravest_come_first_and_then_the_order_is_that_of_the_ids() -> None:
    found = slow(
        {("s", f"e{number}"): beat(durations(60, 20 * number), handler=f"h{number}") for number in (4, 9)}
    )
    failing = detect_error_patterns(
        metrics(
            Window(
                0,
                beats={BEAT: beat(durations(60, 20))},
                errors={ERROR: errors(1), (*ERROR[:3], "b", ""): errors(1)},
            )
        ),
        baseline=learned(),
        limits=Detect(),
    ).anomalies
    everything = aggregate(found, (), failing).all_anomalies
    assert [each.severity for each in everything] == ["critical", "high", "low", "low"]
    assert everything[2].id < everything[3].id
    assert everything == aggregate(found[::-1], (), failing[::-1]).all_anomalies


def test_an_id_depends_on_the_subject_and_not_on_time() -> None:
    beats = {BEAT: beat(durations(60, 44))}
    (today,), (tomorrow,) = joined(*slow(beats)), joined(*slow(beats, start_ms=86_400_000))
    assert today.first_seen_ms != tomorrow.first_seen_ms
    assert today.id == tomorrow.id


def test_an_id_is_the_same_in_every_release() -> None:
    """Stored anomalies and what people wrote down about them refer to it."""
    assert anomaly_id("performance", "CartPlugin", "addItem", "cart:add") == "perf-70d36a9d"
    assert anomaly_id("error", "a", "b") != anomaly_id("error", "ab")


@pytest.mark.parametrize(
    ("share", "severity"),
    [(0.001, "low"), (0.02, "medium"), (0.19, "medium"), (0.2, "high"), (0.5, "critical"), (1.0, "critical")],
)
def test_the_severity_grows_with_the_share_that_goes_wrong(share: float, severity: str) -> None:
    assert severity_of(share, "fail")[0] == severity
