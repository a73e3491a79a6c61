"""Errors as programs print them: type, message, and the frame that belongs to the project."""

from __future__ import annotations

import re
from typing import Final

_TYPED: Final = re.compile(r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,99})(?: \[\w+\])?: ?(.*)", re.DOTALL)
_FOREIGN: Final = re.compile(
    r"node_modules|(?:^|\()node:|<anonymous>\)?$"
    r"|(?:site|dist)-packages|/lib/python|<frozen "
    r"|^(?:[\w.@]+/)*(?:java|javax|jdk|sun|System|Microsoft)\."
)
"""Frames of Node, of Python, of Java and .NET."""


def split_error(text: str) -> tuple[str, str]:
    """Splits "TypeError: message" into type and message; text without a type has type "Error"."""
    match = _TYPED.fullmatch(text.strip())
    if match is None:
        return "Error", text.strip()
    return match[1], match[2]


def own_frame(frames: list[str]) -> str:
    """The first stack frame that is not a library's or the runtime's; the very first where all are."""
    # Node opens the error's own fields behind the last frame.
    cleaned = [frame.strip().removeprefix("at ").removesuffix(" {") for frame in frames]
    return next((frame for frame in cleaned if not is_foreign(frame)), cleaned[0] if cleaned else "")


def is_foreign(frame: str) -> bool:
    """Whether a frame is a library's or the runtime's."""
    return _FOREIGN.search(frame) is not None
