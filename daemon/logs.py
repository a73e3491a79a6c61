"""The program's own log: one set-up and one function, `tell`, with which everything in `daemon` speaks."""

from __future__ import annotations

import contextlib
import json
import logging
import math
import os
import re
import sys
import time
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

from loguru import logger

from daemon.repeats import Repeats
from handlers.redaction import redacted

if TYPE_CHECKING:
    from types import TracebackType

    from loguru import Message, Record

    from config.settings import Log

Level = Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"]

_PRIORITY: Final = {
    "TRACE": 7, "DEBUG": 7, "INFO": 6, "SUCCESS": 5, "WARNING": 4, "ERROR": 3, "CRITICAL": 2,
}  # fmt: skip
"""Syslog priority of each level of loguru (sd-daemon(3), RFC 5424 section 6.2.1)."""

_JOURNAL: Final = "{message}{extra[pairs]}{extra[trace]}"
_TERMINAL: Final = (
    "<dim>{time:HH:mm:ss}</dim> <level>{level: <8}</level> {message}<dim>{extra[pairs]}</dim>{extra[trace]}"
)
_PLAIN: Final = "{time:YYYY-MM-DDTHH:mm:ss.SSSZ} {level: <8} {message}{extra[pairs]}{extra[trace]}"

_RESERVED: Final = frozenset({"time", "level", "event", "message", "exception"})
_BARE: Final = re.compile(r"[\w./:@%+-]+")
_CONTROL: Final = {code: f"\\x{code:02x}" for code in (*range(0x20), *range(0x7F, 0xA0)) if code != ord("\n")}

_repeats: Final = Repeats()
_sinks: list[int] = [0]
"""The sinks of the last configuration; 0 is the one that loguru starts with."""


def configure_logging(log: Log, environ: Mapping[str, str]) -> None:
    """Sends the log to standard error and, if set, to a file; a further call replaces the configuration.

    Standard error that is the journal gets every line with its priority, a terminal gets colour (unless
    NO_COLOR is set, https://no-color.org) and short local time, anything else plain lines with ISO time.
    The format "text" asks for the plain lines everywhere, "json" for one object a line.
    Secrets are taken out, unless the settings say otherwise.

    Raises OSError when the file cannot be opened; the configuration is then the one from before.
    """
    journal = _is_journal(environ)
    plain = _as_json if log.format == "json" else _PLAIN
    suited = _JOURNAL if journal else _TERMINAL if sys.stderr.isatty() else _PLAIN
    common: dict[str, Any] = {"level": log.level}
    added: list[int] = []
    if log.file is not None:
        added.append(
            logger.add(
                log.file,
                format=plain,
                rotation=log.rotation_bytes,
                retention=log.retention_files,
                encoding="utf-8",
                errors="backslashreplace",  # a file name that is not UTF-8 must not cost the line
                **common,
            )
        )
    added.append(
        logger.add(
            _to_journal if journal else _to_stderr,
            format=suited if log.format == "auto" else plain,
            colorize=suited is _TERMINAL and not environ.get("NO_COLOR"),
            **common,
        )
    )
    for sink in _sinks:
        with contextlib.suppress(ValueError):  # somebody else has removed it
            logger.remove(sink)
    _sinks[:] = added
    _repeats.clear()
    logger.configure(
        extra={"event": "", "pairs": "", "fields": {}, "trace": ""},
        patcher=_redact if log.redact else _leave_as_it_is,
    )
    _route_standard_library()


def tell(
    level: Level, event: str, sentence: str, *, exception: BaseException | None = None, **fields: object
) -> None:
    """Logs one event: a stable name for programs, a sentence for people, and the figures as fields.

    As text: the sentence and ` key=value` for each field. As JSON: {"time", "level", "event", "message",
    ...fields}, where a field with one of those names gets a `_` behind it. `exception` adds its traceback,
    without the values of variables. Of what repeats itself only some is written, see `daemon.repeats`.
    """
    tell_repeats()
    # What is for debugging is wanted whole.
    if level == "DEBUG" or _repeats.is_told(level, event, sentence, fields, time.monotonic()):
        _write(level, event, sentence, exception, fields)


def tell_repeats() -> None:
    """Tells how much was left out, once its time is over. To be called now and then."""
    for each in _repeats.ended(time.monotonic()):
        sentence = f"… {each.count} more like this: {each.sentence}"
        _write(each.level, "repeated", sentence, None, {"of": each.event, "count": each.count})


