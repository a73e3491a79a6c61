"""A group keeps its name for ever: it may grow and unite with others, under the name of the oldest."""

import gzip
import json
import random
import re
import time
from itertools import permutations
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.formats.error_text import split_error
from handlers.templates import Grouping, TemplateBook, masked
from handlers.templates.grouping import MAX_TEMPLATES
from tests.handlers.templates.made_up import LOGS, drawn, grouping_accuracy

CONDUCTOR = Path(__file__).parents[2] / "data/conductor"


def sentences(seed: int) -> list[str]:
    """Few frames, and words that vary at up to three places of each: what is learned overlaps."""
    rng = random.Random(seed)
    values = rng.sample(
        ["bob", "eve", "amy", "joe", "io.x", "FULL", "<*>", "dan", "a.b", "ann"], rng.randint(4, 10)
    )
    frames = [
        "unit {} lost its lock on {} while {} slept",
        "unit {} lost its lock",
        "lock on={} by={}: {} refused",
    ]
    return [rng.choice(frames).format(*rng.choices(values, k=3)) for _ in range(rng.randint(20, 150))]


def stored_and_loaded(grouping: Grouping) -> Grouping:
    return Grouping(msgspec.json.decode(msgspec.json.encode(grouping.book()), type=TemplateBook))


def users(*names: str) -> list[str]:
    return [f"login by password failed for {name} from <*>" for name in names]


def test_a_word_is_a_variable_once_enough_different_ones_were_seen() -> None:
    grouping = Grouping()
    first, *_ = names = [grouping.group(template) for template in users("root", "bob", "eve", "amy", "joe")]
    assert names[:3] == users("root", "bob", "eve")
    assert names[3:] == [first, first]
    assert [grouping.group(name) for name in names] == [first] * 5
    assert grouping.widest(first) == "login by password failed for <*> from <*>"


def test_a_word_where_a_value_was_seen_is_a_variable() -> None:
    grouping = Grouping()
    assert [grouping.group(template) for template in users("root", "<*>")] == users("root", "root")


@pytest.mark.parametrize(
    "templates",
    [
        pytest.param(["LOOKING", "FOLLOWING", "LEADING", "OBSERVING"], id="nothing holds them together"),
        pytest.param(
            [f"task moved on from {s}" for s in ("NEW", "IDLE", "BUSY", "DONE", "LOST")], id="states"
        ),
        pytest.param(
            [f"connect {e} <*>" for e in ("ECONNREFUSED", "ETIMEDOUT", "EPIPE")], id="names of errors"
        ),
        pytest.param([f"{w} the main loop" for w in ("Starting", "Ending", "Leaving")], id="few words"),
        pytest.param(
            [f"{w} <*>" for w in ("cat", "dog", "cow", "pig", "hen", "rat")], id="one word and a value"
        ),
    ],
)
def test_other_templates_stay_apart(templates: list[str]) -> None:
    grouping = Grouping()
    for template in templates * 2:
        assert grouping.group(template) == template


@pytest.mark.parametrize("order", list(permutations(users("root", "bob", "eve", "amy"))))
def test_whatever_the_order_the_oldest_gives_the_name(order: tuple[str, ...]) -> None:
    grouping = Grouping()
    for template in order:
        grouping.group(template)
    assert {grouping.group(template) for template in order} == {order[0]}


def test_two_words_that_vary_together_are_variables() -> None:
    grouping = Grouping()
    pairs = ["a.b x.y", "c.d z.w", "e.f u.v", "g.h r.s", "i.j p.q", "k.l n.o"]
    names = [grouping.group("registering class {} for kind {}".format(*pair.split())) for pair in pairs]
    assert {grouping.group(name) for name in names} == {names[0]}


@pytest.mark.parametrize("seeds", [range(i, i + 50) for i in range(0, 300, 50)], ids=str)
def test_a_message_stays_in_its_group_when_the_group_grows(seeds: range) -> None:
    for seed in seeds:
        grouping = Grouping()
        first_names: dict[str, str] = {}
        for template in sentences(seed):
            name = grouping.group(template)
            before = first_names.setdefault(template, name)
            assert name == grouping.group(before)
        ages = {template: age for age, template in enumerate(first_names)}
        for template, before in first_names.items():
            name = grouping.group(template)
            assert name == grouping.group(before) == grouping.group(name)
            assert ages[name] <= ages[before] <= ages[template]


