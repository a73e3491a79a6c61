"""What varies in a message is masked without knowing the program that wrote it."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.templates import MAX_TEMPLATE_CHARS, masked


@pytest.mark.parametrize(
    ("message", "template"),
    [
        pytest.param("order 4711 has 12 lines", "order <*> has <*> lines", id="numbers"),
        pytest.param("from -5 to +3e10", "from <*> to <*>", id="signs and exponents"),
        pytest.param(
            "took 1,234.5 ms, not 3s", "took <*>, not <*>", id="a quantity is one value with its unit"
        ),
        pytest.param("lifetime <1 sec", "lifetime <*>", id="less than a second is a duration"),
        pytest.param("18846 bytes (18.4 KB) sent", "<*> sent", id="a size and its short form are one value"),
        pytest.param("user 6f1c2d3e-1111-4222-8333-abcdefabcdef is gone", "user <*> is gone", id="a uuid"),
        pytest.param("at 0x7ffee4, deadbeef: bad", "at <*>: bad", id="hexadecimal numbers"),
        pytest.param("decade of a facade", "decade of a facade", id="short words of hex letters are words"),
        pytest.param("not before 2026-11-22T16:10:58.813Z", "not before <*>", id="an ISO time"),
        pytest.param("at Sat Jul  9 22:53:22 2005 from", "at <*> from", id="a date in words"),
        pytest.param("refused 127.0.0.1:5432: again", "refused <*>: again", id="an address and its port"),
        pytest.param("10.0.0.7:50010:Got it", "<*>:Got it", id="an address with text right behind it"),
        pytest.param(
            "from fe80::1 at 00:1b:ac:e3:ba:c3", "from <*> at <*>", id="IPv6 and hardware addresses"
        ),
        pytest.param("no mail to jane.doe+x@shop.example.org", "no mail to <*>", id="a mail address"),
        pytest.param("proxy.example.co.uk refused", "<*> refused", id="a host"),
        pytest.param("org.example.net.Bad: x", "org.example.net.Bad: x", id="a class is no host"),
        pytest.param("open '/a/b-c/d.json'", "open '<*>'", id="a path"),
        pytest.param(
            "open 'src/main.js' or C:\\Temp\\x", "open '<*>' or <*>", id="relative and Windows paths"
        ),
        pytest.param("input/output error", "input/output error", id="a slash between two words"),
        pytest.param("GET https://a.b/c?d=e&f=g, then", "GET <*>, then", id="a URL"),
        pytest.param("fans ( 3552 3534 **** 41 )", "fans ( <*> )", id="a list of numbers is one value"),
        pytest.param("set n-1 0x1f <ok> n-2 0x2e <ok>", "set <*> <ok>", id="a list of alike items is one"),
        pytest.param("r0=0x1 r1=0xff", "<*>", id="a list of registers is one value"),
        pytest.param("got [a, b] and [c, d, e]", "got [<*>] and [<*>]", id="lists of words"),
        pytest.param("sent {a: 1, b: {c: x}}", "sent <*>", id="an object with another in it"),
        pytest.param(
            "ready=true, ws=null, user=", "ready=<*>, ws=<*>, user=<*>", id="truth, nothing, no value"
        ),
        pytest.param("it is null", "it is null", id="null in a sentence"),
        pytest.param("enabled.......0", "enabled ... <*>", id="dots that lead to a value"),
        pytest.param("nodes:node-[40-63,65]", "nodes:<*>", id="a host list"),
        pytest.param("status:200", "status:<*>", id="a key stays"),
        pytest.param("from 10.0.0.7 () at", "from <*> at", id="an empty value in parentheses"),
        pytest.param("(reading 'map')", "(reading 'map')", id="words are not values"),
        pytest.param("first line 1\nsecond line 2", "first line <*>", id="the first line only"),
        pytest.param("  a\t b ", "a b", id="white space"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_the_template_of(message: str, template: str) -> None:
    assert masked(message) == template


@pytest.mark.parametrize("message", ["order <*> of <*>", "a <ok>", "status:<*>"])
def test_a_template_is_its_own_template(message: str) -> None:
    assert masked(message) == message


@given(st.text(st.characters(codec="utf-8")), st.text("0123456789:/.@[](){}<>=,-_ abTZ\\\"'\0\n"))
def test_a_template_is_one_bounded_line_without_digits(text: str, other: str) -> None:
    for message in (text, other, text + other * 40, other * 40 + text):
        template = masked(message)
        assert len(template.replace("<*>", "*")) <= MAX_TEMPLATE_CHARS
        assert "\n" not in template
        assert not any(character.isdecimal() for character in template)


@given(st.integers(), st.integers(), st.uuids(), st.ip_addresses(v=4), st.datetimes())
def test_messages_that_differ_in_values_have_one_template(
    number: int, other: int, uuid: object, address: object, at: object
) -> None:
    message = f"order {number} of {uuid} has {other} lines, index [{number}] at {at} from ({address})"
    assert masked(message) == "order <*> of <*> has <*> lines, index [<*>] at <*> from (<*>)"


@pytest.mark.parametrize(
    "unit",
    [
        "a",
        "a.",
        "a/",
        "/",
        "@",
        "a@",
        ":",
        "a:",
        "0:",
        "[a, ",
        "{",
        "{a=",
        "}{",
        "(",
        "1 ",
        "1 (",
        "Jan ",
        "=",
        "<",
        "-",
        "\\",
        "a-",
        '"',
        "a://",
        "abcdef",
        " ",
        "word ",
        "1 s ",
        "<*>",
        "a+.",
        "<*>(",
        "x=",
        "..",
        "./",
        "a,",
    ],
)
def test_hostile_text_takes_no_longer_than_other_text(unit: str) -> None:
    """A pattern that backtracks would take seconds."""
    for text in (unit * 100_000, unit * 2000 + "1", "1" + unit * 2000 + "\n"):
        started = time.process_time()
        masked(text)
        assert time.process_time() - started < 0.05
