"""UTF-16 is recognised, with and without its mark; UTF-8 never is taken for it."""

import pytest

from handlers.formats.encoding import is_utf16
from tests.handlers.formats.lines import JSON_LINES, MESSAGES, STAMP

TEXTS = {
    "JSON": "\n".join(JSON_LINES),
    "a conductor log": "\r\n".join(STAMP + message for message in MESSAGES),
    "one short line": "a b c\n",
    "Japanese with times and levels": "2026-11-22 12:00:00 INFO カートに商品を追加しました\n" * 3,
}


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_utf_16_is_seen(text: str, encoding: str) -> None:
    assert is_utf16(text.encode(encoding))


@pytest.mark.parametrize(
    "head",
    [
        *(text.encode() for text in TEXTS.values()),
        b"",
        b"a\0",
        b"\0" * 4096,
        b"\0" * 3000 + b"2026-11-22T12:00:00Z words\n" * 40,
        b"2026-11-22T12:00:00Z words\n" * 40 + b"\0" * 3001,
        b"id=1\0name=two\0\n" * 200,
    ],
    ids=[*TEXTS, "nothing", "two bytes", "only NUL", "a hole in front", "a hole behind", "NUL as separator"],
)
def test_nothing_else_is(head: bytes) -> None:
    assert not is_utf16(head)
