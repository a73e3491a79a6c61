"""Type, message and own frame are read out of what programs print."""

import pytest

from handlers.formats.error_text import own_frame, split_error


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
        pytest.param(
            [
                "at System.Linq.Enumerable.First[T](IEnumerable`1 source)",
                r"at Shop.Pay(Card c) in C:\Pay.cs:line 3",
            ],
            r"Shop.Pay(Card c) in C:\Pay.cs:line 3",
            id="the same in C#",
        ),
        pytest.param(
            ["at java.base/java.util.HashMap.get(HashMap.java:1)", "at app//com.shop.Pay.pay(Pay.java:3)"],
            "app//com.shop.Pay.pay(Pay.java:3)",
            id="the same in Java",
        ),
        pytest.param(["at f (/app/a.js:1:1) {"], "f (/app/a.js:1:1)", id="without what Node puts behind it"),
    ],
)
def test_the_own_frame_is(frames: list[str], expected: str) -> None:
    assert own_frame(frames) == expected
