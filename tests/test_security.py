"""What the README claims about security is tested, and the code keeps to it."""

from __future__ import annotations

import ast
import re
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from config.load import SettingsError, load_settings
from daemon.documents import MalformedError, yaml_nodes
from daemon.spool import Spool

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
SECTION = README.partition("\n## Security\n")[2].partition("\n## ")[0]
DAEMON_STARTS = {"daemon/alerts/send.py", "daemon/codebase/git.py", "daemon/rehearsal.py"}
"""Files that start programs in the daemon: an alert's command, git, and itself."""
OPERATOR_STARTS = {
    "daemon/cli/commands/service.py",
    "daemon/cli/doctor/machine.py",
    "daemon/service/access.py",
    "daemon/service/state.py",
    "daemon/service/steps.py",
}
"""Files that start programs for the commands that install and examine the service."""
STARTERS = {"run", "Popen", "run_process", "open_process", "call", "check_call", "check_output", "system"}
WAYS_TO_START = {"subprocess", "anyio", "os"}
SPEAK = {"http", "http.client", "http.server", "urllib.request", "requests", "httpx", "apprise", "smtplib"}
LOADS_CODE = {"pickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}


def modules() -> Iterator[tuple[str, ast.Module]]:
    for package in ("config", "daemon", "handlers"):
        for path in sorted((ROOT / package).rglob("*.py")):
            yield str(path.relative_to(ROOT)), ast.parse(path.read_text(encoding="utf-8"))


def imported(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {each.name for each in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(node.module or "")
    return names


def calls(tree: ast.Module) -> Iterator[tuple[str, str, ast.Call]]:
    """(module, name, call), the module empty for a plain name."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            owner = node.func.value
            yield owner.id if isinstance(owner, ast.Name) else "", node.func.attr, node
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            yield "", node.func.id, node


def test_nothing_is_unpickled_or_evaluated() -> None:
    for name, tree in modules():
        assert not imported(tree) & LOADS_CODE, name
        evaluated = [
            call for module, called, call in calls(tree) if not module and called in {"eval", "exec"}
        ]
        assert evaluated == [], name


def test_programs_are_started_in_known_places_without_a_shell() -> None:
    found = set()
    for name, tree in modules():
        for module, called, call in calls(tree):
            if module in WAYS_TO_START and called in STARTERS and (module, called) != ("anyio", "run"):
                found.add(name)
                assert not any(each.arg == "shell" for each in call.keywords), name
                assert not isinstance(call.args[0], ast.Constant | ast.JoinedStr), (
                    f"{name}: a text is no argv"
                )
    assert found == DAEMON_STARTS | OPERATOR_STARTS


def test_the_daemon_does_not_even_load_what_installs_it() -> None:
    show = (
        "import sys, daemon.app; print([name for name in sys.modules if name.startswith('daemon.service')])"
    )
    shown = subprocess.run([sys.executable, "-c", show], cwd=ROOT, capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"


HOSTILE_YAML = [
    pytest.param("detect: !!python/object/apply:os.system ['touch {mark}']\n", id="a call"),
    pytest.param("detect: !!python/object/new:os.system ['touch {mark}']\n", id="a new object"),
    pytest.param("!!python/name:os.system : 1\n", id="a name"),
]


@pytest.mark.parametrize("text", HOSTILE_YAML)
def test_yaml_of_the_settings_makes_nothing_but_values(text: str, tmp_path: Path) -> None:
    mark, path = tmp_path / "mark", tmp_path / "selfheald.yaml"
    path.write_text(text.format(mark=mark))
    with pytest.raises(SettingsError):
        load_settings(path, {})
    assert not mark.exists()


@pytest.mark.parametrize("text", HOSTILE_YAML)
def test_yaml_of_a_repository_makes_nothing_at_all(text: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with suppress(MalformedError):
        yaml_nodes(text.format(mark=mark))
    assert not mark.exists()


def test_strangers_can_neither_read_nor_give_orders(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "store.db")
    spool.prepare()
    assert stat.S_IMODE(spool.path.stat().st_mode) & 0o007 == 0


def test_only_alerts_and_the_metrics_port_can_speak_to_a_network() -> None:
    speaking = {name for name, tree in modules() if imported(tree) & SPEAK}
    assert speaking == {"daemon/alerts/send.py", "daemon/metrics_out.py"}
    [socket_user] = [name for name, tree in modules() if "socket" in imported(tree)]
    assert socket_user == "daemon/sdnotify.py"
    assert "AF_INET" not in (ROOT / socket_user).read_text()
    assert socket.AF_UNIX.name in (ROOT / socket_user).read_text()


def test_every_claim_names_a_test_that_exists() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", SECTION)
    assert len(named) >= 15
    for file, test in named:
        text = (ROOT / file).read_text()
        assert not test or re.search(rf"def {test}\(", text), f"{file}::{test}"
    for row in re.findall(r"^\| .*\|$", SECTION, flags=re.MULTILINE)[2:]:
        assert "`tests/" in row, row
