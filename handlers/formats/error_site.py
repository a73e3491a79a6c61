"""Where in the project an error was thrown, in words that a deployment does not change."""

from __future__ import annotations

import re
from typing import Final

from handlers.formats.error_text import is_foreign

_FRAMES: Final = (
    # Python: File "/app/panel.py", line 12, in render
    re.compile(r'File "(?P<file>[^"]+)"(?:, line \d+)?(?:, in (?P<name>.+))?'),
    # .NET: Shop.Cart.Add(Item item) in C:\src\Cart.cs:line 42, or without a file
    re.compile(r"(?P<name>[^()]+)\((?![^()]*:\d+\)$)[^()]*\)(?: in (?P<file>.+?)(?::line \d+)?)?"),
    # JavaScript: render (file:///app/panel.mjs:119:17), /app/panel.mjs:119:17, Firefox: render@https://…
    # Java: com.shop.Cart.add(Cart.java:42)
    re.compile(r"(?:(?P<name>[^()@]*?) ?[(@])?(?P<file>[^()@]+?)(?::\d+){1,2}\)?"),
)
_HASH: Final = re.compile(
    # main.3fa9c1d2.js, index-BkTzxQ_z.js, app-1.4.2.jar, 4821.js
    r"[.-](?=\w*\d)\w{6,}(?=[.-])|[.-](?=\w*[a-z_])(?=\w+[A-Z])[\w]{8}(?=[.-])|[.-]v?\d+(?=[.-])"
    r"|^(?=[a-f]*\d)[0-9a-f]{4,}(?=[.-])"
)
_DECORATION: Final = (
    # What compilers and runtimes put around the name of a function.
    (re.compile(r"^(?:[\w.@]*/)+"), ""),  # Java modules
    (re.compile(r"^(?:async|new|get|set) | \[as [^\]]*\]|^Object\."), ""),
    (re.compile(r"<>c(?:__DisplayClass[\d_]+)?\."), ""),
    (re.compile(r"<(\w+)>[a-z]__[\w|]+(?:\.MoveNext)?"), r"\1"),
    (re.compile(r"\$\$Lambda.*|\$\d+"), ""),
)
_SHORTEST_NAME: Final = 3
"""A shorter name may come from a minifier, which gives another one each time."""


def error_site(frame: str) -> str:
    """Function and file of an own frame, as "render (panel.mjs)"; "" for a frame of others, or none.

    Lines, columns and folders are left out, and so are hashes and versions in the name of the file.
    """
    if not frame or is_foreign(frame):
        return ""
    for pattern in _FRAMES:
        if match := pattern.fullmatch(frame):
            name, file = match["name"] or "", match["file"] or ""
            return f"{_function(name)} ({_file(file)})".strip()
    return frame


def _function(name: str) -> str:
    for pattern, plain in _DECORATION:
        name = pattern.sub(plain, name)
    return name if len(re.split(r"[.#]", name)[-1]) >= _SHORTEST_NAME else ""


def _file(path: str) -> str:
    return _HASH.sub("", re.split(r"[/\\]", path.partition("?")[0])[-1])
