"""More work comes in than a program takes at once: its beats take as long as ever, but one waits its turn."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from config.load import load_settings
from daemon.once import run_once
from handlers.model import FixRecommendation

BEGIN_MS = 1_795_000_000_000
HOUR_MS = 3_600_000
BEATS = ("order:read", "order:charge", "order:confirm")


def write_log(path: Path) -> None:
    """An hour with a run every ten seconds, then half an hour with a run every four, which queue."""
    chance = random.Random(7)
    calm = range(BEGIN_MS, BEGIN_MS + HOUR_MS, 10_000)
    busy = range(BEGIN_MS + HOUR_MS, BEGIN_MS + HOUR_MS * 3 // 2, 4_000)
    with path.open("w") as log:
        for number, start_ms in enumerate([*calm, *busy]):
            at_ms, waits_ms = start_ms, 400 if start_ms in busy else 30
            about = {"sequence": "order-symphony", "requestId": f"run-{number}"}
            lines: list[dict[str, object]] = [{"timestamp": at_ms, "event": "sequence-started", **about}]
            for event in BEATS:
                took_ms = 20 * chance.lognormvariate(0, 0.1)
                if event == "order:charge":
                    at_ms += round(waits_ms * chance.lognormvariate(0, 0.1))
                at_ms += round(took_ms)
                beat = {"event": event, "handler": f"Orders.{event[6:]}", "duration": round(took_ms, 2)}
                lines.append({"timestamp": at_ms, "kind": "beat-completed", **beat, **about})
            lines.append({"timestamp": at_ms + 1, "event": "sequence-completed", **about})
            log.writelines(f"{json.dumps(line)}\n" for line in lines)


@pytest.fixture(scope="module")
def advice(tmp_path_factory: pytest.TempPathFactory) -> tuple[FixRecommendation, ...]:
    place = tmp_path_factory.mktemp("queue")
    (place / "logs").mkdir()
    write_log(place / "logs" / "orders.jsonl")
    settings = place / "selfheald.yaml"
    settings.write_text(
        f"logs: {{directories: [{place / 'logs'}]}}\n"
        f"store: {{path: {place / 'store.db'}}}\n"
        "log: {level: ERROR}\n"
    )
    return run_once(load_settings(settings, {}), {}).recommendations


def test_the_wait_is_told_as_queueing_under_load_and_the_work_ruled_out(
    advice: tuple[FixRecommendation, ...],
) -> None:
    (fix,) = advice
    diagnosis = fix.assessed.diagnosis
    assert (diagnosis.cause_kind, diagnosis.verdict) == ("queueing", "likely")
    assert "it ran 2.50 times as often as before it began" in diagnosis.evidence
    assert any(each.startswith("its own work: no more than usual, against") for each in diagnosis.ruled_out)


def test_its_beginning_is_known_to_the_window(advice: tuple[FixRecommendation, ...]) -> None:
    assert advice[0].assessed.diagnosis.began_ms == (BEGIN_MS + HOUR_MS, BEGIN_MS + HOUR_MS + 10_000)


def test_room_is_advised_for_what_holds_the_beat_up(advice: tuple[FixRecommendation, ...]) -> None:
    assert (advice[0].type, advice[0].title) == (
        "config",
        "Shorten the queue before order:charge in order-symphony",
    )
