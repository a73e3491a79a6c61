"""What the lines of a conductor log name: beats and request ids."""

from __future__ import annotations

from typing import Final

from handlers.model import Subject

Key = tuple[bytes, ...]
"""Number and event of a beat, as the lines have them."""

_MS_DIGITS: Final = len("1795363858813")


def text_of(raw: bytes) -> str:
    return raw.decode("utf-8", "replace").rstrip()


def request_parts(request_id: str) -> tuple[str, int]:
    """The sequence and the epoch milliseconds of the play; "" and 0 where the id is of another form."""
    sequence, *rest = request_id.rsplit("-", 2)
    known = len(rest) == 2 and len(rest[0]) == _MS_DIGITS and rest[0].isdecimal() and rest[1].isalnum()
    return (sequence, int(rest[0])) if known else ("", 0)


class Beat:
    """A beat of a sequence: what is made once and said by millions of events."""

    __slots__ = ("book_key", "completed", "key", "name", "started")

    def __init__(self, sequence: str, number: int, event: str, key: Key | None = None) -> None:
        self.name = (number, event)
        self.key = key
        self.book_key = f"{sequence}\t{event}"
        """Under which the parser's state knows the handler."""
        self.started = Subject("beat-started", sequence, event=event, beat=number)
        self.completed: Subject | None = None
        """Known once the handler is."""

    def ended(self, handler: str, *, failed: bool = False) -> Subject:
        """The subject of its end."""
        number, event = self.name
        sequence = self.started.sequence
        return Subject("beat-completed", sequence, event=event, handler=handler, beat=number, failed=failed)