def tell_crash(kind: type[BaseException], error: BaseException, traceback_: TracebackType | None) -> None:
    """For `sys.excepthook`: what ends the program is told as all else is, redacted and with its priority."""
    tell("CRITICAL", "crashed", f"a defect, please report it: {kind.__name__}", exception=error)


def _write(
    level: str, event: str, sentence: str, exception: BaseException | None, fields: Mapping[str, object]
) -> None:
    values = {key: _json_value(value) for key, value in fields.items()}
    pairs = "".join(f" {key}={_bare(value)}" for key, value in values.items())
    trace = "" if exception is None else "\n" + "".join(traceback.format_exception(exception)).rstrip("\n")
    bound = logger.bind(
        event=event, pairs=pairs.translate(_CONTROL), fields=values, trace=trace.translate(_CONTROL)
    )
    # Without further arguments loguru does not format the message, so braces in it are safe.
    bound.log(level, sentence.translate(_CONTROL))


def _redact(record: Record) -> None:
    """Whatever is logged may hold a piece of a log line, or of what an operating system call said of it."""
    extra = record["extra"]
    record["message"] = redacted(record["message"])
    extra["pairs"] = redacted(extra["pairs"])
    extra["trace"] = redacted(extra["trace"])
    extra["fields"] = {
        key: redacted(value) if isinstance(value, str) else value for key, value in extra["fields"].items()
    }


def _leave_as_it_is(_: Record) -> None:
    """loguru takes no patcher for "as before"."""


def _is_journal(environ: Mapping[str, str]) -> bool:
    """Whether file descriptor 2 is the journal's stream (systemd.exec(5), $JOURNAL_STREAM)."""
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return environ.get("JOURNAL_STREAM") == f"{status.st_dev}:{status.st_ino}"


def _to_stderr(message: Message) -> None:
    sys.stderr.write(message)
    sys.stderr.flush()


def _to_journal(message: Message) -> None:
    """Each line is an entry of its own there: without its own prefix it would get the priority "info"."""
    priority = _PRIORITY[message.record["level"].name]
    lines = message.rstrip("\n").split("\n")
    sys.stderr.write("".join(f"<{priority}>{line}\n" for line in lines))
    sys.stderr.flush()


def _as_json(record: Record) -> str:
    """A format for loguru: leaves the line in `extra` and returns the template that prints it."""
    extra = record["extra"]
    line = {
        "time": record["time"].isoformat(timespec="milliseconds"),
        "level": record["level"].name,
        "event": extra["event"],
        "message": record["message"],
    }
    line |= {f"{key}_" if key in _RESERVED else key: value for key, value in extra["fields"].items()}
    if extra["trace"]:
        line["exception"] = extra["trace"].removeprefix("\n")
    extra["json"] = json.dumps(line, allow_nan=False)
    return "{extra[json]}\n"


def _json_value(value: object) -> object:
    """The value as JSON can hold it: NaN and infinity, which it cannot, and all other types as text."""
    if isinstance(value, list | tuple):
        return [_json_value(part) for part in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return value if value is None or isinstance(value, str | int) else str(value)


def _bare(value: object) -> str:
    """The value after `key=`: in quotes where a reader could not tell its end."""
    if isinstance(value, str) and _BARE.fullmatch(value):
        return value
    return json.dumps(value, ensure_ascii=False)


class _StandardLibrary(logging.Handler):
    """Hands what libraries log with the standard library to `tell`."""

    def emit(self, record: logging.LogRecord) -> None:
        error = record.exc_info[1] if record.exc_info else None
        level = _level_of(record.levelno)
        tell(level, "library-message", record.getMessage(), exception=error, logger=record.name)


def _level_of(number: int) -> Level:
    if number >= logging.CRITICAL:
        return "CRITICAL"
    if number >= logging.ERROR:
        return "ERROR"
    if number >= logging.WARNING:
        return "WARNING"
    return "INFO" if number >= logging.INFO else "DEBUG"


def _route_standard_library() -> None:
    root = logging.getLogger()
    if not any(isinstance(handler, _StandardLibrary) for handler in root.handlers):
        root.addHandler(_StandardLibrary())
    for name in (None, "watchdog", "apscheduler"):
        logging.getLogger(name).setLevel(logging.WARNING)  # below it they report each event and each tick
