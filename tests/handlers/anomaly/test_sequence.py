"""The detection as a whole, played against ports in memory."""

from __future__ import annotations

from collections.abc import Iterable

import anyio
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.settings import Detect
from handlers.anomaly.baseline import Baseline
from handlers.anomaly.case_inputs import Given
from handlers.anomaly.detect_anomalies_completed import detect_anomalies_completed
from handlers.anomaly.detect_anomalies_requested import detect_anomalies_requested
from handlers.anomaly.ports import TelemetryHistory
from handlers.anomaly.sequence import ANOMALY, DetectedAnomalies, detect_anomalies
from handlers.model import AnyAnomaly, BeatStats, Codebase, Handler, Sequence, Window
from handlers.stage import Outcome, Performance, perform
from tests.examples import examples
from tests.handlers.anomaly.builders import BEAT, ERROR, WINDOW_MS, beat, durations, errors, metrics, runs

CART = BEAT[0]
PATH = ("cart:add", "cart:pay")
CODEBASE = Codebase(
    handlers=(Handler(*BEAT, "CartPlugin", "addItem", 1, test_file="cart.spec.ts"),),
    sequences=(Sequence(CART, "Cart", "CartPlugin", PATH),),
)


class Store:
    """Both ports: what is to be judged, and what the detection stores."""

    def __init__(self, baseline: Baseline) -> None:
        self.baseline = baseline
        self.windows: tuple[Window, ...] = ()
        self.anomalies: tuple[AnyAnomaly, ...] = ()
        self.full = False

    async def load_telemetry(self, record_id: str) -> TelemetryHistory:
        return TelemetryHistory(metrics(*self.windows), self.baseline)

    async def store_anomalies(
        self, anomalies: tuple[AnyAnomaly, ...], baseline: Baseline, given: Given
    ) -> str:
        if self.full:
            raise OSError("the disk is full")
        self.anomalies, self.baseline = anomalies, baseline
        return "record-7"


async def play(store: Store, windows: Iterable[Window], codebase: Codebase = CODEBASE) -> Outcome:
    store.windows = tuple(windows)

    async def detect(run: Performance) -> DetectedAnomalies:
        return await detect_anomalies(
            run,
            "request-1",
            record_id="record-1",
            history=store,
            store=store,
            codebase=codebase,
            limits=Detect(),
            expected_ms={},
        )

    return await perform(ANOMALY, "request-1", lambda report: None, detect)


def detected(windows: Iterable[Window], store: Store | None = None) -> tuple[AnyAnomaly, ...]:
    store = store or Store(Baseline())
    outcome = anyio.run(play, store, windows)
    assert outcome.error is None
    return store.anomalies


def window(number: int, beats: BeatStats, path: tuple[str, ...] = PATH, failing: int = 0) -> Window:
    return Window(
        number * WINDOW_MS,
        beats={BEAT: beats},
        runs={CART: runs({path: beats.completed})},
        errors={ERROR: errors(failing)} if failing else {},
    )


def healthy(count: int, first: int = 0, samples: int = 8) -> list[Window]:
    return [window(first + number, beat(durations(samples, 20))) for number in range(count)]


def faulty(number: int) -> Window:
    return window(number, beat(durations(8, 60), failed=2), PATH[:1], failing=2)


def test_each_kind_of_trouble_is_found_and_ends_with_it() -> None:
    store = Store(Baseline())
    assert detected(healthy(20), store) == ()
    found = detected([faulty(number) for number in range(20, 30)], store)
    assert sorted(each.kind for each in found) == ["missing", "new", "slow"]
    assert store.baseline.judged_until_ms == 30 * WINDOW_MS
    assert {each.id for each in detected([], store)} == {each.id for each in found}
    assert store.baseline.judged_until_ms == 30 * WINDOW_MS
    assert detected(healthy(20, 30), store) == ()


def test_what_is_found_tells_how_much_was_judged() -> None:
    outcome = anyio.run(play, Store(Baseline()), healthy(20))
    assert isinstance(outcome.result, DetectedAnomalies)
    assert outcome.result.windows == 20
    assert outcome.result.completed.record_id == "record-7"
    assert outcome.result.completed.status == "completed"


def test_what_cannot_be_stored_is_not_learned() -> None:
    store = Store(Baseline())
    store.full = True
    outcome = anyio.run(play, store, healthy(20))
    assert isinstance(outcome.error, OSError)
    assert store.baseline == Baseline()


@pytest.mark.parametrize("request_id", ["", "  "])
def test_a_request_needs_an_id(request_id: str) -> None:
    with pytest.raises(ValueError, match="needs a request id"):
        detect_anomalies_requested(request_id)


def test_a_request_is_answered_under_its_id() -> None:
    assert detect_anomalies_requested("request-1").request_id == "request-1"
    assert detect_anomalies_completed("record-7").record_id == "record-7"


HEALTHY_BEATS = st.lists(st.floats(17, 23), max_size=30).map(beat)
"""No two medians of these are apart by as much as the limit."""
WINDOWS = st.lists(HEALTHY_BEATS, max_size=12)


@settings(max_examples=examples(50))
@given(st.lists(WINDOWS, max_size=6))
def test_healthy_data_opens_no_anomaly_however_it_comes(cycles: list[list[BeatStats]]) -> None:
    store = Store(Baseline())
    number = 0
    for cycle in cycles:
        windows = [window(number + place, stats) for place, stats in enumerate(cycle)]
        number += len(cycle)
        assert detected(windows, store) == ()


@settings(max_examples=examples(50))
@given(WINDOWS)
def test_adding_healthy_data_opens_no_other_anomaly(added: list[BeatStats]) -> None:
    store = Store(Baseline())
    detected(healthy(20), store)
    standing = {each.id for each in detected([faulty(number) for number in range(20, 30)], store)}
    assert len(standing) == 3
    after = detected([window(30 + place, stats) for place, stats in enumerate(added)], store)
    assert {each.id for each in after} <= standing


@settings(max_examples=25)
@given(st.permutations([*healthy(10), *(faulty(number) for number in range(10, 16))]))
def test_the_order_in_which_windows_are_given_does_not_matter(windows: list[Window]) -> None:
    given_store, sorted_store = Store(Baseline()), Store(Baseline())
    found = detected(windows, given_store)
    assert found == detected(sorted(windows, key=lambda each: each.start_ms), sorted_store)
    assert len(found) == 3
    assert given_store.baseline == sorted_store.baseline
