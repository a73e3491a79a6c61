"""Secrets are not shown and not stored; what only looks like one stays."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.redaction import redacted

# Put together here, so that no scanner takes this file for a leak.
JWT = "eyJ" + "hbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"
AWS = "AKIA" + "IOSFODNN7EXAMPLE"
GITHUB = "ghp_" + "16C7e42F292c6912E7710c838347Ae178B4a"
STRIPE = "sk_live_" + "4eC39HqLyjWDarjtT1zdp7dc"
CARD = "4242 4242 " + "4242 4242"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param("login password=hunter2 failed", "login password=<redacted> failed", id="a password"),
        pytest.param("db_password: pa55", "db_password: <redacted>", id="a name before the name"),
        pytest.param(
            '{"userPassword": "a b\\"c", "n": 1}', '{"userPassword": "<redacted>", "n": 1}', id="in JSON"
        ),
        pytest.param("'passwd' => 'x'", "'passwd' => '<redacted>'", id="as Ruby and PHP print it"),
        pytest.param(r"{\"secret\":\"ab c\"}", r"{\"secret\":\"<redacted>\"}", id="JSON within JSON"),
        pytest.param('password="a b', 'password="<redacted>"', id="a value that is cut off"),
        pytest.param("?token=abc&page=2", "?token=<redacted>&page=2", id="a parameter of a URL"),
        pytest.param("client_secret=a1, b=2", "client_secret=<redacted>, b=2", id="up to the next pair"),
        pytest.param("X-Api-Key: 12ab", "X-Api-Key: <redacted>", id="a header with a key"),
        pytest.param(
            "aws_secret_access_key = wJal/rXUt", "aws_secret_access_key = <redacted>", id="a secret key"
        ),
        pytest.param(
            "Authorization: Basic dXNlcjpw", "Authorization: <redacted>", id="a header of authorization"
        ),
        pytest.param("Cookie: sid=a; theme=b", "Cookie: <redacted>", id="all cookies"),
        pytest.param("sent Bearer abc.def-123 twice", "sent Bearer <redacted> twice", id="a bearer"),
        pytest.param(f"jwt {JWT} expired", "jwt <redacted> expired", id="a JSON web token"),
        pytest.param(f"using {AWS}.", "using <redacted>.", id="a key id of AWS"),
        pytest.param(f"remote: {GITHUB}", "remote: <redacted>", id="a token of GitHub"),
        pytest.param(f"charge {STRIPE}!", "charge <redacted>!", id="a key of Stripe"),
        pytest.param("GET https://me:pw@host/x", "GET https://<redacted>@host/x", id="a password in a URL"),
        pytest.param("mail to ann.lee+x@mail.example.org.", "mail to <redacted>.", id="a mail address"),
        pytest.param(f"card {CARD} declined", "card <redacted> declined", id="a card in groups"),
        pytest.param("card " + CARD.replace(" ", ""), "card <redacted>", id="a card in one"),
        pytest.param("3782-822463-10005", "<redacted>", id="a card with another grouping"),
        pytest.param(
            "a -----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY----- b",
            "a <redacted> b",
            id="a private key",
        ),
        pytest.param("-----BEGIN PRIVATE KEY-----\nMIIE", "<redacted>", id="a private key that is cut off"),
    ],
)
def test_it_does_not_show(text: str, shown: str) -> None:
    assert redacted(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "SyntaxError: Unexpected token: name in JSON at position 4",
        "Unexpected token '<' is not valid JSON",
        "tokens=4096 max_tokens: 512 token: 17",
        "token=null secret: undefined",
        "Basic authentication failed for the authenticator",
        "the password was wrong",
        "PWD=/srv/app pwd: /srv/app",
        "Handler execution failed for CanvasPlugin.renderView: TypeError: key is undefined",
        "run export-1795363880719-x7 took 14.87ms at 2026-11-22T16:11:20.680Z",
        "npm react@18.2.0 at node_modules/@scope/pkg@1.2.3/index.js:10:5",
        "1795363880719 1795363880719000 1795363880719000000",
        "id 4242424242424241, 4242424242424242.5 and x4242424242424242",
        "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        "/var/log/app.log: monkey=1 keyboard: us",
        "https://example.org/a@b?c=d",
    ],
)
def test_it_leaves(text: str) -> None:
    assert redacted(text) == text


PIECES = [
    "password",
    "token",
    "=",
    ": ",
    '"',
    "\\",
    "'",
    "@",
    "a.b",
    "://",
    "Bearer ",
    "eyJ",
    " ",
    "x1",
    "cookie",
    "4242",
]


@given(st.lists(st.sampled_from(PIECES) | st.text(max_size=3), max_size=30).map("".join))
def test_a_second_pass_changes_nothing(text: str) -> None:
    once = redacted(text)
    assert redacted(once) == once


@pytest.mark.parametrize(
    "piece",
    [
        "eyJ",
        "a@",
        "a.",
        "://",
        "password",
        "password=",
        'token:"',
        "4 ",
        "Bearer ",
        "-----BEGIN PRIVATE KEY",
        "cookie:",
        "sk-",
        "a://b:",
        "\\",
    ],
)
def test_no_text_keeps_it_busy(piece: str) -> None:
    text = piece * (100_000 // len(piece))
    began = time.process_time()
    redacted(text)
    assert time.process_time() - began < 5
