"""The chart of a terminal: bars against the limit and what is expected."""

from __future__ import annotations

from daemon.cli.text.chart import TextChart, chart_lines
from handlers.model import Mark, Point

START_MS = 1_795_363_200_000
STEP_MS = 10_000


def chart(*values: float | None, from_step: int = 0, restarts: tuple[int, ...] = ()) -> list[str]:
    points = (
        Point(START_MS + at * STEP_MS, value, 1) for at, value in enumerate(values) if value is not None
    )
    return chart_lines(
        TextChart(
            points=tuple(points),
            expected=20.0,
            limit=40.0,
            from_ms=START_MS + from_step * STEP_MS,
            marks=tuple(Mark(START_MS + at * STEP_MS, "app.log", "restarted") for at in restarts),
            write=lambda value: f"{value:g} ms",
        )
    )


def test_bars_stand_against_the_limit_and_what_is_expected() -> None:
    assert chart(20.0, 20.0, None, 80.0, 60.0, from_step=3, restarts=(2,)) == [
        "            80 ms │            ████",
        "                  │            ████",
        "                  │            ████████",
        "      limit 40 ms │────────────████████",
        "                  │            ████████",
        "   expected 20 ms │┄┄┄┄┄┄┄┄┄┄┄┄████████",
        "                  │████████    ████████",
        "                  │████████    ████████",
        "                  └────────▲───━━━━━━━━",
        "                   16:00:00 to 16:00:50 UTC, 10.0 s a bar",
        "                   ━ since it began, ▲ a restart",
    ]


def test_many_points_share_bars_of_which_the_largest_counts() -> None:
    lines = chart(*([10.0] * 199 + [80.0]))
    assert max(map(len, lines)) <= 78
    assert lines[0].endswith("█")
    assert lines[0].count("█") == 1


def test_what_is_small_is_seen_and_nothing_is_not() -> None:
    bottom = chart(0.01, 0.0, 80.0)[7]
    assert bottom == "                  │▁▁▁▁    ████"


def test_one_point_is_a_chart() -> None:
    lines = chart(50.0)
    assert lines[-1].endswith("16:00:00 to 16:00:10 UTC, 10.0 s a bar")
