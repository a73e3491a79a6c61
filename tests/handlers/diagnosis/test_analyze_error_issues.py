"""How the code failed, where, and whether it always does."""

from __future__ import annotations

import pytest

from handlers.diagnosis.analyze_error_issues import analyze_error_issues
from handlers.diagnosis.error_class import error_class
from handlers.diagnosis.frame_location import frame_location
from handlers.model import ErrorAnomaly, ErrorDiagnosis
from tests.handlers.diagnosis.builders import declared, failing

PANEL = declared(
    "panel:render", "renderView", "panel-render-symphony", "ControlPanelPlugin", test_file="tests/panel.ts"
)


def diagnosed(anomaly: ErrorAnomaly) -> ErrorDiagnosis:
    (diagnosis,) = analyze_error_issues((anomaly,), (PANEL,)).diagnosis
    return diagnosis


@pytest.mark.parametrize(
    ("expected", "error_type", "message"),
    [
        # JavaScript
        ("null", "TypeError", "Cannot read properties of undefined (reading 'fields') in panel <*>"),
        ("null", "TypeError", "Cannot read property 'x' of null"),
        ("null", "TypeError", "Cannot set properties of null (setting 'innerHTML')"),
        ("null", "TypeError", "Cannot destructure property 'id' of 'item' as it is undefined."),
        ("null", "TypeError", "undefined is not an object (evaluating 'a.b')"),
        ("null", "TypeError", 'can\'t access property "x", a is undefined'),
        ("type", "TypeError", "items.map is not a function"),
        ("type", "TypeError", "Invalid left-hand side"),
        ("limit", "RangeError", "clipboard payload of <*> exceeds limit"),
        ("limit", "RangeError", "Maximum call stack size exceeded"),
        ("limit", "Error", "request entity too large"),
        ("connection", "TypeError", "Failed to fetch"),
        ("connection", "Error", "connect ECONNREFUSED <address>"),
        ("connection", "Error", "socket hang up"),
        ("connection", "Error", "getaddrinfo ENOTFOUND api.shop"),
        ("timeout", "Error", "timeout of <*> exceeded"),
        ("timeout", "Error", "connect ETIMEDOUT <address>"),
        ("permission", "Error", "EACCES: permission denied, open '/x'"),
        ("not-found", "Error", "ENOENT: no such file or directory, open '/x'"),
        ("not-found", "ReferenceError", "total is not defined"),
        ("parse", "SyntaxError", "Unexpected token < in JSON at position <*>"),
        # Python
        ("null", "AttributeError", "'NoneType' object has no attribute 'name'"),
        ("null", "TypeError", "'NoneType' object is not subscriptable"),
        ("type", "TypeError", 'can only concatenate str (not "int") to str'),
        ("type", "AttributeError", "'list' object has no attribute 'name'"),
        ("limit", "IndexError", "list index out of range"),
        ("limit", "RecursionError", "maximum recursion depth exceeded"),
        ("connection", "requests.exceptions.ConnectionError", "Max retries exceeded with url: /"),
        ("timeout", "asyncio.TimeoutError", ""),
        ("timeout", "OSError", "timed out"),
        ("permission", "PermissionError", "[Errno <*>] Permission denied: '/x'"),
        ("not-found", "FileNotFoundError", "[Errno <*>] No such file or directory: '/x'"),
        ("not-found", "KeyError", "'timeout'"),
        ("parse", "json.decoder.JSONDecodeError", "Expecting value: line <*> column <*>"),
        ("parse", "ValueError", "invalid literal for int() with base <*>: 'x'"),
        # C#/.NET
        ("null", "System.NullReferenceException", "Object reference not set to an instance of an object."),
        ("null", "System.ArgumentNullException", "Value cannot be null. (Parameter 'item')"),
        ("type", "System.InvalidCastException", "Unable to cast object of type 'A' to type 'B'."),
        ("limit", "System.IndexOutOfRangeException", "Index was outside the bounds of the array."),
        ("connection", "System.Net.Http.HttpRequestException", "An error occurred."),
        ("timeout", "System.Threading.Tasks.TaskCanceledException", "A task was canceled."),
        ("permission", "System.UnauthorizedAccessException", "Access to the path '/x' is denied."),
        ("not-found", "System.Collections.Generic.KeyNotFoundException", "The given key was not present."),
        ("not-found", "System.InvalidOperationException", "Sequence contains no elements"),
        ("parse", "System.FormatException", "Input string was not in a correct format."),
        # Java
        (
            "null",
            "java.lang.NullPointerException",
            'Cannot invoke "String.length()" because "<local1>" is null',
        ),
        ("type", "java.lang.ClassCastException", "class A cannot be cast to class B"),
        (
            "limit",
            "java.lang.ArrayIndexOutOfBoundsException",
            "Index <*> out of bounds for length <*>",
        ),
        ("limit", "java.lang.OutOfMemoryError", "Java heap space"),
        ("connection", "java.net.ConnectException", "Connection refused"),
        ("connection", "java.sql.SQLException", "Connection reset by peer"),
        ("timeout", "java.net.SocketTimeoutException", "Read timed out"),
        ("permission", "java.nio.file.AccessDeniedException", "/x"),
        ("not-found", "java.nio.file.NoSuchFileException", "/x"),
        ("parse", "java.lang.NumberFormatException", 'For input string: "x"'),
        # neither
        ("other", "Error", "the panel is on fire"),
        ("other", "", ""),
    ],
)
def test_type_and_message_tell_the_class_of_failure(expected: str, error_type: str, message: str) -> None:
    assert error_class(error_type, message) == expected


