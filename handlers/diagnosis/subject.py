"""What an anomaly is about: its name for people, its declaration and the place of both."""

from __future__ import annotations

from handlers.model import AnyAnomaly, Handler


def subject(anomaly: AnyAnomaly) -> str:
    """ "Plugin.handler", else the event, else the sequence."""
    if anomaly.handler:
        return f"{anomaly.plugin}.{anomaly.handler}" if anomaly.plugin else anomaly.handler
    return anomaly.event or anomaly.sequence


def find_handler(handlers: tuple[Handler, ...], anomaly: AnyAnomaly) -> Handler | None:
    """The declaration of the beat that the anomaly names, or None.

    (sequence, event) is the identity. Where the log gave no sequence id, plug-in, event and function name
    must agree and leave only one declaration: event names are shared between sequences, and so are
    function names.
    """
    if exact := declared_beat(handlers, anomaly.sequence, anomaly.event):
        return exact
    alike = [
        handler
        for handler in handlers
        if (handler.plugin, handler.event, handler.name) == (anomaly.plugin, anomaly.event, anomaly.handler)
    ]
    return alike[0] if len(alike) == 1 else None


def declared_beat(handlers: tuple[Handler, ...], sequence: str, event: str) -> Handler | None:
    """The first declaration of (sequence id, event)."""
    return next((each for each in handlers if (each.sequence, each.event) == (sequence, event)), None)


def place(handler: Handler | None) -> str:
    """file:line of its function, else of its declaration."""
    if handler is not None and handler.file:
        return f"{handler.file}:{handler.line}"
    return declared_place(handler)


def declared_place(handler: Handler | None) -> str:
    """file:line of the declaration, the file alone where the line is not known, or ""."""
    if handler is None or not handler.definition_file:
        return ""
    line = f":{handler.definition_line}" if handler.definition_line else ""
    return f"{handler.definition_file}{line}"
