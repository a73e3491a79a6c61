"""The service from its package to its purge, under a real systemd."""

from __future__ import annotations

import re

import pytest

from handlers.speedups import are_built
from tests.systemd.booted import Booted
from tests.systemd.conftest import log_of, missing_for_boot, state_of

DROP_IN = "/etc/selfheald/conf.d/{}.yaml"
LOG = "/srv/logs/app.log"


pytestmark = pytest.mark.skipif(bool(missing_for_boot()), reason=missing_for_boot() or "never")


class TestLifeOfTheService:
    """Each test goes on where the one before it ended."""

    def test_the_package_installs_and_starts_it(self, system: Booted) -> None:
        system.run("dpkg", "--force-depends", "--install", "/srv/selfheald.deb")
        system.waits_for(lambda: system.shows("ActiveState") == "active", "the start")
        assert "there is no such directory yet" in system.journal("--priority=warning")

    def test_the_hardening_lets_it_load_its_loops_in_c(self, system: Booted) -> None:
        if not are_built():
            pytest.skip("built without a C compiler")
        assert "/handlers/_speedups." in system.run("cat", f"/proc/{system.shows('MainPID')}/maps")

    def test_a_drop_in_takes_effect_without_a_word_to_it(self, system: Booted) -> None:
        system.write(DROP_IN.format("10-logs"), "logs: {directories: [/srv/logs]}\n")
        told = 'logs.directories: [".logs"] -> ["/srv/logs"]'
        system.waits_for(lambda: told in system.journal(), "the new directory")

    def test_warnings_alone_tell_the_story_of_an_anomaly(self, system: Booted) -> None:
        system.write(LOG, log_of("healthy"))
        system.waits_for(lambda: state_of(system)["judged_until_ms"] > 0, "a judgement of the healthy log")
        assert "found:" not in system.journal()
        system.run(
            "dd", "status=none", f"of={LOG}", "oflag=append", "conv=notrunc", stdin=log_of("regressed")
        )
        system.waits_for(
            lambda: system.journal("--priority=warning").count("do first:") == 5, "five verdicts"
        )
        assert re.search("found: renderReact takes .*cause: .*do first: ", system.journal("-p4"), re.DOTALL)

    def test_a_reload_with_bad_settings_fails_and_changes_nothing(self, system: Booted) -> None:
        system.write(DROP_IN.format("20-mine"), "detect:\n  over_expected: -1\n")
        assert "failed" in system.run("systemctl", "reload", "selfheald", check=False)
        assert "20-mine.yaml:2: detect.over_expected: must be greater than 0 (got -1)" in system.journal()
        assert system.shows("ActiveState") == "active"

    def test_a_reload_with_good_settings_is_told_key_by_key(self, system: Booted) -> None:
        system.write(DROP_IN.format("20-mine"), "detect:\n  over_expected: 5\n")
        system.run("systemctl", "reload", "selfheald")
        system.waits_for(lambda: "detect.over_expected: 0.5 -> 5" in system.journal(), "the new limit")
        system.waits_for(lambda: "resolved: slowness of renderReact" in system.journal(), "the end of it")

    def test_after_a_kill_it_goes_on_and_counts_nothing_twice(self, system: Booted) -> None:
        before = system.run(
            "selfheald", "status", "--config", "/etc/selfheald/selfheald.yaml", "--format", "json"
        )
        system.run("systemctl", "kill", "--signal=KILL", "selfheald")
        system.waits_for(lambda: system.shows("NRestarts") == "1", "the restart")
        system.waits_for(lambda: system.shows("ActiveState") == "active", "the start")
        after = system.run(
            "selfheald", "status", "--config", "/etc/selfheald/selfheald.yaml", "--format", "json"
        )
        counts = re.compile(r'"(?:lines|events|matched)": \d+')
        assert counts.findall(after) == counts.findall(before) != []

    def test_the_watchdog_restarts_one_that_hangs(self, system: Booted) -> None:
        faster = "/run/systemd/system/selfheald.service.d"
        system.run("mkdir", "-p", faster)
        system.write(f"{faster}/test.conf", "[Service]\nWatchdogSec=3\nRestartSec=0\n")
        system.run("systemctl", "daemon-reload")
        system.run("systemctl", "restart", "selfheald")
        restarts = int(system.shows("NRestarts"))
        system.run("systemctl", "kill", "--signal=STOP", "--kill-whom=main", "selfheald")
        system.waits_for(lambda: int(system.shows("NRestarts")) == restarts + 1, "the restart")
        assert "Watchdog timeout" in system.journal()
        system.run("rm", "-r", faster)
        system.run("systemctl", "daemon-reload")

    def test_it_runs_as_its_own_user_and_its_group_may_read_the_store(self, system: Booted) -> None:
        first = system.shows("MainPID")
        assert system.run("stat", "--format=%U", f"/proc/{first}").strip() == "selfheald"
        assert system.run("stat", "--format=%U %a", "/var/lib/selfheald/store.db").strip() == "selfheald 640"

    def test_an_upgrade_restarts_it_and_keeps_state_and_settings(self, system: Booted) -> None:
        first = system.shows("MainPID")
        system.run("dpkg", "--force-depends", "--install", "/srv/selfheald.deb")
        assert system.shows("ActiveState") == "active"
        assert system.shows("MainPID") != first
        assert "over_expected: 5" in system.run("cat", DROP_IN.format("20-mine"))
        assert "106,509 lines" in system.run(
            "selfheald", "status", "--config", "/etc/selfheald/selfheald.yaml"
        )

    def test_an_upgrade_does_not_stop_it_for_settings_that_cannot_be_used(self, system: Booted) -> None:
        first = system.shows("MainPID")
        system.write(DROP_IN.format("20-mine"), "detekt: {}\n")
        said = system.run("dpkg", "--force-depends", "--install", "/srv/selfheald.deb")
        assert "20-mine.yaml:1: detekt: unknown setting; did you mean detect?" in said
        assert (system.shows("ActiveState"), system.shows("MainPID")) == ("active", first)

    def test_purging_leaves_nothing(self, system: Booted) -> None:
        system.run("dpkg", "--purge", "selfheald")
        assert system.shows("LoadState") == "not-found"
        left = system.run("ls", "-d", "/opt/selfheald", "/etc/selfheald", "/var/lib/selfheald", check=False)
        assert left.count("No such file") == 3
        assert system.run("getent", "passwd", "selfheald", check=False) == ""

    def test_the_command_installs_it_too(self, system: Booted) -> None:
        system.run("sh", "-c", "dpkg-deb --fsys-tarfile /srv/selfheald.deb | tar -C / -x ./opt")
        system.run("mkdir", "-p", "/home/me/logs")
        system.run("chmod", "700", "/home/me")
        said = system.run("/opt/selfheald/bin/selfheald", "service", "install", "--logs", "/home/me/logs")
        assert "/home/me: the user selfheald lacks x, so /home/me/logs is out of reach" in said
        assert system.shows("ActiveState") == "active"
        system.run("chmod", "711", "/home/me")
        status = system.run("/opt/selfheald/bin/selfheald", "service", "status")
        assert "warning" not in status
        assert "active, enabled" in status

    def test_the_command_removes_it_without_leaving_anything(self, system: Booted) -> None:
        system.run("/opt/selfheald/bin/selfheald", "service", "uninstall", "--purge")
        assert system.shows("LoadState") == "not-found"
        assert system.run("systemctl", "--failed", "--no-legend").strip() == ""
        assert system.run("getent", "passwd", "selfheald", check=False) == ""
        again = system.run("/opt/selfheald/bin/selfheald", "service", "uninstall", "--purge")
        assert again == ""
