"""Takes out of a text what must not be shown or stored: passwords, tokens, keys, mail addresses, cards.

It knows secrets by their form (a key of a provider, a JSON web token) or by the name before them
(`password=`). A secret that has neither, such as a password within a sentence, is not known as one.
"""

from __future__ import annotations

import re
from typing import Final

MARK: Final = "<redacted>"

_KEPT: Final = rf"{MARK}|\*{{3}}"
"""What stands in place of a secret already."""
_COUNTS: Final = r"(?:\d{1,6}|null|none|nil|undefined|true|false)\b(?![.\w-])"
"""A token may also be something that is counted."""
_QUOTED: Final = r"""(\\?["'])(?:(?!\2)(?:\\.|[^\r\n\\]|\\\Z)){1,4096}(?:\2)?"""
"""Of a text that was cut, the end may be missing."""
_BARE: Final = r"""[^\s"'\\<>,;&(){}\[\]|]{1,4096}"""
_IS: Final = r"""\\?["']?\s{0,3}(?:=>|[:=])\s{0,3}"""
"""Between a name, which may stand in quotes, and its value."""
_PASSWORDS: Final = r"passw(?:or)?d|passphrase|passwd|(?<![a-z])pwd(?!\W{1,4}/)"
_NAMED: Final = (
    r"(?:secret|credentials?|signature|(?:api|access|account|private|encryption|secret)[ _-]?key"
    r"|(?:session|access[_-]?key)[_-]?id|(?<!nexpected )token)(?:[_-]?(?:id|key|value|hash))?"
)
_HEADER: Final = r"(?:proxy-)?authorization|(?:set-)?cookie"
_WITH_SECRET: Final = re.compile(
    "passw|pwd|passphrase|secret|token|key|cred|sign|session|auth|cookie", re.IGNORECASE
)

_SHAPES: Final = (
    # (what a text with such a secret has in it, the secret, what is shown in its place)
    (
        "PRIVATE KEY",
        re.compile(r"-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----(?s:.*?)(?:-----END [^-]{0,60}-----|\Z)"),
        MARK,
    ),
    ("://", re.compile(r"""(\b[A-Za-z][A-Za-z0-9+.-]{1,30}://)[^\s/"'<>?#]{1,512}@"""), rf"\1{MARK}@"),
    ("eyJ", re.compile(r"\beyJ[\w-]{16,4096}(?:\.[\w-]{0,4096}){0,4}"), MARK),
    (
        "",
        re.compile(
            r"(?<![A-Za-z0-9])(?:(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b|gh[pousr]_[A-Za-z0-9]{20,255}"
            r"|github_pat_\w{20,255}|glpat-[\w-]{20,255}|xox[a-z]-[\w-]{10,255}|[spr]k_(?:live|test)_\w{10,255}"
            r"|sk-[\w-]{20,255}|AIza[\w-]{35}|ya29\.[\w-]{20,255}|npm_[A-Za-z0-9]{36}|pypi-[\w-]{50,255}"
            r"|SG\.[\w-]{16,64}\.[\w-]{16,64}|hf_[A-Za-z0-9]{30,64}|whsec_\w{20,255})"
        ),
        MARK,
    ),
    (
        " ",
        # After such a word in a sentence ("Basic authentication") follows a word, not a key.
        re.compile(
            r"\b(bearer|basic|digest|negotiate|apikey|token) "
            r"(?-i:(?=[\w.~+/-]{0,200}(?:[\d=]|[a-z][A-Z])))[\w.~+/=-]{8,4096}",
            re.IGNORECASE,
        ),
        rf"\1 {MARK}",
    ),
    (
        "@",
        re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@(?:[\w-]{1,63}\.){1,8}[A-Za-z]{2,24}(?![\w-])"),
        MARK,
    ),
)
_ASSIGNED: Final = (
    (
        re.compile(
            rf"((?:{_HEADER}){_IS})(?!{_KEPT})(?:{_QUOTED}|[^\s\"'\\<][^\"'\\\r\n]{{0,4096}})", re.IGNORECASE
        )
    ),
    (re.compile(rf"((?:{_PASSWORDS}){_IS})(?!{_KEPT})(?:{_QUOTED}|{_BARE})", re.IGNORECASE)),
    (re.compile(rf"({_NAMED}{_IS})(?!{_KEPT}|{_COUNTS})(?:{_QUOTED}|{_BARE})", re.IGNORECASE)),
)
_CARD: Final = re.compile(
    r"(?<![\w.-])(?:\d{13,19}|\d{4}([ -])\d{4}\1\d{4}\1\d{1,7}|3[47]\d\d([ -])\d{6}\2\d{5})(?![\w-]|\.\d)"
)
_ISSUER: Final = re.compile(
    r"4(?:\d{12}|\d{15}|\d{18})|(?:5[1-5]|2[2-7]|35|6[05])\d{14}|3[47]\d{13}|3[068]\d{12}"
)
"""The numbers that issuers of cards have, by their first digits and their length (ISO/IEC 7812)."""


def redacted(text: str) -> str:
    """The text with `<redacted>` for each secret in it. A second pass changes nothing."""
    for needle, shape, shown in _SHAPES:
        if needle in text:
            text = shape.sub(shown, text)
    if _WITH_SECRET.search(text):
        for assigned in _ASSIGNED:
            text = assigned.sub(_without_value, text)
    return _CARD.sub(_without_card, text)


def _without_value(found: re.Match[str]) -> str:
    quote = found[2] or ""
    return f"{found[1]}{quote}{MARK}{quote}"


def _without_card(found: re.Match[str]) -> str:
    digits = re.sub(r"\D", "", found[0])
    return MARK if _ISSUER.fullmatch(digits) and _checks(digits) else found[0]


def _checks(digits: str) -> bool:
    """Luhn's formula (ISO/IEC 7812-1, annex B)."""
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
