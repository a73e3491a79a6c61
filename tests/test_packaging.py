"""What is in the repository, what gets into the wheel, and which package may import which."""

import ast
import importlib.metadata
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("config", "daemon", "handlers")
TOP_LEVEL = {*PACKAGES, "LICENSE", "README.md", "pyproject.toml", "systemd", "tests"}
"""And names with a dot in front, which belong to tools."""
FORBIDDEN = {
    "handlers": {"watchdog", "tinydb", "apscheduler", "loguru", "typer", "daemon"},
    "config": {"daemon", "handlers"},
    "daemon": {"tests"},
}


def imported(source: str) -> set[str]:
    """The top-level names that a module imports, at its head or inside of functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            names.add((node.module or "").partition(".")[0])
    return names


def modules(package: str) -> Iterator[Path]:
    return (ROOT / package).rglob("*.py")


@pytest.mark.parametrize("package", PACKAGES)
def test_dependencies_point_one_way(package: str) -> None:
    wrong = {
        str(path.relative_to(ROOT)): sorted(names)
        for path in modules(package)
        if (names := imported(path.read_text(encoding="utf-8")) & FORBIDDEN[package])
    }
    assert not wrong


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("import daemon.store", id="import of a module"),
        pytest.param("import os, daemon as d", id="import under another name"),
        pytest.param("from daemon import store", id="import from a package"),
        pytest.param("def late():\n    from daemon.store import open", id="import inside of a function"),
        pytest.param("if TYPE_CHECKING:\n    import daemon", id="import for types only"),
    ],
)
def test_the_check_sees_an(source: str) -> None:
    assert "daemon" in imported(source)


def test_no_other_distribution_owns_the_import_names() -> None:
    owners = importlib.metadata.packages_distributions()
    strangers = {name: set(owners.get(name, ())) - {"selfheald"} for name in PACKAGES}
    assert not any(strangers.values()), strangers


def test_the_top_level_holds_only_what_belongs_there() -> None:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    git = ["git", "-c", "safe.directory=*"]  # the checkout may belong to somebody else
    command = [*git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    names = {name.partition("/")[0] for name in result.stdout.split("\0")}
    assert {name for name in names if not name.startswith(".")} - {""} <= TOP_LEVEL
    assert "pyproject.toml" in names


@pytest.mark.parametrize("tree", [*PACKAGES, "tests"])
def test_every_folder_with_python_is_a_package(tree: str) -> None:
    """Two tests of one name in folders that are none would be one module to pytest and mypy."""
    top = ROOT / tree
    folders = {parent for path in modules(tree) for parent in path.parents if parent.is_relative_to(top)}
    assert folders
    assert [folder for folder in folders if not (folder / "__init__.py").exists()] == []


def test_systemd_is_no_package() -> None:
    """Else it would stand in the way of the library of that name."""
    assert not list(modules("systemd"))


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.ZipFile:
    """A wheel of a copy, because a build in place would pick up what an earlier one left."""
    source = tmp_path_factory.mktemp("source") / "selfheald"
    source.mkdir()
    for name in ("LICENSE", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, source)
    for package in (*PACKAGES, "systemd", "tests"):
        unwanted = shutil.ignore_patterns("__pycache__", "*.so")
        shutil.copytree(ROOT / package, source / package, symlinks=True, ignore=unwanted)
    offline = ["--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    command = [sys.executable, "-m", "pip", "wheel", *offline, "--wheel-dir", str(source), str(source)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    [path] = source.glob("selfheald-*.whl")
    return zipfile.ZipFile(path)


def test_the_wheel_holds_all_modules_and_the_settings_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    expected = {str(path.relative_to(ROOT)) for package in PACKAGES for path in modules(package)}
    inside = {name for name in wheel.namelist() if ".dist-info/" not in name}
    inside -= {name for name in inside if name.startswith("handlers/_speedups.")}
    units = {f"daemon/systemd/{path.name}" for path in (ROOT / "systemd").glob("selfheald.*")}
    data = {"config/selfheald.yaml", "config/selfheald.schema.json", "daemon/report/style.css"}
    assert inside == expected | units | data


def test_the_wheel_carries_its_licence_and_cannot_be_uploaded_by_mistake(wheel: zipfile.ZipFile) -> None:
    [name] = (name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))
    metadata = wheel.read(name).decode()
    assert "License-Expression: Apache-2.0" in metadata
    assert "Classifier: Private :: Do Not Upload" in metadata
    assert any(name.endswith("licenses/LICENSE") for name in wheel.namelist())
