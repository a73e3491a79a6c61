"""Tells the steps of an installation, each as it is taken, or all together as JSON."""

from __future__ import annotations

from daemon.cli import as_json
from daemon.cli.options import Format
from daemon.cli.output import write
from daemon.service.steps import Step


class Telling:
    def __init__(self, output: Format) -> None:
        self._output = output
        self._steps: list[dict[str, str]] = []

    def add(self, step: Step) -> None:
        """Call it before the step is taken."""
        if self._output == "text":
            write(f"{step}\n")
        word, _, about = str(step).partition(" ")
        self._steps.append({"step": word, "about": about.lstrip()})

    def end(self) -> None:
        """All steps are taken."""
        if self._output == "json":
            write(as_json.document({"steps": self._steps}))
