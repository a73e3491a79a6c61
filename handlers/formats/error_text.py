"""Errors as programs print them: type, message, the frame that belongs to the project, and the template."""

from __future__ import annotations

import re
from typing import Final

_TYPED: Final = re.compile(r"(?:Uncaught )?([A-Za-z_$][\w$.]{0,99})(?: \[\w+\])?: ?(.*)", re.DOTALL)
_FOREIGN: Final = re.compile(r"node_modules|(?:^|\()node:|(site|dist)-packages|/lib/python|<anonymous>\)?$")

_MASKS: Final = (
    (re.compile(r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"), "<uuid>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:Z|[+-]\d\d:?\d\d)?"), "<time>"),
    (re.compile(r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"), "<address>"),
    (re.compile(r"\b[\w.+-]+@[\w-]+\.[\w.-]+\b"), "<mail>"),
    (re.compile(r"\b0x[0-9a-fA-F]+\b"), "<hex>"),
    (re.compile(r"\b(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}\b"), "<hex>"),
    (re.compile(r"(?<![A-Za-z_\d])[-+]?\d+(?:[.,]\d+)*"), "<number>"),
)
MAX_TEMPLATE_CHARS: Final = 300


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
    return next((frame for frame in cleaned if not _FOREIGN.search(frame)), cleaned[0] if cleaned else "")


def error_template(message: str) -> str:
    """Masks what varies from one occurrence to the next: numbers, ids, times, addresses. First line only."""
    line = message.partition("\n")[0]
    for pattern, mask in _MASKS:
        line = pattern.sub(mask, line)
    return line[:MAX_TEMPLATE_CHARS]
