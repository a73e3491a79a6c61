"""A declared format that ends where the time of `re` is exponential, as it is for some patterns and lines."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Final

from config.patterns import LINEAR
from config.settings import Settings
from daemon.log_port import lines_of
from handlers.formats.base import Format, Reader
from handlers.formats.encoding import count_lines
from handlers.model import Block, ParserState

LINE_CPU_S: Final = 5.0
"""Processor time for a line. Others take microseconds."""
_HEAD_LINES: Final = 20
_MAX_SHOWN_BYTES: Final = 200


class TooSlowError(Exception):
    """The pattern of a declared format does not come to an end."""

    def __init__(self, name: str, line: Block) -> None:
        super().__init__(f"the pattern of formats.{name} takes more than {LINE_CPU_S:g} s for the line")
        self.offset = line.offset
        self.text = line.data[:_MAX_SHOWN_BYTES].decode("utf-8", "replace").strip()


def bounded(formats: Mapping[str, Format], settings: Settings) -> dict[str, Format]:
    """The formats, of which the declared ones raise TooSlowError where `re` would go on for ever.

    It takes a signal, which only the main thread gets, so elsewhere nothing is bounded."""
    if LINEAR or threading.current_thread() is not threading.main_thread():
        return dict(formats)
    return {
        name: _Bounded(log_format) if name in settings.formats else log_format
        for name, log_format in formats.items()
    }


@contextmanager
def cpu_limit() -> Iterator[None]:
    """Raises TimeoutError after `LINE_CPU_S` of processor time, in the midst of a search of `re` too."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGVTALRM, _raise)
    signal.setitimer(signal.ITIMER_VIRTUAL, LINE_CPU_S)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _raise(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError


class _Bounded:
    def __init__(self, log_format: Format) -> None:
        self.name = log_format.name
        self.opening = log_format.opening
        self._format = log_format

    def recognizes(self, head: bytes) -> bool:
        first = b"".join(head.splitlines(keepends=True)[:_HEAD_LINES])
        reader = self.reader(0, ParserState())
        reader.read(Block(0, 0, len(first), first, count_lines(first)))
        return self._format.recognizes(head)

    def reader(self, source: int, state: ParserState) -> Reader:
        return _BoundedReader(self.name, self._format.reader(source, state))


class _BoundedReader:
    def __init__(self, name: str, reader: Reader) -> None:
        self._name = name
        self._reader = reader
        self._show()

    def _show(self) -> None:
        self.events, self.state = self._reader.events, self._reader.state
        self.matched, self.unreadable = self._reader.matched, self._reader.unreadable

    def read(self, block: Block) -> None:
        with cpu_limit():
            for line in lines_of(
                Block(block.source, block.offset, block.end, block.data, count_lines(block.data))
            ):
                signal.setitimer(signal.ITIMER_VIRTUAL, LINE_CPU_S)
                try:
                    self._reader.read(line)
                except TimeoutError:
                    raise TooSlowError(self._name, line) from None
        self._show()

    def close(self) -> None:
        self._reader.close()
        self._show()
