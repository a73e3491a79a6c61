"""Whether the user of the service gets to what it has to read."""

from __future__ import annotations

import grp
import pwd
import subprocess
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

from daemon.service.place import USER

GROUPS: Final = (USER, "adm")
"""Those of the unit."""
_OWN: Final = (Path("/tmp"), Path("/var/tmp"))  # noqa: S108 (PrivateTmp= of the unit)


class Account(msgspec.Struct, frozen=True):
    """Who asks for a file."""

    uid: int
    gid: int
    groups: tuple[int, ...]


def service_account() -> Account | None:
    """The user of the service with the groups that the unit gives it; None before it is created."""
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return None
    groups = tuple(group.gr_gid for group in grp.getgrall() if group.gr_name in GROUPS)
    return Account(user.pw_uid, user.pw_gid, groups)


def barriers(paths: Iterable[Path], account: Account) -> list[str]:
    """A sentence for each path that the account cannot read, with what to do. Only root may ask."""
    return [told for path in paths if (told := _barrier(path, account))]


def _barrier(path: Path, account: Account) -> str:
    if any(path.is_relative_to(own) for own in _OWN):
        return f"{path}: the service has a /tmp of its own, so it cannot see this; take another place"
    for each in (*reversed(path.parents), path):
        if not each.exists():
            return f"{each}: does not exist" + ("" if each == path else f", so {path} cannot be read")
        wanted = _wanted(each, path)
        if not all(_may(right, each, account) for right in wanted):
            whole = "" if each == path else f", so {path} is out of reach"
            advice = f"setfacl -m u:{USER}:{wanted} {each}"
            return f"{each}: the user {USER} lacks {wanted}{whole}; {advice}"
    return ""


def _wanted(each: Path, path: Path) -> str:
    """A folder on the way is passed, the one at its end is listed, and a file is read."""
    if each != path:
        return "x"
    return "rx" if path.is_dir() else "r"


def _may(right: str, path: Path, account: Account) -> bool:
    """Asks the kernel, as that user: it knows of access lists, and of what else decides."""
    result = subprocess.run(  # noqa: S603
        ("/usr/bin/test", f"-{right}", path),
        user=account.uid,
        group=account.gid,
        extra_groups=account.groups,
        cwd="/",
        check=False,
    )
    return result.returncode == 0
