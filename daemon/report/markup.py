"""HTML made of elements: all text is escaped, since log lines and names end up in it."""

from __future__ import annotations

import html
from typing import Final

_VOID: Final = frozenset({"meta", "line", "path", "polyline", "rect", "circle"})


class Element(str):
    """Markup that is done; a plain `str` beside it is text and will be escaped."""

    __slots__ = ()


def element(tag: str, /, *children: str | Element | None, **attributes: str | float | None) -> Element:
    """`class_` is class, `view_box` is viewBox; other underscores are hyphens. None is left out."""
    written = "".join(
        f' {_NAMES.get(key, key.replace("_", "-"))}="{html.escape(_text(value))}"'
        for key, value in attributes.items()
        if value is not None
    )
    if tag in _VOID:
        return Element(f"<{tag}{written}/>")
    return Element(f"<{tag}{written}>{joined(*children)}</{tag}>")


def joined(*children: str | Element | None) -> Element:
    return Element("".join(_escaped(child) for child in children if child is not None))


def raw(text: str) -> Element:
    """Text of this program's own that is markup, as a style sheet is."""
    return Element(text)


def _escaped(child: str | Element) -> str:
    return child if isinstance(child, Element) else html.escape(child)


def _text(value: str | float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


_NAMES: Final = {"class_": "class", "view_box": "viewBox", "for_": "for"}
