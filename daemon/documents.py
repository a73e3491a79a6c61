"""JSON and YAML documents with the line of each of their parts, so that every problem has a place."""

from __future__ import annotations

import re
from typing import Final, TypeVar

import msgspec
import yaml

T = TypeVar("T")

_LOADER: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_YAML_ONLY: Final = {ord(char): " " for char in "\t\x85\u2028\u2029"}
"""Tabs stop YAML, the others are line breaks only to YAML: both are allowed in JSON."""
_MAX_DEPTH: Final = 100
_MAX_NODES_BYTES: Final = 4 * 1024 * 1024
"""Nodes take about 50 times the memory of their text."""


class MalformedError(Exception):
    """A document that cannot be used, with the line at fault."""

    def __init__(self, line: int, reason: str) -> None:
        super().__init__(reason)
        self.line = line
        self.reason = reason


def decode_json(raw: bytes, kind: type[T]) -> T:
    """Raises MalformedError."""
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(error, json_nodes(raw)) from error
    except msgspec.DecodeError as error:
        byte = re.search(r" \(byte (\d+)\)$", str(error))
        position = int(byte[1]) if byte else len(raw.rstrip())
        reason = str(error).removesuffix(byte[0]) if byte else str(error)
        raise MalformedError(line_of(raw, position), reason) from error


def decode_yaml(text: str, nodes: yaml.Node | None, kind: type[T]) -> T:
    """`nodes`: of the same text, from `yaml_nodes`. Raises MalformedError."""
    try:
        return msgspec.yaml.decode(text, type=kind)
    except msgspec.ValidationError as error:
        raise invalid(error, nodes) from error
    except msgspec.DecodeError as error:
        raise MalformedError(1, str(error).splitlines()[0]) from error


def invalid(error: msgspec.ValidationError, nodes: yaml.Node | None) -> MalformedError:
    """msgspec names the place as "… - at `$.movements[0].beats[1]`"."""
    path = re.findall(r"\.(\w+)|\[(\d+)\]", str(error).rpartition(" - at ")[2])
    steps = tuple(int(index) if index else key for key, index in path)
    return MalformedError(line_at(nodes, *steps) or 1, str(error))


def line_of(raw: bytes, position: int) -> int:
    return raw.count(b"\n", 0, position) + 1


def json_nodes(raw: bytes) -> yaml.Node | None:
    """JSON is YAML once its escapes are masked, which have no part in its structure.

    None for the rare document that is JSON only, and for one over 4 MiB: their lines stay unknown.
    """
    if len(raw) > _MAX_NODES_BYTES:
        return None
    masked = re.sub(r"\\.", "xx", raw.decode()).translate(_YAML_ONLY)
    try:
        return _compose(masked)
    except yaml.YAMLError:
        return None


def yaml_nodes(text: str) -> yaml.Node | None:
    """None for a document without content. Raises MalformedError."""
    if len(text) > _MAX_NODES_BYTES:
        raise MalformedError(1, f"has {len(text):,} characters, too many for YAML: split it, or use JSON")
    try:
        return _compose(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise MalformedError(line, f"YAML is malformed: {error.problem or error.context}") from error
    except yaml.YAMLError as error:
        raise MalformedError(1, f"YAML is malformed: {str(error).splitlines()[0]}") from error


def _compose(text: str) -> yaml.Node | None:
    """Looks at the depth first: libyaml composes by recursion in C, where too much of it is a crash."""
    depth = 0
    for event in yaml.parse(text, Loader=_LOADER):
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise MalformedError(
                event.start_mark.line + 1 if event.start_mark else 1,
                f"is nested over {_MAX_DEPTH} levels deep",
            )
    node: yaml.Node | None = yaml.compose(text, Loader=_LOADER)
    return node


def line_at(node: yaml.Node | None, *steps: str | int) -> int:
    """Line of what stands at the end of the steps, or as far as they lead; 0 where no line is known."""
    line = node.start_mark.line + 1 if node else 0
    for step in steps:
        node = child(node, step)
        if node is None:
            break
        line = node.start_mark.line + 1
    return line


def child(node: yaml.Node | None, step: str | int) -> yaml.Node | None:
    """The value of a key or the item of an index, or None."""
    if isinstance(node, yaml.MappingNode):
        return next((value for key, value in node.value if key.value == step), None)
    if isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
        item: yaml.Node = node.value[step]
        return item
    return None
