"""Budgets are counted from the store, of the beat or the sequence that the objective names."""

from __future__ import annotations

from pathlib import Path

import pytest

from config.objective import Objective
from config.settings import Settings
from daemon.store import Store
from handlers.model import Budget
from tests.daemon.test_incident_orders import NORMAL_MS, SLOW_MS, World


async def budgets(tmp_path: Path, **objectives: Objective) -> tuple[Budget, ...]:
    """Those in the impact of 100 slow executions after 200 usual ones, one a second."""
    settings = Settings()
    (tmp_path / "logs").mkdir()
    logs = settings.logs.model_copy(update={"directories": (tmp_path / "logs",)})
    settings = settings.model_copy(update={"logs": logs, "objectives": objectives})
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        world = World(settings, store)
        await world.run(200, NORMAL_MS)
        await world.run(100, SLOW_MS)
        return world.engine.anomalies.recommendations()[0].assessed.impact.budgets


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("objective", "events", "bad"),
    [
        pytest.param({"match": "e", "latency_ms": 40}, 300, 100, id="by event: the slow ones are bad"),
        pytest.param({"match": "h", "latency_ms": 400}, 300, 0, id="by handler: none is as slow as that"),
        pytest.param({"match": "*", "error_rate": 0.1}, 300, 0, id="by any name: none failed"),
    ],
)
async def test_the_executions_of_the_subject_are_counted(
    tmp_path: Path, objective: dict[str, object], events: int, bad: int
) -> None:
    (budget,) = await budgets(tmp_path, fast=Objective.model_validate(objective))
    assert (budget.objective, budget.spent[-1].events, budget.spent[-1].bad) == ("fast", events, bad)


@pytest.mark.anyio
async def test_an_objective_of_something_else_is_no_matter(tmp_path: Path) -> None:
    assert await budgets(tmp_path, other=Objective(match="checkout*", latency_ms=1)) == ()
