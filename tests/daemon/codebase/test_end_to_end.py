"""From logs and a checkout to a recommendation that names the file and the line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from config.settings import Project as ProjectSettings
from config.settings import Settings
from daemon.compare import Comparison, compare
from handlers.model import CoverageAnomaly
from tests.daemon.codebase.project import Project

START_MS = 1_700_000_000_000


PYTHON = "import requests\n\n\ndef loadPrices(items):\n    return requests.get(items)\n"
TYPESCRIPT = "\n\nexport class Cart {\n  render(data: Data) {\n    return data;\n  }\n}\n"
BOTH = ("loadPrices", "render")


def log(path: Path, duration_ms: float, handlers: tuple[str, ...]) -> Path:
    """A beat of each handler a second; `duration_ms`: of each."""
    lines = [
        json.dumps(
            {
                "timestamp": START_MS + number * 1000 + place,
                "kind": "beat-completed",
                "event": f"cart:{handler}",
                "handler": f"Cart.{handler}",
                "durationMs": duration_ms + number % 3,
            }
        )
        for number in range(60)
        for place, handler in enumerate(handlers)
    ]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def project(tmp_path: Path) -> Project:
    project = Project(tmp_path / "project")
    project.write(
        "prices.py", "import requests\n\n\ndef loadPrices(items):\n    return requests.get(items)\n"
    )
    project.write(
        "src/cart.ts", "\n\nexport class Cart {\n  render(data: Data) {\n    return data;\n  }\n}\n"
    )
    project.commit("first")
    return project


async def compared(tmp_path: Path, project: ProjectSettings, before: tuple[str, ...] = BOTH) -> Comparison:
    settings = Settings.model_validate({"jsonl": {"duration": "durationMs"}, "project": project})
    return await compare(log(tmp_path / "old.log", 20, before), log(tmp_path / "new.log", 80, BOTH), settings)


@pytest.mark.anyio
async def test_slow_handlers_are_located_in_python_and_typescript(tmp_path: Path, project: Project) -> None:
    found = await compared(tmp_path, ProjectSettings(root=project.root))
    slow = {each.location for each in found.recommendations if each.type == "code"}
    assert slow == {"prices.py:4", "src/cart.ts:4"}


@pytest.mark.anyio
async def test_without_a_root_the_handler_is_named_alone(tmp_path: Path, project: Project) -> None:
    found = await compared(tmp_path, ProjectSettings())
    assert {each.location for each in found.recommendations} == {"Cart.loadPrices", "Cart.render"}


@pytest.mark.anyio
async def test_a_handler_that_no_test_executed_is_a_gap(tmp_path: Path, project: Project) -> None:
    report = project.write(
        "lcov.info", "SF:prices.py\nDA:4,1\nDA:5,0\nend_of_record\nSF:src/cart.ts\nDA:5,3\nend_of_record\n"
    )
    settings = ProjectSettings(root=project.root, coverage=(report,))
    found = await compared(tmp_path, settings, before=("render",))
    (gap,) = [each for each in found.anomalies if isinstance(each, CoverageAnomaly)]
    assert (gap.handler, gap.kind) == ("loadPrices", "unreached")
