"""CODEOWNERS: who owns a file. The last rule that matches decides.

https://docs.github.com/en/repositories/managing-your-repositorys-settings-and-features/customizing-your-repository/about-code-owners
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

_PLACES: Final = (".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS")
_MAX_BYTES: Final = 3 << 20
"""As much as GitHub reads."""
_MAX_WILDCARDS: Final = 4
"""More could take long to compare."""
_WILDCARD: Final = re.compile(r"\*+")
_WILD: Final = {"**/": r"(?:[^/]+/)*", "**": r".*", "*": r"[^/]*", "?": r"[^/]"}


class OwnerRule(msgspec.Struct, frozen=True):
    pattern: re.Pattern[str]
    owners: tuple[str, ...]
    """None for files that nobody is to own."""


class Owners(msgspec.Struct, frozen=True):
    rules: tuple[OwnerRule, ...] = ()
    problems: tuple[str, ...] = ()

    def of(self, path: str) -> tuple[str, ...]:
        """`path`: from the root of the project."""
        return next((each.owners for each in reversed(self.rules) if each.pattern.fullmatch(path)), ())

    def of_all(self, paths: Iterable[str]) -> dict[str, tuple[str, ...]]:
        """Those that have owners."""
        return {path: owners for path in paths if (owners := self.of(path))} if self.rules else {}


def read_owners(root: Path) -> Owners:
    """That of the first place where there is one; links are not followed."""
    for place in _PLACES:
        path = root / place
        if not path.is_file() or path.is_symlink() or path.parent.is_symlink():
            continue
        try:
            with path.open("rb") as file:
                text = file.read(_MAX_BYTES).decode(errors="replace")
        except OSError as error:
            return Owners(problems=(f"{path}: {error.strerror}",))
        return parse_owners(path.as_posix(), text)
    return Owners()


def parse_owners(source: str, text: str) -> Owners:
    rules: list[OwnerRule] = []
    problems: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = re.findall(r"(?:\\.|[^\s\\])+", re.split(r"(?:^|(?<=\s))#", line, maxsplit=1)[0])
        if not words or line.startswith(("[", "^[")):  # a heading of GitLab
            continue
        pattern = re.sub(r"\\(.)", r"\1", words[0])
        if pattern.startswith("!") or "[" in pattern or len(_WILDCARD.findall(pattern)) > _MAX_WILDCARDS:
            problems.append(f"{source}:{number}: {pattern[:80]} is no pattern of CODEOWNERS; skipped")
            continue
        rules.append(OwnerRule(_compile(pattern), tuple(words[1:])))
    return Owners(tuple(rules), tuple(problems))


def _compile(pattern: str) -> re.Pattern[str]:
    """A pattern with a slash before its end begins at the root. A folder stands for all that is in it, but
    "docs/*" for the files right there alone.
    """
    anchored = "/" in pattern[:-1]
    parts = re.findall(r"\*\*/|\*\*|[*?]|[^*?]+", pattern.strip("/"))
    body = "".join(_WILD.get(part) or re.escape(part) for part in parts)
    below = "" if pattern.endswith("/*") else "(?:/.*)?"
    if pattern.endswith("/"):
        below = "/.*"
    return re.compile(("" if anchored else r"(?:.*/)?") + body + below)
