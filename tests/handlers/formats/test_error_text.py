"""Errors that differ only in what varies from one occurrence to the next are one group."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.formats.error_text import MAX_TEMPLATE_CHARS, error_template, own_frame, split_error


@pytest.mark.parametrize(
    ("message", "template"),
    [
        pytest.param("order 4711 has 12 lines", "order <number> has <number> lines", id="numbers"),
        pytest.param(
            "took 1,234.5ms of -3", "took <number>ms of <number>", id="numbers with signs and units"
        ),
        pytest.param("retry 10-20 of panel-42", "retry <number>-<number> of panel-<number>", id="hyphens"),
        pytest.param("reading '7'", "reading '<number>'", id="quoted numbers"),
        pytest.param("limit 5> and 12>", "limit <number>> and <number>>", id="a number before a bracket"),
        pytest.param("user 6f1c2d3e-1111-4222-8333-abcdefabcdef is gone", "user <uuid> is gone", id="a uuid"),
        pytest.param("at 0x7ffee4 or deadbeef42", "at <hex> or <hex>", id="hexadecimal"),
        pytest.param("commit 1234567890abcdef is bad", "commit <hex> is bad", id="a hash"),
        pytest.param("not before 2026-11-22T16:10:58.813Z", "not before <time>", id="an ISO time"),
        pytest.param("not before 2026-11-22 16:10:58+01:00!", "not before <time>!", id="a time with a zone"),
        pytest.param(
            "connect ECONNREFUSED 127.0.0.1:5432", "connect ECONNREFUSED <address>", id="an address"
        ),
        pytest.param("no mail to jane.doe+x@shop.example.org", "no mail to <mail>", id="a mail address"),
        pytest.param("cannot decode utf8", "cannot decode utf8", id="utf8 is a word"),
        pytest.param(
            "cannot decode utf16 by i18n", "cannot decode utf16 by i18n", id="so are utf16 and i18n"
        ),
        pytest.param("sha256 and x509 of base64", "sha256 and x509 of base64", id="and other such words"),
        pytest.param("deadbeef is a word", "deadbeef is a word", id="letters alone are a word"),
        pytest.param("column_7 of h2", "column_7 of h2", id="names with digits"),
        pytest.param("first line 1\nsecond line 2", "first line <number>", id="the first line only"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_template_of(message: str, template: str) -> None:
    assert error_template(message) == template


@given(st.integers(), st.integers(), st.uuids(), st.uuids())
def test_messages_that_differ_in_numbers_and_ids_have_one_template(
    one: int, other: int, this: object, that: object
) -> None:
    def message(number: int, uuid: object) -> str:
        return f"order {number} of {uuid}: {abs(number)} lines, index [{number}]"

    assert error_template(message(one, this)) == error_template(message(other, that))


@given(st.text(alphabet=string.ascii_letters + " _.:'", max_size=80))
def test_text_without_digits_is_its_own_template(text: str) -> None:
    assert error_template(text) == text


@given(st.text())
def test_a_template_is_bounded_and_one_line(text: str) -> None:
    template = error_template(text * 20)
    assert len(template) <= MAX_TEMPLATE_CHARS
    assert "\n" not in template


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("TypeError: x is not a function", ("TypeError", "x is not a function")),
        ("Uncaught RangeError: too long", ("RangeError", "too long")),
        ("shop.errors.Full: no room: 5", ("shop.errors.Full", "no room: 5")),
        ("TypeError [ERR_INVALID_ARG_TYPE]: The path", ("TypeError", "The path")),
        ("Error: ENOENT: no such file", ("Error", "ENOENT: no such file")),
        ("Error:", ("Error", "")),
        ("it broke", ("Error", "it broke")),
        ("it broke: badly", ("Error", "it broke: badly")),
        ("TypeError: a\n  b", ("TypeError", "a\n  b")),
        ("", ("Error", "")),
    ],
)
def test_type_and_message_of(text: str, expected: tuple[str, str]) -> None:
    assert split_error(text) == expected


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        pytest.param([], "", id="no frame"),
        pytest.param(["at f (/app/a.js:1:1)", "at g (/app/b.js:2:2)"], "f (/app/a.js:1:1)", id="the first"),
        pytest.param(
            [
                "at Array.map (<anonymous>)",
                "at new Promise (<anonymous>)",
                "at readFileSync (node:fs:452:35)",
                "at node:internal/main/run:1:1",
                "at x (/app/node_modules/lodash/x.js:1:1)",
                "at mine (/app/a.js:1:1)",
            ],
            "mine (/app/a.js:1:1)",
            id="not the runtime's, not a library's",
        ),
        pytest.param(
            [
                'File "/usr/lib/python3.11/json/decoder.py", line 1, in decode',
                'File "/srv/venv/lib/python3.11/site-packages/httpx/a.py", line 2, in get',
                'File "/srv/shop/pay.py", line 3, in pay',
            ],
            'File "/srv/shop/pay.py", line 3, in pay',
            id="the same in Python",
        ),
        pytest.param(
            ["at a (node:fs:1:1)", "at b (node:net:1:1)"], "a (node:fs:1:1)", id="the first if all are"
        ),
        pytest.param(["at f (/app/a.js:1:1) {"], "f (/app/a.js:1:1)", id="without what Node puts behind it"),
    ],
)
def test_the_own_frame_is(frames: list[str], expected: str) -> None:
    assert own_frame(frames) == expected
