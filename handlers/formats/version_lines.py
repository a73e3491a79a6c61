"""Lines in which a program tells its version: where it starts ("Starting shop v2.3.1 (build 4f2c)", "version
1.4.2"), or in a field of each line (`version`, `service.version`). They may be lines of any format.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec

from handlers.model import ToldVersion
from handlers.speedups import either

_MAX_LINE_BYTES: Final = 2_000
"""Of a longer line of text only the beginning is looked at."""
_MAX_JSON_BYTES: Final = 65_536
_MAX_NAME_CHARS: Final = 100
_MAX_NAMES: Final = 200
"""Of programs in one block."""
_TRIES: Final = 4
"""Fields of which it is looked whether all lines have the same: a pass over the block each."""
_HINT: Final = re.compile(rb"ersion|ERSION| v[0-9]")

_NUMBER: Final = r"\d{1,8}(?:[.-]\d{1,8}){1,5}[\w.+-]{0,60}"
_OF_SOURCE: Final = r"(?=[a-f]{0,40}\d)[0-9a-f]{7,40}\b"
"""A commit as git names it, with a digit at least, so that it is no word."""
_VERSION_HERE: Final = re.compile(rb"""ersion"?\s{0,3}[:=]\s{0,3}"?[^",}\s]{1,80}[",}\s]""")
_SERVICE_HERE: Final = re.compile(
    rb"""ervice(?:[._]name)?"?\s{0,3}[:=]\s{0,3}(?:\{\s{0,3}"name"\s{0,3}:\s{0,3})?"?[^",}\s]{0,100}"""
)
_APP_HERE: Final = re.compile(rb""""app"\s{0,3}:\s{0,3}"[^"]{0,100}""")
_VERSION: Final = re.compile(rf"v?({_NUMBER}|{_OF_SOURCE})")
_FIELD: Final = re.compile(
    rf"""(?<![\w.-])(?:(?:app|application|service|program|package|release|build)[._-]?)?version=["']?v?"""
    rf"({_NUMBER}|{_OF_SOURCE})",
    re.IGNORECASE,
)
_FIELD_OF: Final = re.compile(
    r"""(?<![\w.-])(?:service[._]name|service|app|application|program)=["']?([\w./-]+)"""
)
_STARTS: Final = re.compile(
    r"\b(?:(?:re)?start(?:s|ed|ing)?|launch(?:ed|ing)|boot(?:ed|ing)|deploy(?:ed|ing)?|upgrad(?:ed|ing)"
    r"|initiali[sz](?:ed|ing)|releas(?:e|ed|ing)|running|welcome|ready)\b",
    re.IGNORECASE,
)
_SAID: Final = re.compile(
    rf"\b(?:version[ :=]{{1,3}}v?|v)(?P<version>{_NUMBER})"
    r"(?:[,;]? \(?(?:build|commit|revision|rev|sha)[ :=#]{1,2}(?P<build>[\w.-]{1,64}))?",
    re.IGNORECASE,
)
_HEAD: Final = re.compile(
    r".*(?:[\]:|>] |- |\b(?:INFO|NOTICE|DEBUG|WARN|WARNING|TRACE)\b\]? |\d\d:\d\d(?:[.,]\d{1,9})?Z? )",
    re.DOTALL,
)
"""The head of a line: time, level, logger."""
_BEFORE_BYTES: Final = 200
_BEHIND_BYTES: Final = 160
"""So much of a line around a hint is looked at."""
_TIME: Final = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|[+-]\d\d:?\d\d)(?![\d:]))?", re.ASCII
)
_TIME_WITHIN_CHARS: Final = 200
_EPOCH: Final = re.compile(
    r"""(?:^|["\s{])@?(?:timestamp|time|ts)"?\s{0,3}[:=]\s{0,3}(\d{9,19}(?:\.\d{1,9})?)\b"""
)
_FEW_WORDS: Final = 2
_OTHERS: Final = re.compile(
    r"api|browser|client|compiler|database|db|driver|file|firmware|format|from|go|https?|java|jvm|kernel|library"
    r"|model|node|old|os|php|previous|protocol|python|ruby|runtime|schema|ssl|tls",
    re.IGNORECASE,
)
"""Words before a version that is not that of the program."""
_NO_NAME: Final = re.compile(
    r"\d[\d.:]*|app|application|as|at|build|current|is|now|of|on|program|service|the|this|to|with",
    re.IGNORECASE,
)
"""Words before the version of the program that do not name it."""
_NOT_OWN: Final = re.compile(
    r"\b(?:available|deprecated|expected|incompatible|mismatch|require[ds]?|supported|unsupported)\b",
    re.IGNORECASE,
)
_OWNERS: Final = ("", "service", "app", "application", "resource", "program")
"""Objects of a JSON line whose version is that of the program."""
_KEYS: Final = frozenset({"version", "appversion", "applicationversion", "serviceversion", "buildversion"})