@pytest.mark.parametrize(
    ("frame", "location"),
    [
        pytest.param(
            "handlers.<computed> (file:///app/produce.mjs:119:17)", "/app/produce.mjs:119", id="node module"
        ),
        pytest.param("at render (/app/panel.js:12:3)", "/app/panel.js:12", id="node with at"),
        pytest.param("at /app/panel.js:12:3", "/app/panel.js:12", id="node without a function"),
        pytest.param("at render (C:\\app\\panel.js:12:3)", "C:\\app\\panel.js:12", id="node on Windows"),
        pytest.param("render@https://shop/panel.js:12:3", "https://shop/panel.js:12", id="Firefox"),
        pytest.param('File "/app/panel.py", line 12, in render', "/app/panel.py:12", id="Python"),
        pytest.param(
            "at Shop.Cart.Add(Item item) in C:\\src\\Cart.cs:line 42", "C:\\src\\Cart.cs:42", id=".NET"
        ),
        pytest.param("at com.shop.Cart.add(Cart.java:42)", "Cart.java:42", id="Java"),
        pytest.param(
            " at Cart.add(Native Method) ", "at Cart.add(Native Method)", id="anything else as it is"
        ),
        pytest.param("", "", id="none"),
    ],
)
def test_the_frame_gives_file_and_line(frame: str, location: str) -> None:
    assert frame_location(frame) == location


@pytest.mark.parametrize(
    ("anomaly", "says", "ruled_out"),
    [
        pytest.param(
            failing(count=138, executions=400),
            "138 of 400 executions fail (34.5 %), so input, state or timing decides",
            ("code that always fails: 262 executions succeeded",),
            id="some executions fail: code that always fails is ruled out",
        ),
        pytest.param(
            failing(count=400, executions=400),
            "no execution is known to succeed (400 errors in 400 executions)",
            (),
            id="as many errors as executions: none is known to succeed",
        ),
        pytest.param(
            failing(event="", count=5, executions=5),
            "how many executions succeed the log does not tell",
            (),
            id="an error outside of any beat says nothing of executions",
        ),
    ],
)
def test_the_cause_tells_whether_every_execution_fails(
    anomaly: ErrorAnomaly, says: str, ruled_out: tuple[str, ...]
) -> None:
    diagnosis = diagnosed(anomaly)
    assert diagnosis.cause.endswith(says)
    assert diagnosis.ruled_out == ruled_out


def test_a_null_access_names_the_property_and_the_frame_and_is_likely_at_most() -> None:
    diagnosis = diagnosed(failing())
    assert "when its 'fields' is used" in diagnosis.cause
    assert (diagnosis.cause_kind, diagnosis.error_class) == ("null-access", "null")
    assert (diagnosis.verdict, diagnosis.location) == ("likely", "/app/panel.mjs:119")
    assert diagnosis.test_file == "tests/panel.ts"
    assert "new: it never occurred in 400 executions before" in diagnosis.evidence


def test_an_unknown_message_is_inconclusive() -> None:
    assert diagnosed(failing(error_type="Error", template="the panel is on fire")).verdict == "inconclusive"


def test_without_a_frame_the_declaration_is_the_location_and_that_counts_against_it() -> None:
    diagnosis = diagnosed(failing(frame=""))
    assert diagnosis.location == "sequences/panel-render-symphony.json:12"
    assert diagnosis.evidence_against


def test_an_error_that_occurred_before_is_not_called_new() -> None:
    assert "it occurred before too: 5 % of 400 executions" in diagnosed(failing(expected=0.05)).evidence
    assert "there is no baseline of earlier executions" in diagnosed(failing(baseline_samples=0)).evidence
