"""selfheald doctor"""

from __future__ import annotations

import os

from daemon.cli.options import ConfigOption, FormatOption, StoreOption


def doctor(config: ConfigOption = None, store: StoreOption = None, output: FormatOption = "text") -> int:
    """Looks for what keeps it from working; says what to do.

    Settings, log directories, inotify limits, clock, disk, store and service; as the user who runs it.
    Changes nothing.

    \b
    Examples:
      selfheald doctor
      selfheald doctor --config /etc/selfheald/selfheald.yaml

    \b
    Exit codes:
      0  nothing keeps it from working; there may be warnings
      1  something does
      2  could not run
    """
    from config.load import find_config
    from daemon.checked import slow_patterns
    from daemon.cli import as_json
    from daemon.cli.doctor.check import Check
    from daemon.cli.doctor.logs import check_logs
    from daemon.cli.doctor.machine import check_clock, check_disk, check_speedups, check_unit
    from daemon.cli.doctor.store import check_store
    from daemon.cli.failure import CannotRunError
    from daemon.cli.loading import as_the_service, load
    from daemon.cli.output import write

    path = find_config(config, os.environ)
    environ = as_the_service(path)
    checks: list[Check] = []
    try:
        settings = load(path, {"--store": store}, environ).loaded.settings
        checks.append(Check("settings", "ok", f"{path or 'defaults'}: valid"))
    except CannotRunError as error:
        advice = "correct it; the daemon takes the file when it is saved, and goes on as before until then"
        checks += [Check("settings", "failed", line, advice) for line in error.lines]
        settings = load(None, {"--store": store}, environ).loaded.settings
    checks += [
        Check("patterns", "warning", problem, "install google-re2") for problem in slow_patterns(settings)
    ]
    checks += check_logs(settings.logs)
    checks += [check_clock(), check_disk(settings.store.path), *check_store(settings)]
    checks += [check_unit(), check_speedups()]
    if output == "json":
        write(as_json.document(checks))
    else:
        from daemon.cli.text.doctor import say_checks
        from daemon.cli.text.page import Page

        page = Page()
        say_checks(page, checks)
        write(page.text())
    return int(any(check.outcome == "failed" for check in checks))
