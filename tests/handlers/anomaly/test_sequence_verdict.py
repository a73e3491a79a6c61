"""What the model of a sequence that nobody declared says about its runs."""

from __future__ import annotations

from collections import Counter
from statistics import mean

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers import sequence_model
from handlers.anomaly.sequence_verdict import SequenceJudge, Verdict
from handlers.model import SequenceModel
from handlers.sequence_model import learn, merge
from tests.benchmarks.quality.measure_sequences import figures_of, scored
from tests.benchmarks.quality.processes import process_log
from tests.benchmarks.quality.sessions import machine_sessions, storage_sessions

PATHS = st.dictionaries(
    st.lists(st.sampled_from("abcd"), max_size=6).map(tuple), st.integers(1, 50), max_size=8
)


def model_of(paths: dict[tuple[str, ...], int]) -> SequenceModel:
    model = SequenceModel()
    for path, runs in paths.items():
        learn(model, path, runs)
    return model


def verdict(paths: dict[str, int], path: str) -> Verdict:
    return SequenceJudge(model_of({tuple(each): runs for each, runs in paths.items()})).judge(tuple(path))


USUAL = {"abcdef": 700, "abxdef": 250, "abxyef": 40}


@pytest.mark.parametrize(
    ("path", "kind", "event", "expected"),
    [
        pytest.param("abzcdef", "unknown", "z", (), id="an event that no run had is unknown"),
        pytest.param("abdef", "missing", "c", ("c", "x"), id="a skipped event is missing"),
        pytest.param("abcd", "missing", "e", ("e",), id="a run that ends early lacks what follows"),
        pytest.param("abcdabcdef", "repeated", "a", ("e",), id="going back to the start repeats its events"),
        pytest.param(
            "abcedf", "out-of-order", "d", ("f",), id="an event after its successor is out of order"
        ),
    ],
)
def test_a_deviation_has_a_kind_and_says_what_was_expected(
    path: str, kind: str, event: str, expected: tuple[str, ...]
) -> None:
    said = verdict(USUAL, path)
    assert (said.kind, said.event) == (kind, event)
    assert said.score >= 1.0
    assert said.confidence >= 0.5
    assert said.why
    if said.expected:
        assert said.expected == expected


@pytest.mark.parametrize("path", USUAL, ids=lambda path: f"{path} is a path of its own")
def test_paths_that_were_learned_are_normal_however_rare(path: str) -> None:
    said = verdict(USUAL, path)
    assert (said.kind, said.event) == ("none", "")
    assert said.score < 1.0


def test_more_repetitions_than_any_run_had_are_told() -> None:
    said = verdict({"abc": 500, "abbc": 300}, "abbbbbbbbbc")
    assert said.score >= 1.0
    assert said.kind == "repeated"


def test_without_a_run_nothing_is_an_anomaly() -> None:
    said = SequenceJudge(SequenceModel()).judge(("a",))
    assert (said.score, said.kind, said.confidence) == (0.0, "none", 0.0)


def test_few_runs_make_a_verdict_less_sure() -> None:
    few, many = verdict({"abc": 10}, "acb"), verdict({"abc": 10_000}, "acb")
    assert few.confidence < many.confidence


@given(PATHS)
def test_a_model_is_the_sum_of_its_parts_in_any_order(paths: dict[tuple[str, ...], int]) -> None:
    whole = model_of(paths)
    parts = SequenceModel()
    for path, runs in reversed(paths.items()):
        merge(parts, model_of({path: runs}))
    assert parts == whole


@given(PATHS)
def test_a_model_survives_the_store(paths: dict[tuple[str, ...], int]) -> None:
    model = model_of(paths)
    assert msgspec.json.decode(msgspec.json.encode(model), type=SequenceModel) == model


@given(PATHS, st.lists(st.sampled_from("abcde"), max_size=8).map(tuple))
def test_any_run_gets_a_verdict_that_fits_its_score(
    paths: dict[tuple[str, ...], int], path: tuple[str, ...]
) -> None:
    said = SequenceJudge(model_of(paths)).judge(path)
    assert (said.score >= 1.0) == (said.kind != "none")
    assert 0.0 <= said.confidence <= 1.0
    assert 0 <= said.position <= len(path)
    if paths and not set(path) <= {event for learned in paths for event in learned}:
        assert said.score >= 1.0


def test_the_model_is_bounded_and_counts_what_it_has_no_room_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequence_model, "MAX_TRIGRAMS", 4)
    model = model_of({("a", "b"): 3, ("c",): 2})
    assert len(model.trigrams) == 4
    assert model.dropped == 3 * 2
    assert model.runs == 5


@pytest.mark.parametrize(
    ("size", "looping", "least"),
    [
        pytest.param("medium", 0.0, 0.98, id="in a process of 32 activities"),
        pytest.param("huge", 0.0, 0.9, id="in a process of 54 activities"),
        pytest.param("medium", 0.15, 0.93, id="with loops and parallel branches"),
        pytest.param("wide", 0.15, 0.86, id="with many rare choices, loops and parallel branches"),
    ],
)
def test_anomalies_are_found_though_a_third_of_the_training_is_anomalous(
    size: str, looping: float, least: float
) -> None:
    logs = [process_log(seed, size, cases=2_000, loops=looping, parallel=looping)[0] for seed in (11, 12)]
    assert mean(figures_of(scored((log, log)))[2] for log in logs) >= least


def test_a_clean_training_gives_hardly_a_false_alarm() -> None:
    logs = [process_log(seed, "huge", cases=2_000, anomalous=0.0)[0] for seed in (11, 12)]
    logs += [storage_sessions(11, 2_000, 0.0), machine_sessions(11, 1_000, 0.0)]
    assert all(figures_of(scored((log, log)))[3] <= 0.005 for log in logs)


def test_replicas_at_work_at_the_same_time_hide_no_fault_and_are_none() -> None:
    _, _, f1, false = figures_of(scored((storage_sessions(11, 20_000, 0.0), storage_sessions(12, 10_000))))
    assert f1 >= 0.95
    assert false <= 0.003


def test_polls_between_any_two_steps_in_an_order_not_yet_seen_are_no_anomaly() -> None:
    clean = [(machine_sessions(n, 1_000, anomalous=0.0), machine_sessions(n + 100, 2_000)) for n in (3, 6, 7)]
    assert mean(figures_of(scored(data))[2] for data in clean) >= 0.985


def test_faults_in_a_tenth_of_the_training_are_told_beside_polls_of_any_number() -> None:
    log = machine_sessions(0, 2_000, anomalous=0.1)
    assert figures_of(scored((log, log)))[2] > 0.9


@pytest.mark.parametrize("loops", [0.0, 0.15], ids=["straight", "with loops and parallel steps"])
def test_of_healthy_runs_alone_none_is_told_whatever_the_process(loops: float) -> None:
    for seed in range(200, 230):
        log, _ = process_log(seed, "tiny", anomalous=0.0, loops=loops, parallel=loops)
        assert figures_of(scored((log, log)))[3] <= 0.005, seed


def test_the_same_runs_get_the_same_verdicts_in_whatever_order_they_were_learned() -> None:
    log = Counter(path for path, _ in process_log(11, "small", cases=500)[0])
    forward = SequenceJudge(model_of(dict(log)))
    backward = SequenceJudge(model_of(dict(reversed(log.items()))))
    for path in log:
        one, other = forward.judge(path), backward.judge(path)
        assert one.score == pytest.approx(other.score)
        assert (one.kind, one.event) == (other.kind, other.event)
