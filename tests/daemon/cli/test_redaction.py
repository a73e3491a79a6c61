"""Secrets of log lines are neither stored nor shown, by whichever command."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.daemon.cli.conftest import Cli

SECRETS = ("hunter", "ann@example.org", "sesame")


def line(number: int) -> str:
    error = f"login of ann@example.org failed, password=hunter, key Bearer open-sesame-{number}"
    return (
        f'{{"timestamp": "2026-11-22T10:00:{number:02}Z", "event": "a:b", "handler": "P.h", "sequence": "s", '
        f'"requestId": "r{number}", "error": "{error}"}}\n'
    )


@pytest.fixture
def log(folder: Path) -> Path:
    path = folder / ".logs" / "app.log"
    path.parent.mkdir()
    path.write_text(
        "".join(map(line, range(40))) + '{"not": "telemetry", "token": "sesame"}\npassword: sesame\n'
    )
    return path


def secrets_in(text: str) -> list[str]:
    return [secret for secret in SECRETS if secret in text]


def test_the_store_has_none(log: Path, folder: Path, cli: Cli) -> None:
    assert cli("run", "--once").code == 0
    stored = b"".join(path.read_bytes() for path in (folder / ".selfheald").iterdir() if path.is_file())
    assert b"redacted" in stored
    assert secrets_in(stored.decode("utf-8", "replace")) == []


@pytest.mark.parametrize("output", ["text", "json"])
def test_no_command_shows_one(output: str, log: Path, cli: Cli) -> None:
    once = cli("run", "--once", "--format", output)
    [anomaly] = cli("anomalies", "--all", "--format", "json").json()["anomalies"]
    for arguments in (
        ("anomalies", "--all"),
        ("show", anomaly["id"]),
        ("recommendations",),
        ("parse", log),
        ("compare", log, log),
    ):
        once = once._replace(out=once.out + cli(*arguments, "--format", output).out)
    assert secrets_in(once.out + once.err) == []
    assert "<redacted>" in once.out


def test_lines_are_shown_as_they_are_where_the_settings_say_so(
    log: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFHEALD_LOG__REDACT", "false")
    cli("run", "--once")
    [anomaly] = cli("anomalies", "--all", "--format", "json").json()["anomalies"]
    assert secrets_in(cli("show", anomaly["id"]).out) == [*SECRETS]
    assert "sesame" in cli("parse", log).out
