"""file:line out of one line of a stack trace."""

from __future__ import annotations

import re
from typing import Final

_FRAMES: Final = (
    # Python: File "/app/panel.py", line 12, in render
    re.compile(r'File "(?P<file>[^"]+)", line (?P<line>\d+)'),
    # .NET: at Shop.Cart.Add(Item item) in C:\src\Cart.cs:line 42
    re.compile(r"\) in (?P<file>.+?):line (?P<line>\d+)"),
    # JavaScript: at render (file:///app/panel.mjs:119:17), at /app/panel.mjs:119:17, Firefox render@https://…
    re.compile(r"(?:^|[(@\s])(?:file://)?(?P<file>[^\s()@]+):(?P<line>\d+):\d+\)?\s*$"),
    # Java: at com.shop.Cart.add(Cart.java:42)
    re.compile(r"\((?P<file>[^\s():]+):(?P<line>\d+)\)"),
)


def frame_location(frame: str) -> str:
    """ "file:line" of a JavaScript, Python, .NET or Java frame; the frame as it stands where it has another
    form, so that nothing the log knew is lost; "" for none.
    """
    for pattern in _FRAMES:
        if match := pattern.search(frame):
            return f"{match['file']}:{match['line']}"
    return frame.strip()