def test_a_message_that_was_never_stored_stays_in_its_group_when_it_is_learned_as_a_template() -> None:
    grouping = Grouping()
    for name in ("bob", "eve", "amy", "dan"):
        grouping.group(f"unit {name} lost its <*> lock")
    before = grouping.group("unit joe lost its <*> lock")
    assert before == "unit bob lost its <*> lock"
    for word in ("red", "big", "old", "wet"):
        grouping.group(f"unit joe lost its {word} lock")
    assert grouping.group("unit joe lost its <*> lock") == grouping.group(before) == before
    assert grouping.group("unit joe lost its red lock") == before


def test_names_do_unite_in_those_sentences() -> None:
    """Without this the test above could not fail."""
    grouping = Grouping()
    names = {grouping.group(template) for template in sentences(0)}
    assert len({grouping.group(name) for name in names}) < len(names)


@pytest.mark.parametrize("seeds", [range(50), range(50, 100)], ids=str)
def test_storing_and_loading_in_between_changes_nothing(seeds: range) -> None:
    for seed in seeds:
        straight, interrupted = Grouping(), Grouping()
        for number, template in enumerate(sentences(seed)):
            if number % 7 == seed % 7:
                interrupted = stored_and_loaded(interrupted)
            assert interrupted.group(template) == straight.group(template)
        assert interrupted.book() == straight.book()


def test_any_text_has_a_name_that_stays() -> None:
    grouping = Grouping()

    @given(st.text())
    def check(text: str) -> None:
        name = grouping.group(masked(text))
        assert grouping.group(masked(text)) == grouping.group(name) == name

    check()


def test_what_is_learned_is_bounded_and_the_names_stay_when_it_is_full() -> None:
    rng = random.Random(1)
    grouping = Grouping()
    templates = [" ".join(rng.choices("abcdefgh", k=8)) for _ in range(3 * MAX_TEMPLATES)]
    started = time.process_time()
    for template in templates:
        grouping.group(template)
    assert time.process_time() - started < 20
    book = grouping.book()
    assert len(book.groups) <= MAX_TEMPLATES + len(book.variables)
    names = [grouping.group(template) for template in templates]
    assert [stored_and_loaded(grouping).group(template) for template in templates[-50:]] == names[-50:]
    assert grouping.book().variables == book.variables


@pytest.mark.parametrize("template", ["", "<*>", "a " * 150, '"' * 150, "<*> " * 20 + "x" * 100, "= " * 100])
def test_odd_templates_are_groups_of_their_own(template: str) -> None:
    grouping = Grouping()
    assert grouping.group(template) == template
    assert stored_and_loaded(grouping).group(template) == template


@pytest.mark.parametrize("log", ["regressed.log.gz", "regressed-v1.4-no-timestamps.log.gz"])
def test_the_errors_of_a_conductor_log_are_the_two_that_were_put_in(log: str) -> None:
    text = gzip.decompress((CONDUCTOR / log).read_bytes()).decode()
    errors = [split_error(error) for error in re.findall(r"execution failed for [\w.]+: (.*)", text)]
    assert len(set(errors)) > 10
    grouping = Grouping()
    assert {(kind, grouping.group(masked(message))) for kind, message in errors} == {
        ("RangeError", "clipboard payload of <*> exceeds limit"),
        ("TypeError", "Cannot read properties of undefined (reading 'fields') in panel <*>"),
    }
    put_in = [
        fault for fault in json.loads((CONDUCTOR / "truth.json").read_text()) if fault["type"] == "error"
    ]
    assert len(put_in) == 2


def accuracy(lines: list[tuple[int, str]], *, learning: bool = True) -> float:
    grouping = Grouping()
    names = [masked(message) for _, message in lines]
    if learning:
        names = [grouping.group(name) for name in names]
        names = [grouping.group(name) for name in names]
    return grouping_accuracy([statement for statement, _ in lines], names)


@pytest.mark.parametrize("log", LOGS)
def test_lines_of_one_statement_are_one_group(log: str) -> None:
    """With one setting. "cluster" prints states in small letters, which stay apart: "on off", "off on"."""
    lines = drawn(log, 2000, seed=1)
    in_order = accuracy(lines)
    assert in_order >= (0.8 if log == "cluster" else 0.95)
    random.Random(2).shuffle(lines)
    assert abs(accuracy(lines) - in_order) < 0.02


def test_without_learning_fewer_are() -> None:
    logs = [drawn(log, 2000, seed=1) for log in LOGS]
    assert sum(map(accuracy, logs)) > sum(accuracy(lines, learning=False) for lines in logs) + 0.05 * len(
        logs
    )
