"""Restarts of the watched programs are remembered, the newest ones."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from config.settings import Settings
from daemon.cycle import read_to_end
from daemon.engine import Engine
from daemon.marks import KEPT, PROGRAMS_KEPT, Marks
from daemon.store import Store
from handlers.model import Mark

DATA = Path(__file__).parents[1] / "data/conductor"


@pytest.mark.anyio
async def test_a_restart_in_a_log_is_a_mark_of_its_stream(tmp_path: Path) -> None:
    log = tmp_path / "logs/app.log"
    log.parent.mkdir()
    log.write_bytes(gzip.decompress((DATA / "healthy.log.gz").read_bytes()))
    defaults = Settings()
    logs = defaults.logs.model_copy(update={"directories": (log.parent,)})
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        engine = Engine(defaults.model_copy(update={"logs": logs}), store, lambda _report: None)
        await read_to_end(engine)
        marks = engine.telemetry.marks.between(0, 1 << 45)
        restarts = log.read_bytes().count("🎼 Initializing RenderX Evolution".encode())
        assert {mark.stream for mark in marks} == {str(log)}
        assert len(marks) == restarts > 0


def test_the_newest_marks_are_kept_and_told_in_order_of_time(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        marks = Marks(store)
        with store.transaction():
            for number in range(KEPT + 10):
                marks.add([Mark(10_000 - number, "app.log", "restarted")])
            kept = marks.between(0, 20_000)
            assert len(kept) == KEPT
            assert kept == sorted(kept)
            assert kept[-1].at_ms == 10_000 - 10
            assert marks.between(9_900, 9_901) == [Mark(9_900, "app.log", "restarted")]


def told(*versions: tuple[int, str]) -> list[Mark]:
    return [Mark(at_s * 1000, "app.log", "version", "shop", after=version) for at_s, version in versions]


@pytest.mark.parametrize(
    ("versions", "changes"),
    [
        pytest.param([(0, "1"), (10, "1"), (99, "1")], [("", "1")], id="the same again and again"),
        pytest.param([(0, "1"), (100, "2")], [("", "1"), ("1", "2")], id="another one"),
        pytest.param(
            [(0, "1"), (100, "2"), (200, "1")],
            [("", "1"), ("1", "2"), ("2", "1")],
            id="back to the one before",
        ),
        pytest.param(
            [(at, "12"[at % 2]) for at in range(300)],
            [("", "1"), ("1", "2")],
            id="two that run side by side",
        ),
    ],
)
@pytest.mark.parametrize("at_once", [1, 1000])
def test_a_version_is_a_mark_where_it_replaces_another(
    tmp_path: Path, versions: list[tuple[int, str]], changes: list[tuple[str, str]], at_once: int
) -> None:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store:
        for at in range(0, len(versions), at_once):
            with store.transaction():
                Marks(store).add(told(*versions[at : at + at_once]))
        assert [(each.before, each.after) for each in Marks(store).between(0, 1 << 62)] == changes


def test_programs_without_end_are_not_all_remembered(tmp_path: Path) -> None:
    with Store.open(tmp_path / "store.db", max_bytes=1 << 28) as store, store.transaction():
        marks = Marks(store)
        marks.add(Mark(0, "app.log", "version", f"p{number}", after="1.0") for number in range(1000))
        assert len(marks.between(0, 1)) == PROGRAMS_KEPT
