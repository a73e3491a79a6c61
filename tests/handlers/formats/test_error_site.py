"""An error keeps its group when the program that throws it is built and deployed anew."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.formats.error_site import error_site


@pytest.mark.parametrize(
    ("frame", "site"),
    [
        pytest.param(
            "renderView (file:///app/produce.mjs:119:17)", "renderView (produce.mjs)", id="JavaScript"
        ),
        pytest.param("async pay (/srv/r/20260101/pay.js:1:2)", "pay (pay.js)", id="a folder of a release"),
        pytest.param("Object.pay [as run] (/app/pay.js:1:2)", "pay (pay.js)", id="how it was called"),
        pytest.param("new Cart (/app/cart.js:1:2)", "Cart (cart.js)", id="a constructor"),
        pytest.param("/app/panel.mjs:119:17", "(panel.mjs)", id="no function"),
        pytest.param(
            "add@https://shop.example/static/main.3fa9c1d2.js?v=7:1:99", "add (main.js)", id="Firefox"
        ),
        pytest.param(
            "add (https://shop.example/index-BkTzxQ_z.js:1:99)", "add (index.js)", id="a hash of letters"
        ),
        pytest.param("add (https://shop.example/4821.js:1:99)", "add (.js)", id="the number of a chunk"),
        pytest.param("add (/app/shop-1.4.2.js:1:99)", "add (shop.js)", id="a version"),
        pytest.param("add (/app/cart-view.min.js:1:99)", "add (cart-view.min.js)", id="words stay"),
        pytest.param("e.tn (https://shop.example/main.3fa9c1d2.js:1:99)", "(main.js)", id="a minified name"),
        pytest.param('File "/srv/app/cart.py", line 12, in add', "add (cart.py)", id="Python"),
        pytest.param('File "/srv/app/cart.py", line 12, in <lambda>', "<lambda> (cart.py)", id="a lambda"),
        pytest.param('File "/srv/app/cart.py", line 12', "(cart.py)", id="Python without a function"),
        pytest.param(
            r"Shop.Cart.Add(Item item) in C:\src\Cart.cs:line 42", "Shop.Cart.Add (Cart.cs)", id="C#"
        ),
        pytest.param(
            r"Shop.Cart.<AddAsync>d__12.MoveNext() in /src/Cart.cs:line 42",
            "Shop.Cart.AddAsync (Cart.cs)",
            id="an asynchronous method in C#",
        ),
        pytest.param(
            r"Shop.Cart.<>c__DisplayClass5_0.<Add>b__1(Item i) in /src/Cart.cs:line 42",
            "Shop.Cart.Add (Cart.cs)",
            id="a lambda in C#",
        ),
        pytest.param("Shop.Cart.Add(Item item)", "Shop.Cart.Add ()", id="C# without symbols"),
        pytest.param("com.shop.Cart.add(Cart.java:42)", "com.shop.Cart.add (Cart.java)", id="Java"),
        pytest.param(
            "app//com.shop.Cart.lambda$add$0(Cart.java:42)", "com.shop.Cart.lambda$add (Cart.java)", id="Java"
        ),
        pytest.param("readFileSync (node:fs:452:35)", "", id="the runtime's"),
        pytest.param("", "", id="none"),
        pytest.param("somewhere else", "somewhere else", id="an unknown form"),
    ],
)
def test_the_site_of(frame: str, site: str) -> None:
    assert error_site(frame) == site


@given(
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.from_regex(r"\A[0-9a-f]{8}\Z").filter(lambda h: not h.isalpha()),
)
def test_a_deployment_changes_no_site(line: int, column: int, build: str) -> None:
    deployed = f"render (/srv/{build}/static/panel.{build}.js:{line}:{column})"
    assert error_site(deployed) == "render (panel.js)"


@given(st.text())
def test_any_text_has_a_site(frame: str) -> None:
    assert isinstance(error_site(frame), str)
