"""An anomaly that is found again and again is one incident, which opens, changes, ends and comes back."""

from __future__ import annotations

from msgspec.structs import replace

from daemon.incident import MAX_HISTORY, Incident, begun, moved
from daemon.incident_life import Changes, Moment, follow
from handlers.model import Member, PerformanceAnomaly, Severity
from tests.handlers.anomaly.builders import anomaly

HOUR_MS = 3_600_000
NOW_MS = 1_795_363_000_000


def at(judged_until_ms: int, now_ms: int = NOW_MS, lossy: tuple[tuple[int, int], ...] = ()) -> Moment:
    return Moment(judged_until_ms, now_ms, hold_ms=300_000, forget_ms=24 * HOUR_MS, lossy=lossy)


def after(incident: Incident, *found: PerformanceAnomaly, moment: Moment | None = None) -> Changes:
    return follow({incident.anomaly.id: incident}, found, moment or at(30_000))


def silenced(at_severity: Severity = "medium", until_ms: int = NOW_MS + HOUR_MS) -> Incident:
    incident = moved(begun(anomaly(severity=at_severity), 20_000), "silenced", 25_000, "ada", "load test")
    return replace(incident, until_ms=until_ms, silenced_at=at_severity)


def test_what_was_never_seen_opens() -> None:
    [incident] = follow({}, [anomaly()], at(20_000)).opened
    assert (incident.state, incident.detections, incident.worst) == ("open", 1, "medium")
    assert [each.state for each in incident.history] == ["open"]


def test_a_subject_can_be_held_for_a_time_of_its_own() -> None:
    known = begun(anomaly(), 20_000)
    own = replace(at(30_000), hold_ms_of={"pay:*": 5_000, "CartPlugin.*": 10_000, "*": 0})
    assert after(known, moment=replace(own, judged_until_ms=29_999)).resolved == ()
    assert after(known, moment=own).resolved


def test_what_goes_on_is_the_same_incident_and_is_not_told_again() -> None:
    changes = after(begun(anomaly(), 20_000), anomaly(last_seen_ms=30_000))
    assert changes.told == ()
    [incident] = changes.quiet
    assert (incident.detections, incident.first_seen_ms, incident.last_seen_ms) == (2, 10_000, 30_000)


class TestEnd:
    def test_it_ends_when_it_was_gone_for_the_hold_time(self) -> None:
        incident = begun(anomaly(), 20_000)
        assert after(incident, moment=at(319_999)) == Changes()
        [resolved] = after(incident, moment=at(320_000)).resolved
        assert (resolved.state, resolved.resolved_ms, resolved.why) == ("resolved", 320_000, "is over")

    def test_time_in_which_lines_were_lost_does_not_count(self) -> None:
        incident = begun(anomaly(), 20_000)
        assert after(incident, moment=at(320_000, lossy=((100_000, 110_000),))) == Changes()
        assert after(incident, moment=at(330_000, lossy=((100_000, 110_000),))).resolved

    def test_one_whose_subject_does_not_run_any_more_is_closed_and_stays_so(self) -> None:
        incident = begun(anomaly(), 20_000)
        assert after(incident, anomaly(), moment=at(24 * HOUR_MS)).resolved == ()
        [resolved] = after(incident, anomaly(), moment=at(24 * HOUR_MS + 20_001)).resolved
        assert resolved.why == "is no longer seen: what it is about did not run again"
        assert after(resolved, anomaly(), moment=at(30 * HOUR_MS)) == Changes()

    def test_a_member_of_another_one_ends_without_a_word(self) -> None:
        member = Member("perf-1", "performance", "s", "e", "Cart.add", "2.0 times")
        group = replace(anomaly("perf-group"), members=(member,))
        changes = after(begun(anomaly("perf-1"), 20_000), group)
        assert [each.anomaly.id for each in changes.told] == ["perf-group"]
        [absorbed] = changes.quiet
        assert (absorbed.state, absorbed.why) == ("resolved", "is part of perf-group now")


class TestComingBack:
    def test_it_is_the_same_incident_which_began_anew(self) -> None:
        resolved = after(begun(anomaly(), 20_000), moment=at(320_000)).resolved[0]
        again = replace(anomaly(last_seen_ms=500_000), first_seen_ms=490_000)
        [back] = after(resolved, again, moment=at(500_000)).reopened
        assert (back.state, back.reopened, back.first_seen_ms, back.resolved_ms) == ("open", 1, 490_000, None)
        assert [each.state for each in back.history] == ["open", "resolved", "open"]

    def test_what_an_operator_closed_needs_new_evidence(self) -> None:
        closed = replace(moved(begun(anomaly(), 0), "resolved", NOW_MS, "ada"), settled_ms=20_000)
        assert after(closed, anomaly(last_seen_ms=20_000)) == Changes()
        assert after(closed, anomaly(last_seen_ms=30_000)).reopened

    def test_it_comes_back_silenced_while_its_silence_lasts(self) -> None:
        resolved = after(silenced(), moment=at(320_000)).resolved[0]
        changes = after(resolved, anomaly(last_seen_ms=500_000), moment=at(500_000))
        assert changes.told == ()
        [back] = changes.quiet
        assert (back.state, back.by, back.why) == ("silenced", "ada", "load test")
        late = at(500_000, NOW_MS + HOUR_MS)
        assert after(resolved, anomaly(last_seen_ms=500_000), moment=late).reopened[0].state == "open"


class TestSeverity:
    def test_it_is_told_when_it_gets_graver_than_it_ever_was(self) -> None:
        incident = begun(anomaly(severity="medium"), 20_000)
        [graver] = after(incident, anomaly(severity="high")).graver
        assert graver.worst == "high"
        [milder] = after(graver, anomaly(severity="low")).quiet
        assert milder.worst == "high"
        assert after(milder, anomaly(severity="high")).told == ()

    def test_also_when_somebody_knows_of_it_who_still_does(self) -> None:
        known = moved(begun(anomaly(), 20_000), "acknowledged", 25_000, "ada")
        [graver] = after(known, anomaly(severity="critical")).graver
        assert (graver.state, graver.by) == ("acknowledged", "ada")


class TestSilence:
    def test_it_lasts_until_its_time_is_over(self) -> None:
        assert after(silenced(), anomaly(last_seen_ms=30_000)).told == ()
        [open_again] = after(silenced(), anomaly(), moment=at(30_000, NOW_MS + HOUR_MS)).unsilenced
        assert (open_again.state, open_again.why, open_again.by) == ("open", "its silence is over", "")

    def test_it_ends_early_when_it_gets_graver_than_it_was_silenced_at(self) -> None:
        [open_again] = after(silenced("medium"), anomaly(severity="high")).unsilenced
        assert open_again.state == "open"
        assert open_again.why == "became high, which ends its silence"
        assert after(open_again, anomaly(severity="medium")).told == ()

    def test_milder_than_it_was_silenced_at_is_silenced_too(self) -> None:
        assert after(silenced("high"), anomaly(severity="low")).told == ()


def test_the_history_is_bounded() -> None:
    incident = begun(anomaly(), 0)
    for number in range(2 * MAX_HISTORY):
        incident = moved(incident, "acknowledged", number, "ada")
    assert len(incident.history) == MAX_HISTORY
    assert incident.history[-1].at_ms == 2 * MAX_HISTORY - 1
