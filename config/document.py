"""Reads a YAML file to plain values that know their lines.

PyYAML lets the last of two equal keys win, expands aliases without end and reads `1:30` as 90. So the file is
composed to nodes only, and the values are taken from those.
"""

from __future__ import annotations

import re
import stat
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec
import yaml

MAX_BYTES: Final = 262_144
"""PyYAML composes about 100 kB a second at worst; a reload must not take longer than a few seconds."""
MAX_DEPTH: Final = 8
"""Settings need 4. Composing is recursive, so deep nesting would exhaust the stack."""
MAX_PROBLEMS: Final = 100

_DECIMAL: Final = re.compile(r"[-+]?(?=\.?[0-9])(0|[1-9][0-9_]*)?(\.[0-9_]*)?([eE][-+]?[0-9]+)?")

Location = tuple[str | int, ...]
"""The names and list indices that lead to a value."""


class Line(NamedTuple):
    """A line of a file; 0 is the file as a whole."""

    path: Path
    number: int

    def __str__(self) -> str:
        return f"{self.path}:{self.number}" if self.number else str(self.path)


class Unusable(msgspec.Struct, frozen=True):
    """Stands for a value that no setting accepts, so that validation reports it together with all others."""

    reason: str


class Problems:
    """What is wrong, each with the place where to correct it."""

    def __init__(self) -> None:
        self._found: list[tuple[tuple[int, int], str]] = []
        self._files: dict[Path, int] = {}

    def __len__(self) -> int:
        return len(self._found)

    def reads(self, path: Path) -> None:
        """Problems are told in the order in which the files are read."""
        self._files.setdefault(path, len(self._files))

    def in_file(self, line: Line, text: str) -> None:
        self._add((self._files[line.path], line.number), f"{line}: {text}")

    def in_environment(self, variable: str, text: str) -> None:
        """These come after those of the files."""
        self._add((sys.maxsize, 0), f"{variable}: {text}")

    def _add(self, order: tuple[int, int], text: str) -> None:
        self._found.append((order, "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)))

    def lines(self) -> tuple[str, ...]:
        """The first `MAX_PROBLEMS` in the order of the files, and how many more there are."""
        texts = [text for _, text in sorted(self._found, key=lambda found: found[0])]
        more = len(texts) - MAX_PROBLEMS
        return (*texts[:MAX_PROBLEMS], *([f"and {more} more problems"] if more > 0 else []))


class Document(msgspec.Struct, frozen=True):
    """The content of a YAML file, with the line and the text of each value by its location."""

    values: dict[str, Any] = {}
    lines: dict[Location, Line] = {}
    texts: dict[Location, str] = {}

    def adopt(self, other: Document, prefix: Location) -> None:
        """Takes the lines and texts below `prefix` from `other`, in place of its own."""
        size = len(prefix)
        for location in [location for location in self.lines if location[:size] == prefix]:
            del self.lines[location]
            self.texts.pop(location, None)
        self.lines.update((at, line) for at, line in other.lines.items() if at[:size] == prefix)
        self.texts.update((at, text) for at, text in other.texts.items() if at[:size] == prefix)


def read_document(path: Path, problems: Problems) -> Document:
    """The file at `path`, as far as it can be used; what cannot is added to `problems`."""
    problems.reads(path)
    document = Document()
    text = _read_text(path, problems)
    root = None if text is None else _compose(path, text, problems)
    if isinstance(root, yaml.MappingNode):
        document.values.update(_mapping(path, root, (), document, problems))
    elif root is not None:
        line = Line(path, root.start_mark.line + 1)
        problems.in_file(line, "must hold sections such as detect: with settings below them")
    return document


def dotted(location: Location) -> str:
    """`("logs", "include", 0)` as logs.include[0]."""
    parts = (f"[{part}]" if isinstance(part, int) else f".{part}" for part in location)
    return "".join(parts).removeprefix(".")


def short(text: str) -> str:
    """As much of a text as a message should show of it."""
    return text if len(text) <= 80 else f"{text[:80]}…"


def _read_text(path: Path, problems: Problems) -> str | None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            problems.in_file(Line(path, 0), f"is {'a directory' if path.is_dir() else 'no regular file'}")
            return None
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except FileNotFoundError:
        problems.in_file(Line(path, 0), "is not there")
        return None
    except OSError as error:
        problems.in_file(Line(path, 0), f"cannot be read: {error.strerror}")
        return None
    if not data.strip():
        problems.in_file(Line(path, 0), "is empty; for the defaults, start without it")
    elif len(data) > MAX_BYTES:
        problems.in_file(Line(path, 0), f"is larger than {MAX_BYTES} bytes")
    else:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            line = data.count(b"\n", 0, error.start) + 1
            problems.in_file(Line(path, line), "is no UTF-8 text")
    return None


class _Loader(yaml.SafeLoader):
    """Composes nodes without aliases and only to `MAX_DEPTH`."""

    depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="text that starts with * must be in quotes", problem_mark=mark)
        if self.depth >= MAX_DEPTH:
            raise yaml.MarkedYAMLError(problem=f"is nested deeper than {MAX_DEPTH} levels", problem_mark=mark)
        self.depth += 1
        node: yaml.Node | None = super().compose_node(parent, index)
        self.depth -= 1
        return node


def _compose(path: Path, text: str, problems: Problems) -> yaml.Node | None:
    """The root node, or None. Errors do not show the text they are about: a wrong file may hold secrets."""
    line = 0
    try:
        loader = _Loader(text)
        try:
            root: yaml.Node | None = loader.get_single_node()
        finally:
            line = loader.line + 1
    except yaml.reader.ReaderError as error:
        line, reason = text.count("\n", 0, error.position) + 1, "holds a control character"
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else line
        context, reason = error.context or "", error.problem or ""
        if context.endswith(("an alias", "an anchor")):
            reason = "text that starts with * or & must be in quotes"
        elif reason.startswith("but "):
            reason = f"{context} {reason}"
    except (ValueError, OverflowError):
        reason = "a \\U escape names no character"
    else:
        if root is None:
            problems.in_file(Line(path, 0), "holds no settings; for the defaults, start without it")
        return root
    problems.in_file(Line(path, line), reason)
    return None


def _mapping(
    path: Path, node: yaml.MappingNode, location: Location, document: Document, problems: Problems
) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for key_node, value_node in node.value:
        line = Line(path, key_node.start_mark.line + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            problems.in_file(line, "a name must be plain text")
            continue
        name = str(key_node.value)
        here = (*location, name)
        if here in document.lines:
            reason = f"given twice, first in line {document.lines[here].number}; remove one"
            problems.in_file(line, f"{short(dotted(here))}: {reason}")
            continue
        document.lines[here] = line
        values[name] = _value(path, value_node, here, document, problems)
    return values


def _value(path: Path, node: yaml.Node, location: Location, document: Document, problems: Problems) -> Any:
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _mapping(path, node, location, document, problems)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        items: list[Any] = []
        for index, item in enumerate(node.value):
            document.lines[*location, index] = Line(path, item.start_mark.line + 1)
            items.append(_value(path, item, (*location, index), document, problems))
        return items
    if isinstance(node, yaml.ScalarNode):
        document.texts[location] = node.value
        return _scalar(kind, node.value)
    return Unusable(f"must not be tagged {kind}")


def _scalar(kind: str, text: str) -> str | float | bool | Unusable | None:
    if kind == "str":
        return text
    if kind == "null":
        return None
    if kind == "bool" and text.lower() in yaml.SafeLoader.bool_values:
        return yaml.SafeLoader.bool_values[text.lower()]
    if kind not in {"int", "float"}:
        return Unusable(f"YAML reads this as {kind}; put text in quotes")
    if _DECIMAL.fullmatch(text):
        return float(text.replace("_", ""))
    # YAML 1.1 reads 1:30 as 90 and 010 as 8, which nobody means.
    return Unusable("is no plain decimal number; put text in quotes")
