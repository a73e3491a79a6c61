"""Sequence definitions as JSON or YAML: id, name, pluginId, and movements with their beats."""

from __future__ import annotations

import msgspec
import yaml

from daemon.documents import child, decode_json, decode_yaml, json_nodes, line_at, yaml_nodes
from handlers.model import Handler, Sequence


class SequenceSource(msgspec.Struct, frozen=True):
    """One definition as it stands in its file."""

    sequence: Sequence
    line: int
    """Line of the id; 0 where it is not known."""
    handlers: tuple[Handler, ...]


class _Beat(msgspec.Struct, frozen=True, rename="camel"):
    event: str
    handler: str | None = None
    beat: int | None = None
    kind: str | None = None
    test_file: str | None = None
    test_case: str | None = None


class _Movement(msgspec.Struct, frozen=True):
    beats: tuple[_Beat, ...]


class _Definition(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    movements: tuple[_Movement, ...]
    name: str = ""
    plugin_id: str = ""


def read_json_definition(file: str, raw: bytes) -> SequenceSource:
    """Raises MalformedError."""
    return _source(file, decode_json(raw, _Definition), json_nodes(raw))


def read_yaml_definition(file: str, text: str) -> SequenceSource | None:
    """None for YAML that is no sequence definition. Raises MalformedError."""
    nodes = yaml_nodes(text)
    if child(nodes, "movements") is None:
        return None
    return _source(file, decode_yaml(text, nodes, _Definition), nodes)


def _source(file: str, definition: _Definition, nodes: yaml.Node | None) -> SequenceSource:
    """The movements are joined in order; a beat without a number has its place in that order."""
    beats = [
        (beat, line_at(nodes, "movements", movement_index, "beats", beat_index, "event"))
        for movement_index, movement in enumerate(definition.movements)
        for beat_index, beat in enumerate(movement.beats)
    ]
    sequence = Sequence(
        id=definition.id,
        name=definition.name,
        plugin=definition.plugin_id,
        events=tuple(beat.event for beat, _ in beats),
        file=file,
    )
    handlers = tuple(
        Handler(
            sequence=definition.id,
            event=beat.event,
            plugin=definition.plugin_id,
            name=beat.handler or "",
            beat=position if beat.beat is None else beat.beat,
            kind=beat.kind or "",
            test_file=(beat.test_file or "").replace("\\", "/"),
            test_case=beat.test_case or "",
            definition_file=file,
            definition_line=line,
        )
        for position, (beat, line) in enumerate(beats, 1)
    )
    return SequenceSource(sequence, line_at(nodes, "id"), handlers)
