"""Hands one message to one receiver."""

from __future__ import annotations

import os
import subprocess
import urllib.error
import urllib.request
from pathlib import Path
from typing import Final

import msgspec

from config.alert_route import AlertRoute
from daemon.alerts.message import Message

TIMEOUT_S: Final = 20.0
_HTTP_OK: Final = range(200, 300)


class NotSentError(Exception):
    """The receiver did not take it; the sentence says why. It never holds the address, which is a secret."""


def send(route: AlertRoute, message: Message) -> None:
    """Returns when the receiver has taken it, after `TIMEOUT_S` at most. Raises NotSentError."""
    if route.webhook is not None:
        _post(_secret(route.webhook), message)
    elif route.apprise is not None:
        _apprise(_secret(route.apprise), message)
    elif route.command is not None:
        _run(route.command, message)


def _secret(value: str) -> str:
    """The value itself, or what the file named behind an @ holds."""
    if not value.startswith("@"):
        return value
    path = Path(os.path.expandvars(value[1:]))
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise NotSentError(f"{path}: cannot be read ({error})") from error


def _post(url: str, message: Message) -> None:
    if not url.startswith(("http://", "https://")):
        raise NotSentError("the webhook is no http or https URL")
    request = urllib.request.Request(  # noqa: S310 (the scheme was looked at)
        url,
        data=msgspec.json.encode(message),
        headers={"Content-Type": "application/json", "User-Agent": "selfheald"},
    )
    try:
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
            if answer.status not in _HTTP_OK:
                raise NotSentError(f"the webhook answered {answer.status}")
    except urllib.error.HTTPError as error:
        with error:
            raise NotSentError(f"the webhook answered {error.code}") from None
    except (OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise NotSentError(f"the webhook cannot be reached ({reason})") from None


def _apprise(url: str, message: Message) -> None:
    try:
        import apprise
    except ImportError:
        raise NotSentError("apprise is not installed: pip install 'selfheald[alerts]'") from None
    receiver = apprise.Apprise()
    if not receiver.add(url):
        raise NotSentError("apprise does not know this kind of URL")
    if not receiver.notify(title=message.title, body=message.text):
        raise NotSentError("apprise could not hand it over")


def _run(command: tuple[str, ...], message: Message) -> None:
    """The message is its standard input, as JSON; it gets no more of this environment than a PATH."""
    try:
        ended = subprocess.run(  # noqa: S603 (the operator's own command, without a shell)
            command,
            input=msgspec.json.encode(message),
            capture_output=True,
            timeout=TIMEOUT_S,
            check=False,
            env={"PATH": os.defpath, "LANG": "C.UTF-8"},
        )
    except subprocess.TimeoutExpired:
        raise NotSentError(f"{command[0]} did not end within {TIMEOUT_S:g} s") from None
    except OSError as error:
        raise NotSentError(f"{command[0]}: {error.strerror}") from error
    if ended.returncode:
        said = ended.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise NotSentError(f"{command[0]} ended with {ended.returncode}" + (f": {said[0]}" if said else ""))
