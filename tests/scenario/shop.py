"""A small shop in Python and TypeScript, with a history in git and a log of a run every 30 seconds."""

from __future__ import annotations

import json
import random
from pathlib import Path
from typing import Any, Final

import msgspec

from tests.daemon.codebase.project import Project

BEGIN_S: Final = 1_700_000_000
HOUR_S: Final = 3600
EVERY_S: Final = 30
DEPLOY_S: Final = 120
"""A commit takes effect so much later."""
SEQUENCE: Final = "shop-export"
BEATS: Final = ("prices:load", "css:collect", "layout:collect", "panel:render")
HANDLERS: Final = dict(zip(BEATS, ("loadPrices", "collectCss", "collectLayout", "renderPanel"), strict=True))

PRICES: Final = """import requests


def loadPrices(items):
    found = requests.post("/prices", json=items)
    return found.json()
"""
SLOW_PRICES: Final = """import requests


def loadPrices(items):
    found = []
    for item in items:
        found.append(requests.get("/prices/" + item))
    return found
"""
PANEL: Final = """import { view } from "./view";

export function renderPanel(panel?: Panel): View {
  const fields = panel?.fields ?? [];
  return view(fields);
}
"""
BROKEN_PANEL: Final = PANEL.replace("panel?.fields ?? []", "panel.fields")
EXPORT: Final = """import { collectCss, collectLayout } from "./collect";
import { renderPanel } from "./panel";

export async function playExport(page: Page): Promise<View> {
  await loadPrices(page.items);
  await collectCss(page);
  await collectLayout(page);
  return renderPanel(page.panel);
}
"""
SWAPPED_EXPORT: Final = EXPORT.replace(
    "  await collectCss(page);\n  await collectLayout(page);\n",
    "  await collectLayout(page);\n  await collectCss(page);\n",
)
COLLECT: Final = """export async function collectCss(page: Page) {
  return page.css;
}

export async function collectLayout(page: Page) {
  return page.layout;
}
"""
DEFINITION: Final = json.dumps(
    {
        "pluginId": "Shop",
        "id": SEQUENCE,
        "name": "Shop Export",
        "movements": [
            {
                "beats": [
                    {"beat": number, "event": event, "handler": HANDLERS[event]}
                    for number, event in enumerate(BEATS, 1)
                ]
            }
        ],
    },
    indent=2,
)


class Commits(msgspec.Struct, frozen=True):
    """Their ids."""

    slow: str
    innocent: str
    bug: str
    swapped: str


def make_project(root: Path) -> Commits:
    """The shop with three faults and, between them, a commit that has nothing to do with them."""
    project = Project(root)
    for path, text in {
        "prices.py": PRICES,
        "src/panel.ts": PANEL,
        "src/export.ts": EXPORT,
        "src/collect.ts": COLLECT,
        "src/theme.ts": "export function themeOf(page: Page) {\n  return page.theme;\n}\n",
        "sequences/export.json": DEFINITION,
    }.items():
        project.write(path, text)
    project.commit("The shop", BEGIN_S - 24 * HOUR_S)
    project.write("prices.py", SLOW_PRICES)
    slow = project.commit("One request for each price", BEGIN_S + HOUR_S)
    project.write(
        "src/theme.ts", "export function themeOf(page: Page) {\n  return page.theme ?? 'dark';\n}\n"
    )
    innocent = project.commit("Dark is the usual theme", BEGIN_S + HOUR_S + 30)
    project.write("src/panel.ts", BROKEN_PANEL)
    bug = project.commit("Panels always have fields", BEGIN_S + 2 * HOUR_S)
    project.write("src/export.ts", SWAPPED_EXPORT)
    swapped = project.commit("Layout before style", BEGIN_S + 3 * HOUR_S)
    return Commits(slow, innocent, bug, swapped)


def write_log(path: Path, hours: int = 4) -> None:
    """The log of the shop; each fault shows two minutes after its commit."""
    chance = random.Random(11)
    with path.open("w") as log:
        for number in range(hours * HOUR_S // EVERY_S):
            for line in _run(number, BEGIN_S + number * EVERY_S, chance):
                log.write(json.dumps(line) + "\n")


def _run(number: int, at_s: int, chance: random.Random) -> list[dict[str, Any]]:
    def is_live(commit_hour: int) -> bool:
        return at_s >= BEGIN_S + commit_hour * HOUR_S + DEPLOY_S

    beats = list(BEATS)
    if is_live(3):
        beats[1:3] = beats[2:0:-1]
    about = {"sequence": SEQUENCE, "requestId": f"run-{number}"}
    lines: list[dict[str, Any]] = [{"timestamp": at_s, "event": "sequence-started", **about}]
    for place, event in enumerate(beats, 1):
        beat = {"event": event, "handler": f"Shop.{HANDLERS[event]}", **about}
        took_ms = 20 * chance.lognormvariate(0, 0.1)
        if event == "prices:load" and is_live(1):
            took_ms *= 4
        if event == "panel:render" and is_live(2) and chance.random() < 0.3:
            stack = (
                "TypeError: Cannot read properties of undefined (reading 'fields')\n"
                "    at renderPanel (/srv/shop/src/panel.ts:4:24)\n"
                "    at playExport (/srv/shop/src/export.ts:8:10)"
            )
            message = "Cannot read properties of undefined (reading 'fields')"
            error = {"name": "TypeError", "message": message, "stack": stack}
            lines.append({"timestamp": at_s + place, "error": error, **beat})
        lines.append(
            {
                "timestamp": at_s + place,
                "kind": "beat-completed",
                "duration": round(took_ms, 2),
                **beat,
            }
        )
    lines.append({"timestamp": at_s + 6, "event": "sequence-completed", **about})
    return lines
