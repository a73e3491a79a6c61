"""file:line out of one line of a stack trace."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import PurePosixPath
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


def in_checkout(location: str, files: Iterable[str]) -> str:
    """ "file:line" with the file as the checkout names it: the one that shares the longest end of its path.

    As it stands where none does, or several do equally: "index.ts" alone can be many files.
    """
    path, colon, line = location.rpartition(":")
    if not colon or not line.isdecimal():
        return location
    parts = PurePosixPath(path.replace("\\", "/")).parts[::-1]
    best, found = 0, []
    for file in files:
        if not parts or not file.endswith(parts[0]):
            continue
        alike = 0
        for one, other in zip(parts, PurePosixPath(file).parts[::-1], strict=False):
            if one != other:
                break
            alike += 1
        if alike > best:
            best, found = alike, [file]
        elif alike == best and alike:
            found.append(file)
    return f"{found[0]}:{line}" if len(found) == 1 else location


def frame_location(frame: str) -> str:
    """ "file:line" of a JavaScript, Python, .NET or Java frame; the frame as it stands where it has another
    form, so that nothing the log knew is lost; "" for none.
    """
    for pattern in _FRAMES:
        if match := pattern.search(frame):
            return f"{match['file']}:{match['line']}"
    return frame.strip()
