"""XML read as a stream of start and end tags, by expat, with nothing of XML that can hurt.

Entities that a document declares are refused, so none expands, however often it is nested. expat fetches
nothing by itself: a document type that names a DTD at some address is passed over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from typing import Final
from xml.parsers import expat

from daemon.documents import MalformedError

_MAX_DEPTH: Final = 100


class _Done(Exception):
    pass


def read_xml(
    raw: bytes,
    start: Callable[[str, Mapping[str, str]], None],
    end: Callable[[str], None] = lambda _: None,
) -> None:
    """Calls `start` with tag and attributes and `end` with the tag. Raises MalformedError."""
    parser = expat.ParserCreate()
    depth = 0

    def opened(tag: str, attributes: dict[str, str]) -> None:
        nonlocal depth
        depth += 1
        if depth > _MAX_DEPTH:
            raise MalformedError(parser.CurrentLineNumber, f"is nested over {_MAX_DEPTH} levels deep")
        start(tag, attributes)

    def closed(tag: str) -> None:
        nonlocal depth
        depth -= 1
        end(tag)

    def declared(name: str, *_: object) -> None:
        raise MalformedError(
            parser.CurrentLineNumber, f"declares the entity {name[:40]}: no report needs one"
        )

    parser.StartElementHandler = opened
    parser.EndElementHandler = closed
    parser.EntityDeclHandler = declared
    try:
        parser.Parse(raw, True)
    except expat.ExpatError as error:
        raise MalformedError(error.lineno, f"XML is malformed: {expat.ErrorString(error.code)}") from error
    except (ValueError, LookupError) as error:  # an encoding that is not known, or not for XML
        raise MalformedError(1, f"XML is malformed: {error}") from error


def root_tag(raw: bytes) -> str:
    """The first tag. Raises MalformedError."""
    tag = ""

    def first(name: str, _: Mapping[str, str]) -> None:
        nonlocal tag
        tag = name
        raise _Done

    with contextlib.suppress(_Done):
        read_xml(raw, first)
    return tag
