"""What operators see of baselines, and do to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.daemon.cli.conftest import Cli, Logs

SLOW = "canvas-component-create-symphony/canvas:component:render-react"


@pytest.fixture
def store(logs: Logs, folder: Path, cli: Cli) -> Path:
    """A store of its own in which the healthy log was read."""
    path = folder / "store.db"
    assert cli("run", "--once", "--logs", logs.healthy.parent, "--store", path).code == 0
    return path


def listed(cli: Cli, store: Path, glob: str = "*", *options: str) -> dict[str, dict[str, Any]]:
    answer = cli("baseline", "list", glob, "--store", store, "--format", "json", *options).json()
    return {f"{each['kind']} {each['name']}": each for each in answer["baselines"]}


def test_every_handler_sequence_and_error_group_is_listed_with_what_is_expected(
    judged: Path, cli: Cli
) -> None:
    known = listed(cli, judged)
    assert {each["kind"] for each in known.values()} == {"handler", "sequence", "error"}
    render = known[f"handler {SLOW}"]
    assert (render["handler"], render["state"]) == ("CanvasComponentPlugin.renderReact", "learned")
    assert 25 < render["expected"] < 35
    assert render["expected_from"] == "baseline"
    assert render["faulty_windows"] > 0
    text = cli("baseline", "list", "--store", judged).out
    assert max(map(len, text.splitlines())) <= 80


def test_what_is_still_learned_says_how_far_it_is(
    judged: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFHEALD_DETECT__MIN_SAMPLES", "1000")
    text = cli("baseline", "list", SLOW, "--store", judged).out
    assert "learning  handler" in text
    assert "of 1,000 executions" in text


def test_the_operators_figure_goes_first_and_is_shown_as_such(judged: Path, cli: Cli, folder: Path) -> None:
    config = folder / "set.yaml"
    config.write_text('expected_ms: {"CanvasComponentPlugin.renderReact": 40}\n')
    render = listed(cli, judged, SLOW, "--config", str(config))[f"handler {SLOW}"]
    assert (render["expected"], render["expected_from"]) == (40.0, "settings")
    text = cli("baseline", "list", SLOW, "--store", judged, "--config", config).out
    assert "set in expected_ms" in text.replace("\n", " ")


@pytest.mark.parametrize(
    ("glob", "kinds"),
    [
        pytest.param(SLOW, {"handler"}, id="sequence and event"),
        pytest.param("canvas:component:render-react", {"handler"}, id="an event"),
        pytest.param("CanvasComponentPlugin.renderReact", {"handler"}, id="plug-in and handler"),
        pytest.param("canvas-component-create-symphony", {"sequence"}, id="a sequence"),
        pytest.param("TypeError: *", {"error"}, id="an error group"),
        pytest.param("nothing", set(), id="nothing"),
    ],
)
def test_a_glob_chooses(judged: Path, cli: Cli, glob: str, kinds: set[str]) -> None:
    assert {each["kind"] for each in listed(cli, judged, glob).values()} == kinds


def test_pin_keeps_what_is_known_under_a_name_and_unpin_lets_go(store: Path, cli: Cli) -> None:
    code, out, _ = cli("baseline", "pin", SLOW, "--name", "v1.4", "--store", store)
    assert code == 0
    assert 'pinned as "v1.4"' in out
    render = listed(cli, store, SLOW)[f"handler {SLOW}"]
    assert (render["state"], render["pinned"]) == ("pinned", "v1.4")
    assert cli("status", "--store", store, "--format", "json").json()["learning"]["pinned"] == 1
    assert cli("baseline", "unpin", "*", "--store", store).code == 0
    assert listed(cli, store, SLOW)[f"handler {SLOW}"]["state"] == "learned"


def test_reset_forgets(store: Path, cli: Cli) -> None:
    assert cli("baseline", "reset", "canvas-component-create-symphony/*", "--store", store).code == 0
    known = listed(cli, store)
    assert not [name for name in known if name.startswith("handler canvas-component-create-symphony/")]
    assert "sequence canvas-component-create-symphony" in known


@pytest.mark.parametrize(
    ("command", "says"),
    [
        pytest.param("pin nothing", "nothing: matches nothing that was seen", id="pin"),
        pytest.param("unpin *", "*: nothing that is pinned matches", id="unpin"),
        pytest.param("reset nothing", "nothing: matches nothing that was seen", id="reset"),
    ],
)
def test_what_cannot_be_done_is_refused_with_the_reason(
    store: Path, cli: Cli, command: str, says: str
) -> None:
    code, out, err = cli("baseline", *command.split(), "--store", store)
    assert (code, out) == (2, "")
    assert says in err
