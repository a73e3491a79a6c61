"""One cause in forty handlers is one anomaly with forty members."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from config.settings import Detect
from handlers.model import Anomaly, AnyAnomaly, BehavioralAnomaly, ErrorAnomaly, PerformanceAnomaly
from tests.handlers.anomaly.builders import aggregate, anomaly

PATH = ("open", "load", "draw", "close")


def slow(number: int, ratio: float = 2.0, plugin: str = "Shop", at_ms: int = 10_000) -> PerformanceAnomaly:
    """One of many handlers, in a sequence of its own."""
    return replace(
        anomaly(f"perf-{number}", ratio=ratio),
        sequence=f"s{number}",
        event=f"e{number}",
        plugin=plugin,
        handler=f"h{number}",
        first_seen_ms=at_ms,
        last_seen_ms=at_ms + 10_000,
        affected=(f"s{number}",),
    )


def failing(
    number: int, count: int = 10, template: str = "no route", event: str = "", sequence: str = ""
) -> ErrorAnomaly:
    base = slow(number)
    fields = of_any_type(base) | {"id": f"error-{number}", "event": event or base.event}
    fields |= {"kind": "new", "actual": count / 40, "sequence": sequence or base.sequence}
    return ErrorAnomaly(
        **fields, error_type="IOError", template=template, frame="", count=count, executions=40
    )


def in_cart(count: int = 10, sequence: str = "cart") -> ErrorAnomaly:
    return failing(1, count, event="load", sequence=sequence)


def lacking(runs: int, beat: str, kind: str = "missing") -> BehavioralAnomaly:
    """Runs, of 40, of the sequence "cart" that lack a beat."""
    fields = of_any_type(slow(0)) | {"id": "behav-1", "sequence": "cart", "event": beat, "handler": ""}
    fields |= {"kind": kind, "actual": runs / 40, "samples": 40, "unit": "runs/run"}
    return BehavioralAnomaly(
        **fields, declared=PATH, observed=PATH[:2], beats=(beat,), expected_from="baseline"
    )


def of_any_type(base: AnyAnomaly) -> dict[str, Any]:
    """The fields that anomalies of all types have."""
    return {name: getattr(base, name) for name in Anomaly.__struct_fields__}


def others(count: int) -> list[tuple[str, str]]:
    """Beats that run and are not slow."""
    return [(f"q{number}", f"quiet{number}") for number in range(count)]


class TestAtOnce:
    def test_most_handlers_slow_by_a_similar_factor_are_one_anomaly(self) -> None:
        members = [slow(number, 1.9 + number / 100) for number in range(38)]
        [group] = aggregate(members, running=others(2)).all_anomalies
        assert group.description.startswith("38 of 40 handlers are 2.1 times slower at once; the worst: ")
        assert {each.event for each in group.members} == {each.event for each in members}
        assert group.members[0].figure == "2.27 times"
        assert group.affected == tuple(sorted(f"s{number}" for number in range(38)))

    def test_its_id_stays_as_members_come_and_go(self) -> None:
        ids = {
            aggregate([slow(number) for number in numbers], running=others(2)).all_anomalies[0].id
            for numbers in (range(5), range(3, 12), range(40))
        }
        assert len(ids) == 1

    @pytest.mark.parametrize(
        ("members", "quiet"),
        [
            pytest.param([slow(number) for number in range(4)], 0, id="few"),
            pytest.param(
                [slow(number, plugin=f"P{number}") for number in range(10)],
                10,
                id="no more than half of what runs",
            ),
            pytest.param([slow(number, 2.0 * 2**number) for number in range(6)], 0, id="by other factors"),
            pytest.param(
                [slow(number, at_ms=1_000_000 * number) for number in range(6)], 0, id="at other times"
            ),
        ],
    )
    def test_they_are_anomalies_of_their_own_when_they_are(
        self, members: Sequence[PerformanceAnomaly], quiet: int
    ) -> None:
        found = aggregate(members, running=others(quiet)).all_anomalies
        assert sorted(each.event for each in found) == sorted(each.event for each in members)
        assert not any(each.members for each in found)

    def test_the_handlers_of_one_plug_in_are_one_among_many_healthy_ones(self) -> None:
        members = [slow(number) for number in range(6)]
        elsewhere = slow(90, 9.0, plugin="Other")
        group, alone = sorted(
            aggregate([*members, elsewhere], running=others(30)).all_anomalies,
            key=lambda each: -len(each.members),
        )
        assert group.description.startswith("6 of 6 handlers of Shop are 2.0 times slower at once")
        assert alone.handler == "h90"

    def test_one_that_is_slower_for_another_reason_stays_alone(self) -> None:
        found = aggregate([slow(9, 20.0), *(slow(number) for number in range(8))]).all_anomalies
        assert sorted(len(each.members) for each in found) == [0, 8]

    def test_what_is_open_stays_one_with_fewer_members(self) -> None:
        [group] = aggregate([slow(number) for number in range(8)]).all_anomalies
        fewer = [slow(number) for number in range(3)]
        assert len(aggregate(fewer, running=others(5)).all_anomalies) == 3
        [still] = aggregate(fewer, running=others(5), open_ids={group.id}).all_anomalies
        assert (still.id, len(still.members)) == (group.id, 3)
        assert len(aggregate(fewer[:2], open_ids={group.id}).all_anomalies) == 2

    def test_other_kinds_are_grouped_among_themselves(self) -> None:
        silent = [replace(slow(number, 0.0), kind="silent") for number in range(6)]
        [group] = aggregate(silent).all_anomalies
        assert group.description.startswith("6 of 6 handlers are silent at once")


class TestTheSameError:
    def test_in_many_handlers_it_is_one_anomaly(self) -> None:
        [group] = aggregate((), (), [failing(number) for number in range(12)]).all_anomalies
        assert group.description.startswith("12 handlers fail 120 times with IOError: no route; the worst: ")
        assert len(group.members) == 12

    def test_its_id_depends_on_the_error_alone(self) -> None:
        one = aggregate((), (), [failing(number) for number in range(5)]).all_anomalies[0]
        other = aggregate((), (), [failing(number) for number in range(3, 9)]).all_anomalies[0]
        third = aggregate((), (), [failing(number, template="full") for number in range(5)]).all_anomalies[0]
        assert one.id == other.id != third.id

    def test_in_few_handlers_or_with_other_words_it_is_not(self) -> None:
        few = [failing(number) for number in range(4)]
        mixed = [failing(number, template=f"t{number}") for number in range(8)]
        assert len(aggregate((), (), few).all_anomalies) == 4
        assert len(aggregate((), (), mixed).all_anomalies) == 8


class TestBrokenOff:
    @staticmethod
    def ids(deviation: BehavioralAnomaly, error: ErrorAnomaly) -> list[str]:
        return sorted(each.id for each in aggregate((), [deviation], [error]).all_anomalies)

    @pytest.mark.parametrize("kind", ["missing", "unfinished"])
    def test_runs_that_end_at_an_error_are_told_with_the_error(self, kind: str) -> None:
        error = in_cart()
        [parent] = aggregate((), [lacking(9, "draw", kind)], [error]).all_anomalies
        assert parent.id == error.id
        assert parent.description.endswith("; 9 runs of cart break off there")
        assert [(each.id, each.type) for each in parent.members] == [("behav-1", "behavioral")]

    @pytest.mark.parametrize(
        ("deviation", "error"),
        [
            pytest.param(lacking(20, "draw"), in_cart(), id="more runs than errors"),
            pytest.param(lacking(3, "draw"), in_cart(), id="far fewer runs than errors"),
            pytest.param(lacking(9, "open"), in_cart(), id="a beat before it"),
            pytest.param(lacking(9, "draw"), in_cart(sequence="wish"), id="runs of another sequence"),
            pytest.param(lacking(9, "draw", "out-of-order"), in_cart(), id="another deviation"),
        ],
    )
    def test_what_an_error_does_not_explain_is_an_anomaly_of_its_own(
        self, deviation: BehavioralAnomaly, error: ErrorAnomaly
    ) -> None:
        assert self.ids(deviation, error) == ["behav-1", "error-1"]


@given(st.randoms(use_true_random=False))
def test_the_order_in_which_anomalies_are_found_changes_nothing(chance: Random) -> None:
    performance = [slow(number, 2 + number % 7 / 10, plugin=f"P{number % 3}") for number in range(30)]
    found = [failing(number, 3 + number % 4) for number in range(7)] + [in_cart()]
    deviations = [lacking(9, "draw")]
    expected = aggregate(performance, deviations, found, running=others(9))
    for anomalies in (performance, found):
        chance.shuffle(anomalies)
    assert aggregate(performance, deviations, found, running=others(9)) == expected


class TestSeverity:
    @staticmethod
    def one(found: PerformanceAnomaly, **severity_of: str) -> AnyAnomaly:
        limits = Detect.model_validate({"severity_of": severity_of})
        return aggregate([found], limits=limits).all_anomalies[0]

    def test_what_hurts_most_of_many_sequences_is_one_step_graver(self) -> None:
        wide = replace(slow(1), affected=tuple("abcde"))
        [found] = aggregate([wide], running=others(8)).all_anomalies
        assert (found.severity, wide.severity) == ("high", "medium")
        assert found.severity_reason.endswith("one step graver: 5 of 9 sequences suffer")
        [less] = aggregate([wide], running=others(9)).all_anomalies
        assert less.severity == "medium"

    def test_what_few_executions_show_is_one_step_milder(self) -> None:
        found = self.one(replace(slow(1), samples=9))
        assert found.severity == "low"
        assert "one step milder: only 9 executions" in found.severity_reason

    def test_that_nothing_runs_is_not_milder_for_it(self) -> None:
        silent = replace(slow(1, 0.0), kind="silent", unit="executions/min", samples=0)
        assert self.one(silent).severity == silent.severity

    @pytest.mark.parametrize("pattern", ["Shop.h1", "Shop.*", "e1", "s1/*", "h1"])
    def test_the_operator_has_the_last_word(self, pattern: str) -> None:
        found = self.one(slow(1), **{pattern: "critical"})
        assert found.severity == "critical"
        assert found.severity_reason == f"critical by detect.severity_of: {pattern}"
        assert self.one(slow(2), **{"Shop.h1": "critical"}).severity == "medium"
