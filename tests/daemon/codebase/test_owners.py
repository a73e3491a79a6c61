"""CODEOWNERS, as GitHub documents it."""

from __future__ import annotations

from pathlib import Path

import pytest

from daemon.codebase.owners import parse_owners, read_owners


@pytest.mark.parametrize(
    ("pattern", "path", "owned"),
    [
        ("*", "src/a/b.py", True),
        ("*.js", "src/a.js", True),
        ("*.js", "src/a.jsx", False),
        ("/build/logs/", "build/logs/a/b.log", True),
        ("/build/logs/", "src/build/logs/a.log", False),
        ("docs/*", "docs/getting-started.md", True),
        ("docs/*", "docs/build-app/troubleshooting.md", False),
        ("apps/", "src/apps/x/y.py", True),
        ("/docs/", "docs/a/b.md", True),
        ("/docs/", "src/docs/a.md", False),
        ("**/logs", "build/logs/a.log", True),
        ("**/logs", "deeply/nested/logs/a.log", True),
        ("/apps/github", "apps/github/a.py", True),
        ("/src/cart.py", "src/cart.py", True),
        ("/src/cart.py", "src/cart.pyc", False),
        ("src/**/cart.py", "src/cart.py", True),
        ("src/**/cart.py", "src/a/b/cart.py", True),
        ("a?.py", "ab.py", True),
        ("a.py", "axpy", False),
        (r"with\ blank.py", "with blank.py", True),
    ],
)
def test_a_pattern_matches_as_documented(pattern: str, path: str, owned: bool) -> None:
    assert parse_owners("CODEOWNERS", f"{pattern} @team").of(path) == (("@team",) if owned else ())


def test_the_last_rule_that_matches_decides_and_may_name_nobody() -> None:
    text = "# all\n* @all\n\nsrc/ @a @b # two\nsrc/free/\n[Section]\n"
    owners = parse_owners("CODEOWNERS", text)
    assert owners.of("readme.md") == ("@all",)
    assert owners.of("src/a.py") == ("@a", "@b")
    assert owners.of("src/free/a.py") == ()
    assert owners.problems == ()


@pytest.mark.parametrize("pattern", ["!src/", "src/[ab].py", "*a*a*a*a*a*b"])
def test_a_pattern_that_is_none_is_told_with_its_line(pattern: str) -> None:
    owners = parse_owners("CODEOWNERS", f"* @all\n{pattern} @team\n")
    (problem,) = owners.problems
    assert problem.startswith("CODEOWNERS:2: ")
    assert owners.of("src/a.py") == ("@all",)


def test_the_first_place_counts_and_a_link_does_not(tmp_path: Path) -> None:
    assert read_owners(tmp_path).of("a.py") == ()
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/CODEOWNERS").write_text("* @docs\n")
    (tmp_path / "CODEOWNERS").symlink_to(tmp_path / "docs/CODEOWNERS")
    assert read_owners(tmp_path).of("a.py") == ("@docs",)
    (tmp_path / ".github").mkdir()
    (tmp_path / ".github/CODEOWNERS").write_text("* @github\n")
    assert read_owners(tmp_path).of("a.py") == ("@github",)
