"""What becomes of a recommendation: taken, rejected, done and verified by what runs afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from config.settings import Settings
from daemon.incident_orders import Resolve
from daemon.recommendation import StoredRecommendation, renewed, standing
from daemon.recommendation_orders import Done, Reject, Take
from daemon.store import Store
from handlers.diagnosis.analyze_performance_issues import analyze_performance_issues
from handlers.diagnosis.assess_impact import assess_impact
from handlers.diagnosis.recommend_fixes import recommend_fixes
from handlers.model import FixRecommendation, PerformanceAnomaly
from tests.daemon.test_incident_orders import NORMAL_MS, SLOW_MS, World
from tests.handlers.diagnosis.builders import slow


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    settings = Settings()
    (tmp_path / "logs").mkdir()
    logs = settings.logs.model_copy(update={"directories": (tmp_path / "logs",)})
    settings = settings.model_copy(update={"logs": logs})
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        yield World(settings, store)


async def slowed(world: World) -> StoredRecommendation:
    await world.run(200, NORMAL_MS)
    await world.run(100, SLOW_MS)
    return world.engine.anomalies.stored_recommendations()[0]


def now(world: World, stored: StoredRecommendation) -> StoredRecommendation:
    found = world.engine.anomalies.find_recommendation(stored.recommendation.id)
    assert found is not None
    return found


def says(world: World, stored: StoredRecommendation) -> str:
    return standing(
        now(world, stored), {each.anomaly.id: each for each in world.engine.anomalies.incidents()}
    )


@pytest.mark.anyio
async def test_what_is_taken_stays_taken_when_it_is_diagnosed_again(world: World) -> None:
    stored = await slowed(world)
    await world.order(
        Take(id="1", at_ms=1000, by="ada", recommendation=stored.recommendation.id, note="today")
    )
    await world.run(100, SLOW_MS)
    assert says(world, stored) == "taken by ada at 1970-01-01 00:00:01 UTC: today"
    assert now(world, stored).recommendation in world.engine.anomalies.recommendations()


@pytest.mark.anyio
async def test_what_is_rejected_is_nothing_to_do_any_more(world: World) -> None:
    stored = await slowed(world)
    await world.order(Reject(id="1", at_ms=1, by="ada", recommendation=stored.recommendation.id, why="rare"))
    await world.run(100, SLOW_MS)
    to_do = [each.id for each in world.engine.anomalies.recommendations()]
    assert stored.recommendation.id not in to_do
    assert to_do
    assert says(world, stored).endswith(": rare")


@pytest.mark.anyio
async def test_what_is_done_and_helped_is_verified_with_its_figure(world: World) -> None:
    stored = await slowed(world)
    await world.order(Done(id="1", at_ms=1, by="ada", recommendation=stored.recommendation.id))
    assert says(world, stored).endswith("not verified yet: too little ran since")
    await world.run(800, NORMAL_MS)
    assert world.incident().state == "resolved"
    await world.run(10, NORMAL_MS)
    assert "; verified: median back at 21.6 ms" in says(world, stored)
    assert now(world, stored).state == "done"


@pytest.mark.anyio
async def test_what_is_done_and_did_not_help_says_until_when_it_was_seen(world: World) -> None:
    stored = await slowed(world)
    await world.order(Done(id="1", at_ms=1, by="ada", recommendation=stored.recommendation.id))
    await world.run(800, SLOW_MS)
    assert "not verified: " in says(world, stored)
    assert "was still seen until 2026-" in says(world, stored)


@pytest.mark.anyio
async def test_what_an_operator_declares_over_is_not_verified(world: World) -> None:
    stored = await slowed(world)
    await world.order(Done(id="1", at_ms=1, by="ada", recommendation=stored.recommendation.id))
    about = stored.recommendation.anomaly_id
    await world.order(Resolve(id="2", at_ms=2, by="bob", incident=about))
    await world.run(800, NORMAL_MS)
    assert says(world, stored).endswith(f"; not verified: bob resolved {about} before it was seen to end")


@pytest.mark.anyio
async def test_what_was_verified_and_comes_back_is_open_again(world: World) -> None:
    stored = await slowed(world)
    await world.order(Done(id="1", at_ms=1, by="ada", recommendation=stored.recommendation.id))
    await world.run(800, NORMAL_MS)
    await world.run(10, NORMAL_MS)
    assert now(world, stored).verified
    await world.run(200, SLOW_MS)
    assert now(world, stored).state == "open"
    assert says(world, stored) == "it was done, and did not last"


@pytest.mark.anyio
async def test_an_order_about_an_unknown_one_changes_nothing(world: World) -> None:
    stored = await slowed(world)
    await world.order(Take(id="1", at_ms=1, by="ada", recommendation="gone"))
    assert now(world, stored) == stored


def recommended(*anomalies: PerformanceAnomaly) -> tuple[FixRecommendation, ...]:
    diagnoses = analyze_performance_issues(anomalies, ()).diagnosis
    located = tuple(replace(each, location="src/react.ts:7") for each in diagnoses)
    return recommend_fixes(assess_impact(located).assessed_diagnosis).recommendations


def test_the_same_fix_of_one_function_for_two_anomalies_is_one_recommendation() -> None:
    one, other = slow(sequence="create-symphony"), replace(slow(sequence="paste-symphony"), id="perf-2")
    code = [each for each in recommended(one, other) if each.type == "code"]
    assert [set(each.anomaly_ids) for each in code] == [{one.id, other.id}]
    accepts = [each for each in recommended(one, other) if each.type == "config"]
    assert len(accepts) == 2, "what is accepted is accepted for each"


def test_fixes_of_two_functions_in_one_file_stay_two() -> None:
    one, other = slow(), replace(slow(handler="renderVue", event="render-vue"), ratio=9.0)
    assert len([each for each in recommended(one, other) if each.type == "code"]) == 2


def test_a_recommendation_keeps_its_id_and_state_when_one_of_its_anomalies_ends() -> None:
    one, other = slow(sequence="create-symphony"), replace(slow(sequence="paste-symphony"), id="perf-2")
    both = [StoredRecommendation(each, "taken", "ada", at_ms=1) for each in recommended(one, other)]
    stored, gone = renewed(both, recommended(other))
    taken = next(each for each in stored if each.recommendation.type == "code")
    assert (taken.recommendation.id, taken.state) == (both[0].recommendation.id, "taken")
    assert set(taken.recommendation.anomaly_ids) == {one.id, other.id}
    assert gone == []
