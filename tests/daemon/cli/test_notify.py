"""`selfheald notify test`: does an alert get through?"""

from __future__ import annotations

from pathlib import Path

from tests.daemon.cli.conftest import Cli


def test_each_receiver_says_whether_it_took_it(cli: Cli, folder: Path) -> None:
    (folder / "selfheald.yaml").write_text(
        "alerts:\n  good:\n    command: ['true']\n  bad:\n    command: ['false']\n"
    )
    code, out, err = cli("notify", "test")
    assert (code, out) == (1, "good: taken\n")
    assert err == "selfheald: bad: false ended with 1\n"
    assert cli("notify", "test", "good").code == 0
    assert cli("notify", "test", "--format", "json").json()["receivers"] == [
        {"route": "good", "taken": True, "problem": ""},
        {"route": "bad", "taken": False, "problem": "false ended with 1"},
    ]


def test_without_a_receiver_or_with_an_unknown_one_it_says_so(cli: Cli, folder: Path) -> None:
    assert "no receiver is set" in cli("notify", "test").err
    (folder / "selfheald.yaml").write_text("alerts:\n  pager:\n    command: ['true']\n")
    code, _, err = cli("notify", "test", "page")
    assert code == 2
    assert "there are pager" in err
