"""Who added the time, or the failures: what callees do not explain."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.diagnosis.unexplained_excess import CallNode, Load, Unexplained, rank_unexplained_excess

CALLS = {"site": ("search", "pay"), "search": ("db",), "pay": ("db", "bank"), "db": (), "bank": ()}
USUAL_MS = {"site": 100.0, "search": 20.0, "pay": 60.0, "db": 5.0, "bank": 30.0}


def node(
    name: str, *costs: float | None, usual: tuple[float, ...] | None = None, calls: bool = True
) -> CallNode:
    return CallNode(
        name=name,
        calls=CALLS.get(name, ()) if calls else (),
        usual=(USUAL_MS[name],) * 20 if usual is None else usual,
        loads=tuple(None if cost is None else Load(100, cost) for cost in costs),
    )


def graph(**rise_ms: float) -> list[CallNode]:
    """Two intervals as usual, then two with these rises."""
    return [
        node(name, usual, usual, usual + rise_ms.get(name, 0), usual + rise_ms.get(name, 0))
        for name, usual in USUAL_MS.items()
    ]


def names(ranked: tuple[Unexplained, ...]) -> list[str]:
    return [each.name for each in ranked]


@pytest.mark.parametrize(
    ("rise_ms", "cause"),
    [
        pytest.param({"site": 50, "search": 50}, "search", id="a callee explains the rise of its caller"),
        pytest.param({"site": 50, "pay": 50, "bank": 50}, "bank", id="and the callee's callee that of both"),
        pytest.param({"site": 50}, "site", id="without a slower callee the time is the caller's own"),
        pytest.param(
            {"site": 80, "pay": 80, "bank": 20}, "pay", id="the node that adds most is first, not the deepest"
        ),
    ],
)
def test_the_root_cause_is_the_node_whose_rise_its_callees_do_not_explain(
    rise_ms: dict[str, float], cause: str
) -> None:
    assert names(rank_unexplained_excess(graph(**rise_ms), "site"))[0] == cause


def test_the_figures_are_those_of_the_intervals_in_which_the_target_suffers() -> None:
    ranked = {each.name: each for each in rank_unexplained_excess(graph(site=50, pay=50, bank=20), "site")}
    pay = ranked["pay"]
    assert (pay.requests, pay.usual, pay.actual) == (200, 60.0, 110.0)
    assert (pay.excess, pay.of_callees, pay.own) == (10_000.0, 4_000.0, 6_000.0)
    assert pay.reason == (
        "pay added 10.0 s in 200 calls, of which 4.0 s are in what it calls "
        "(110 ms a call instead of 60.0 ms)"
    )
    assert ranked["db"].reason == "db added nothing: 5.0 ms a call instead of 5.0 ms"


def test_failures_are_ranked_the_same_way() -> None:
    nodes = [
        CallNode("site", ("search",), (0.0, 0.0), (Load(100, 0.3),)),
        CallNode("search", (), (0.0, 0.0), (Load(200, 0.2),)),
    ]
    first, second = rank_unexplained_excess(nodes, "site", "failures")
    assert (first.name, second.name) == ("search", "site")
    assert first.reason == "search added 40.0 failures in 200 calls (20 % of the calls fail instead of 0 %)"


def test_what_was_slow_while_the_target_was_well_is_no_cause() -> None:
    nodes = [
        node("site", 100, 100, 150, 150),
        node("search", 20, 20, 60, 60),
        node("pay", 60, 60, 60, 60),
        node("bank", 230, 230, 230, 230, usual=(30.0,) * 20),
    ]
    assert names(rank_unexplained_excess(nodes, "site"))[0] == "search"


def test_a_rise_within_the_usual_range_comes_after_all_that_are_beyond_theirs() -> None:
    restless = tuple(float(each) for each in range(10, 110))
    nodes = [node("site", 150), node("search", 50), node("pay", 60), node("bank", 100, usual=restless)]
    ranked = rank_unexplained_excess(nodes, "site")
    assert names(ranked)[0] == "search"
    bank = next(each for each in ranked if each.name == "bank")
    assert bank.own > ranked[0].own
    assert not bank.beyond_usual
    assert "within its usual range" in bank.reason


def test_a_call_that_is_new_does_not_excuse_its_caller() -> None:
    nodes = [node("site", 150), node("search", 70), CallNode("db", (), (), (Load(100, 50),))]
    ranked = rank_unexplained_excess(nodes, "site")
    assert names(ranked)[0] == "search"
    assert "db" not in names(ranked)


@pytest.mark.parametrize(
    "nodes",
    [
        pytest.param([], id="an empty graph"),
        pytest.param([node("search", 50)], id="a graph without the target"),
        pytest.param([node("site")], id="no interval"),
        pytest.param([node("site", None, None)], id="intervals that saw nothing"),
        pytest.param([node("site", 150, usual=())], id="no past"),
    ],
)
def test_without_data_nothing_is_ranked(nodes: list[CallNode]) -> None:
    assert rank_unexplained_excess(nodes, "site") == ()


def test_nodes_that_the_target_does_not_call_are_left_out() -> None:
    assert names(rank_unexplained_excess([node("search", 50), node("pay", 999)], "search")) == ["search"]


def test_calls_in_a_circle_end() -> None:
    nodes = [
        CallNode("a", ("b",), (1.0,), (Load(1, 2.0),)),
        CallNode("b", ("a", "b"), (1.0,), (Load(1, 3.0),)),
    ]
    assert set(names(rank_unexplained_excess(nodes, "a"))) == {"a", "b"}


costs = st.lists(st.floats(0, 1e6), min_size=3, max_size=3)


@given(st.lists(costs, min_size=5, max_size=5), st.randoms(use_true_random=False))
def test_the_order_of_nodes_and_of_what_is_usual_does_not_matter(
    rows: list[list[float]], shuffle: random.Random
) -> None:
    usual = [1.0, 5.0, 20.0, 70.0]
    nodes = [node(name, *row, usual=tuple(usual)) for name, row in zip(CALLS, rows, strict=True)]
    expected = rank_unexplained_excess(nodes, "site")
    shuffle.shuffle(usual)
    nodes = [node(name, *row, usual=tuple(usual)) for name, row in zip(CALLS, rows, strict=True)]
    shuffle.shuffle(nodes)
    assert rank_unexplained_excess(nodes, "site") == expected


@given(st.lists(costs, min_size=5, max_size=5), st.permutations(["v", "w", "x", "y", "z"]))
def test_names_carry_no_meaning(rows: list[list[float]], other_names: list[str]) -> None:
    renamed = dict(zip(CALLS, other_names, strict=True))
    nodes = [node(name, *row) for name, row in zip(CALLS, rows, strict=True)]
    others = [
        CallNode(renamed[each.name], tuple(renamed[name] for name in each.calls), each.usual, each.loads)
        for each in nodes
    ]
    ranked = rank_unexplained_excess(nodes, "site")
    again = rank_unexplained_excess(others, renamed["site"])
    figures = [(not each.beyond_usual, -each.own) for each in ranked]
    assert [(not each.beyond_usual, -each.own) for each in again] == figures
    if len(set(figures)) == len(figures):
        assert [renamed[each.name] for each in ranked] == names(again)
