"""Which class of failure an error is, by its type and its message.

A specific type decides by itself (`KeyError: 'timeout'` is no timeout). A general type is judged by its
message first, because runtimes use one type for many failures: JavaScript reports a null access, a wrong
type and an unreachable host all as TypeError.
"""

from __future__ import annotations

import re
from typing import Final, Literal

ErrorClass = Literal[
    "null", "type", "limit", "connection", "timeout", "permission", "not-found", "parse", "other"
]

_SPECIFIC_TYPES: Final[dict[ErrorClass, str]] = {
    "null": "NullReferenceException NullPointerException ArgumentNullException",
    "type": "InvalidCastException ClassCastException ArrayStoreException",
    "limit": "IndexError RecursionError OverflowError MemoryError IndexOutOfRangeException OverflowException "
    "ArgumentOutOfRangeException OutOfMemoryException InsufficientExecutionStackException "
    "StackOverflowException ArrayIndexOutOfBoundsException StringIndexOutOfBoundsException "
    "IndexOutOfBoundsException StackOverflowError OutOfMemoryError QuotaExceededError",
    "connection": "ConnectionError ConnectionRefusedError ConnectionResetError ConnectionAbortedError "
    "BrokenPipeError gaierror SocketException ConnectException UnknownHostException NoRouteToHostException",
    "timeout": "TimeoutError TimeoutException SocketTimeoutException HttpTimeoutException TimeoutExpired "
    "ReadTimeout ConnectTimeout",
    "permission": "PermissionError UnauthorizedAccessException AccessDeniedException SecurityException "
    "NotAllowedError",
    "not-found": "FileNotFoundError ModuleNotFoundError KeyError LookupError NameError ReferenceError "
    "FileNotFoundException DirectoryNotFoundException KeyNotFoundException NoSuchFileException "
    "NoSuchElementException ClassNotFoundException NoClassDefFoundError NotFoundError",
    "parse": "SyntaxError JSONDecodeError UnicodeDecodeError JsonException JsonReaderException "
    "JsonParseException JsonSyntaxException FormatException NumberFormatException ParseException "
    "DateTimeParseException XmlException",
}
_BY_TYPE: Final = {name: cls for cls, names in _SPECIFIC_TYPES.items() for name in names.split()}

_PATTERNS: Final[tuple[tuple[ErrorClass, str], ...]] = (
    (
        "null",
        (
            r"cannot (?:read|set) propert(?:y|ies)\b.*\bof (?:undefined|null)"
            r"|cannot destructure\b.*\b(?:undefined|null)"
            r"|can't access property .*(?:undefined|null)"
            r"|\b(?:undefined|null) is not an object|\bis (?:undefined|null)\s*$"
            r"|cannot convert undefined or null to object"
            r"|\bNoneType\b"
            r"|object reference not set|value cannot be null"
            r"|because .{1,200} is null"
        ),
    ),
    ("timeout", r"\btime(?:d)?[ -]?out\b|\bETIMEDOUT\b|\bESOCKETTIMEDOUT\b|deadline exceeded"),
    (
        "connection",
        (
            r"\bE(?:CONN\w+|PIPE|HOSTUNREACH|NETUNREACH|NOTFOUND|AI_AGAIN)\b|failed to fetch|fetch failed"
            r"|network ?error|socket hang up|broken pipe|name or service not known|no route to host"
            r"|connection\b.{0,40}\b(?:refused|reset|closed|aborted|failed|lost)"
            r"|(?:refused|reset|closed|aborted)\b.{0,40}\bconnection"
        ),
    ),
    (
        "permission",
        (
            r"\bE(?:ACCES|PERM)\b|permission denied|access (?:to .{1,200} )?(?:is )?denied|not permitted"
            r"|\bforbidden\b|\bunauthori[sz]ed\b"
        ),
    ),
    (
        "not-found",
        (
            r"\bENOENT\b|no such file|not found|cannot find|could not find|does not exist|is not defined"
            r"|contains no (?:matching )?element"
        ),
    ),
    (
        "parse",
        (
            r"unexpected (?:token|end of|character|identifier)|invalid literal|could not convert string"
            r"|malformed|failed to parse|cannot parse|parse error|not valid json|invalid json"
            r"|not in a correct format"
        ),
    ),
    (
        "limit",
        (
            r"\bexceed(?:s|ed|ing)?\b|\blimit\b|too (?:large|long|big|many|deep)"
            r"|out of (?:range|bounds|memory)|maximum call stack|invalid array length|\boverflow|\bquota\b"
        ),
    ),
    (
        "type",
        (
            r"is not (?:a function|iterable|a constructor|callable|subscriptable)|has no attribute"
            r"|unsupported operand|unable to cast|cannot be cast|unexpected type|must be (?:an? )?\w+, not "
        ),
    ),
)
_BY_MESSAGE: Final = tuple((cls, re.compile(pattern, re.IGNORECASE)) for cls, pattern in _PATTERNS)
_GENERAL_TYPES: Final[dict[str, ErrorClass]] = {
    "TypeError": "type",
    "AttributeError": "type",
    "RangeError": "limit",
    "TaskCanceledException": "timeout",  # what HttpClient throws when its Timeout passes
    "HttpRequestException": "connection",
}


def error_class(error_type: str, template: str) -> ErrorClass:
    """The class of an error of JavaScript, Python, .NET or Java.

    `error_type` may carry its package ("java.net.ConnectException", "System.IO.IOException").
    """
    name = re.split(r"[.:$]", error_type.strip())[-1]
    if name in _BY_TYPE:
        return _BY_TYPE[name]
    for cls, pattern in _BY_MESSAGE:
        if pattern.search(template):
            return cls
    return _GENERAL_TYPES.get(name, "other")
