"""Facts about the daemon: what is a trouble, and what is how a healthy one looks."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest

from handlers.self_check.diagnose_self import diagnose_self
from handlers.self_check.judge_vitals import COMMITS, judge_vitals
from handlers.self_check.learn_rhythms import learn_rhythms
from handlers.self_check.vitals import LagPoint, Rhythm, Vitals

NOW_MS = 1_795_363_880_000
HOUR_MS = 3_600_000
HEALTHY = Vitals(
    now_ms=NOW_MS,
    dead={"watcher": (), "reader": ()},
    clock_step_ms=12,
    commits_ms=(4.0,) * COMMITS,
    lag=tuple(LagPoint(10.0 * look, 0, 0.0) for look in range(31)),
    rhythms={"/logs/app.log": Rhythm(NOW_MS - 72 * HOUR_MS, NOW_MS - 900, 60_000)},
    store_room_bytes=400_000_000,
    store_max_bytes=512_000_000,
)


def lag(sizes: Iterable[int], age_s: float | None = 90.0) -> tuple[LagPoint, ...]:
    return tuple(LagPoint(10.0 * look, size, age_s) for look, size in enumerate(sizes))


def with_facts(**facts: Any) -> Vitals:
    known = {name: getattr(HEALTHY, name) for name in HEALTHY.__struct_fields__}
    return Vitals(**(known | facts))


def rhythm(known_h: float, gap_h: float, quiet_h: float) -> dict[str, Rhythm]:
    last_ms = NOW_MS - round(quiet_h * HOUR_MS)
    return {"app.log": Rhythm(last_ms - round(known_h * HOUR_MS), last_ms, round(gap_h * HOUR_MS))}


@pytest.mark.parametrize(
    ("facts", "kind", "part"),
    [
        pytest.param({"died": True}, "died", "daemon", id="a death of the daemon before"),
        pytest.param({"dead": {"watcher": ("it died",)}}, "not-alive", "watcher", id="a dead emitter"),
        pytest.param(
            {"dead": {"scheduler": ("no tick",)}}, "not-alive", "scheduler", id="a stalled scheduler"
        ),
        pytest.param({"clock_step_ms": 3_600_000}, "clock-step", "clock", id="a clock set forwards"),
        pytest.param({"clock_step_ms": -5_000}, "clock-step", "clock", id="a clock set backwards"),
        pytest.param({"commits_ms": (1500.0,) * COMMITS}, "slow-disk", "store", id="a slow disk"),
        pytest.param({"lag": lag(range(0, 3100, 100))}, "lag-grows", "reader", id="a growing lag"),
        pytest.param(
            {"lag": lag(range(0, 3100, 100), None)}, "lag-grows", "reader", id="a growing lag of unknown age"
        ),
        pytest.param({"rhythms": rhythm(48, 0.01, 1)}, "source-silent", "app.log", id="a silent source"),
        pytest.param({"store_room_bytes": 1_000}, "store-full", "store.path", id="a store without room"),
        pytest.param({"rejected": ("a:3: no",)}, "settings-rejected", "settings", id="rejected settings"),
    ],
)
def test_is_a_trouble_with_cause_harm_and_advice(facts: dict[str, Any], kind: str, part: str) -> None:
    [found] = judge_vitals(with_facts(**facts))
    assert (found.kind, found.handler) == (kind, part)
    assert found.id.startswith("self-")
    assert found.cause
    assert found.harm
    [recommendation] = diagnose_self([found])
    assert recommendation.anomaly_id == found.id
    assert recommendation.title == found.advice != ""
    assert recommendation.assessed.diagnosis.cause == found.cause
    assert recommendation.assessed.impact.sentence.casefold().startswith(found.harm[:10].casefold())


def test_the_id_depends_on_what_it_is_about_and_not_on_time() -> None:
    one, other = (judge_vitals(with_facts(now_ms=at, clock_step_ms=9_000)) for at in (NOW_MS, NOW_MS + 1))
    assert one[0].id == other[0].id
    [watcher] = judge_vitals(with_facts(dead={"watcher": ("it died",)}))
    [reader] = judge_vitals(with_facts(dead={"reader": ("it died",)}))
    assert watcher.id != reader.id


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param({}, id="a healthy daemon"),
        pytest.param({"clock_step_ms": 900}, id="a clock that is slewed"),
        pytest.param({"commits_ms": (1500.0,) * (COMMITS - 1)}, id="too few commits to tell"),
        pytest.param({"commits_ms": (4.0,) * 6 + (9000.0,) * 4}, id="single slow commits"),
        pytest.param({"lag": lag(range(3100, 0, -100))}, id="a backlog that is worked off"),
        pytest.param({"lag": lag(range(0, 3000, 100))}, id="a lag that has not grown for long enough"),
        pytest.param({"lag": lag(range(0, 3100, 100), 3.0)}, id="a growing lag of a few seconds"),
        pytest.param({"lag": lag([500] * 31)}, id="a lag that stays"),
        pytest.param({"lag": lag([0, 900] * 15 + [0])}, id="bursts"),
        pytest.param({"rhythms": rhythm(1, 0.001, 20)}, id="a log that is hardly known"),
        pytest.param({"rhythms": rhythm(72, 14, 60)}, id="the weekend of a log that rests at night"),
        pytest.param({"rhythms": rhythm(72, 0.0001, 0.1)}, id="a short rest of a busy log"),
        pytest.param({"store_room_bytes": None}, id="a store of unknown size"),
    ],
)
def test_is_no_trouble(facts: dict[str, Any]) -> None:
    assert judge_vitals(with_facts(**facts)) == ()


class TestRhythm:
    def test_is_learned_from_the_times_at_which_something_was_read(self) -> None:
        known: dict[str, Rhythm] = {}
        for at_ms in (1_000, 2_000, 2_000, 9_000, 9_500):
            known = learn_rhythms(known, {"/logs/app.log": at_ms}, at_ms)
        assert known == {"/logs/app.log": Rhythm(1_000, 9_500, 7_000)}

    def test_of_dated_and_rotated_files_is_one(self) -> None:
        read_ms = {"/logs/app-2026-11-22.log": 1_000, "/logs/app-2026-11-23.log": 5_000, "/logs/b.log.1": 1}
        known = learn_rhythms({}, read_ms, 5_000)
        assert known["/logs/app-#-#-#.log"] == Rhythm(1_000, 5_000, 4_000)
        assert len(known) == 2

    def test_moves_with_the_clock_when_that_is_set(self) -> None:
        known = {"a": Rhythm(1_000, 2_000, 10)}
        assert learn_rhythms(known, {}, 1_002_500, 1_000_000) == {"a": Rhythm(1_001_000, 1_002_000, 10)}

    def test_of_a_log_that_is_gone_is_forgotten(self) -> None:
        assert learn_rhythms({"a": Rhythm(1, 2, 0)}, {}, 31 * 24 * HOUR_MS) == {}
