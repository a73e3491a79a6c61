"""The regular expressions that operators write: google-re2 where it is installed, else `re`.

Both take `(?P<name>...)`. google-re2 has neither look-around nor backreferences, and is safe: no pattern
takes more than linear time.
"""

from __future__ import annotations

import re
from typing import Any, Final, Protocol

try:
    import re2
except ImportError:
    re2 = None

LINEAR: Final = re2 is not None
"""Whether every pattern takes linear time."""


class Match(Protocol):
    """What both libraries give for a text that matches."""

    def groupdict(self) -> dict[str, str | Any]: ...
    def end(self) -> int: ...


class Pattern(Protocol):
    """What both libraries make of a pattern."""

    @property
    def groupindex(self) -> Any: ...

    def search(self, string: str, /) -> Match | None: ...


def compile_pattern(text: str) -> Pattern:
    """Raises ValueError, with the reason, for what is no regular expression."""
    if re2 is not None:
        options = re2.Options()
        options.log_errors = False
        try:
            linear: Pattern = re2.compile(text, options)
        except re2.error as error:
            raise ValueError(error.args[0].decode("utf-8", "replace")) from None
        return linear
    try:
        return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise ValueError(str(error)) from None