def versions_told(data: bytes, offset: int) -> list[ToldVersion]:
    """The versions that whole lines tell, each where it is another one than before of that name, and where it
    is told last. `data` begins at `offset` of its file.

    Where all lines have the same field of the same value, only the first and the last are looked at.
    """
    found: dict[tuple[int, str], tuple[bytes, str]] = {}
    last: dict[str, tuple[int, bytes, str]] = {}
    known: dict[tuple[bytes, ...], list[tuple[str, str]]] = {}
    tried: set[bytes] = set()
    at = version_hint(data, 0)
    while at >= 0:
        start = data.rfind(b"\n", 0, at) + 1
        end = data.find(b"\n", at)
        raw = data[start : end if end >= 0 else len(data)]
        for name, version in _told(raw, at - start, known):
            if name not in last and len(last) >= _MAX_NAMES:
                continue
            if name not in last or last[name][2] != version:
                found[start, name] = raw, version
            last[name] = start, raw, version
        after = start + len(raw)
        field = _VERSION_HERE.match(data, at)
        if field and field[0] not in tried and len(tried) < _TRIES:
            tried.add(field[0])
            same = data.count(field[0], after)
            if same and same == data.count(b"ersion", after):
                at = data.rfind(field[0])
                continue
        at = version_hint(data, after)
    found |= {(start, name): (raw, version) for name, (start, raw, version) in last.items()}
    return [
        ToldVersion(offset + start, name, version, _time_of(raw))
        for (start, name), (raw, version) in found.items()
    ]


def _version_hint(data: bytes, start: int) -> int:
    """Where, from `start` on, the next text stands that every version is told with; -1 for nowhere."""
    match = _HINT.search(data, start)
    return match.start() if match else -1


version_hint: Final = either(_version_hint, "version_hint")


def _told(
    raw: bytes, at: int, known: dict[tuple[bytes, ...], list[tuple[str, str]]]
) -> list[tuple[str, str]]:
    """Names and versions in one line, which has a hint `at` this place. `known`: what lines with the same
    fields told."""
    if raw.lstrip()[:1] == b"{":
        fields = (*_VERSION_HERE.findall(raw), *_SERVICE_HERE.findall(raw), *_APP_HERE.findall(raw))
        if fields not in known:
            known[fields] = [*_of_json(raw)]
        return known[fields]
    text = raw[max(0, at - _BEFORE_BYTES) : at + _BEHIND_BYTES].decode("utf-8", "replace")
    if b"=" in raw[at : at + 8] and (field := _FIELD.search(text)):
        name = _FIELD_OF.search(raw[:_MAX_LINE_BYTES].decode("utf-8", "replace"))
        return [(name[1][:_MAX_NAME_CHARS] if name else "", field[1])]
    return [*_of_text(text)]


def _of_json(raw: bytes) -> Iterator[tuple[str, str]]:
    if len(raw) > _MAX_JSON_BYTES:
        return
    try:
        line = msgspec.json.decode(raw)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    if isinstance(line, dict):
        yield from _of_fields(line)


def _of_fields(line: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for owner in _OWNERS:
        fields = line.get(owner) if owner else line
        if not isinstance(fields, dict):
            continue
        for key, value in fields.items():
            plain = key.lower().replace(".", "").replace("_", "").replace("-", "")
            if plain in _KEYS and isinstance(value, str) and (match := _VERSION.fullmatch(value.strip())):
                yield _name_in(line, fields), match[1]
                return


def _name_in(line: Mapping[str, Any], fields: Mapping[str, Any]) -> str:
    names = (line.get("service.name"), line.get("service"), line.get("app"), fields.get("name"))
    return next((each[:_MAX_NAME_CHARS] for each in names if isinstance(each, str) and each), "")


def _of_text(text: str) -> Iterator[tuple[str, str]]:
    """A sentence about a start, or one that says hardly anything but the version."""
    for match in _SAID.finditer(text):
        words = _HEAD.sub("", text[: match.start()]).rstrip(" (,").split()
        of = words[-1] if words else ""
        is_own = len(words) <= _FEW_WORDS or _STARTS.search(text)
        if not is_own or _OTHERS.fullmatch(of) or _NOT_OWN.search(text):
            continue
        is_name = not (_NO_NAME.fullmatch(of) or _STARTS.fullmatch(of))
        build = f" (build {match['build']})" if match["build"] else ""
        yield of[:_MAX_NAME_CHARS] if is_name else "", match["version"] + build
        return


def _time_of(raw: bytes) -> str | float | None:
    """That of the line: a text, or a number in one of the usual fields."""
    text = raw[:_MAX_LINE_BYTES].decode("utf-8", "replace")
    if match := _TIME.search(text[:_TIME_WITHIN_CHARS]):
        return match[0]
    number = _EPOCH.search(text)
    return float(number[1]) if number else None
