"""Text for people: wrapped to the terminal, coloured only there, control characters made visible."""

from __future__ import annotations

import io
import os
import re
import shutil
import sys
from collections.abc import Sequence
from typing import Final

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from handlers.model import Severity

MAX_WIDTH: Final = 100
"""Longer lines are hard to read, however wide the terminal is."""
LABEL_WIDTH: Final = 11

SEVERITY_STYLES: Final[dict[Severity, str]] = {
    "critical": "bold red",
    "high": "red",
    "medium": "yellow",
    "low": "cyan",
}

Part = str | tuple[str, str]
"""A text, or a text and its style."""


class Page:
    """Collects lines; `text` is what to write."""

    def __init__(self) -> None:
        self._width = max(40, min(MAX_WIDTH, shutil.get_terminal_size((80, 24)).columns))
        self._out = io.StringIO()
        self._console = Console(
            file=self._out,
            width=self._width,
            force_terminal=_has_colour(),
            color_system="standard" if _has_colour() else None,
            soft_wrap=True,
            highlight=False,
            markup=False,
            emoji=False,
        )

    def text(self) -> str:
        return self._out.getvalue()

    def blank(self) -> None:
        self._out.write("\n")

    def head(self, *parts: Part, hang: int = 0) -> None:
        """The title of what follows, behind an empty line. `hang` indents its lines but for the first."""
        if self._out.tell():
            self.blank()
        self.say(*((part, "bold") if isinstance(part, str) else part for part in parts), hang=hang)

    def say(self, *parts: Part, indent: int = 0, first: str = "", hang: int = 0) -> None:
        """A paragraph. `first` stands before its first line, which the others are indented by, and `hang`."""
        text = Text()
        for part in parts:
            words, style = (part, "") if isinstance(part, str) else part
            text.append(visible(words), style)
        breaks = _breaks(text.plain, max(20, self._width - indent - len(first) - hang))
        for number, line in enumerate(text.divide(breaks)):
            line.rstrip()
            lead = first if number == 0 else " " * (len(first) + hang)
            self._console.print(Text(" " * indent).append(lead, "dim").append_text(line))

    def line(self, text: str) -> None:
        """One line as it is, neither wrapped nor with its spaces taken together."""
        self._console.print(Text(visible(text)))

    def field(self, label: str, *parts: Part, indent: int = 2) -> None:
        """A paragraph with its label on the left."""
        self.say(*parts, indent=indent, first=f"{label:<{LABEL_WIDTH}} ")

    def fields(self, label: str, values: Sequence[str], *, numbered: bool = False, indent: int = 2) -> None:
        """A list with its label on the left; nothing if it is empty."""
        for number, value in enumerate(values, 1):
            mark = f"{number}. " if numbered else "- " if len(values) > 1 else ""
            named = label if number == 1 else ""
            self.say(value, indent=indent, first=f"{named:<{LABEL_WIDTH}} {mark}")


def visible(text: str) -> str:
    """The text with an escape for each character that does not print: logs must not steer the terminal."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _breaks(text: str, width: int) -> list[int]:
    """Where to begin a new line. Words are never broken: a path or an id must stay whole to be copied."""
    breaks: list[int] = []
    filled = 0
    for word in re.finditer(r"\S+\s*", text):
        if filled and filled + cell_len(word[0].rstrip()) > width:
            breaks.append(word.start())
            filled = 0
        filled += cell_len(word[0])
    return breaks


def _has_colour() -> bool:
    """Colour only on a terminal that has it, and not against the user's wish (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
