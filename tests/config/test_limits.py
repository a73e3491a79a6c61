"""Thresholds by glob: for each setting, the first glob that matches and gives it decides."""

from __future__ import annotations

import json

import pytest

from config.limits import limits_for, limits_of_all, subject_names
from config.load import differences, load_settings
from config.settings import Detect, DetectOf, Settings
from tests.config.problems import problems_of, written

CART = subject_names("checkout-flow", "cart:add", "CartPlugin", "addToCart")


@pytest.mark.parametrize(
    "glob",
    [
        "cart:*",
        "cart:add",
        "CartPlugin.*",
        "addToCart",
        "checkout-flow/cart:add",
        "checkout-flow/*",
        "checkout-*",
    ],
)
def test_a_subject_is_meant_by_each_of_its_names(glob: str) -> None:
    assert limits_for(Detect(), {glob: DetectOf(min_samples=20)}, CART).min_samples == 20


@pytest.mark.parametrize("glob", ["cart", "CART:*", "Plugin.addToCart", "checkout", "/cart:add"])
def test_a_glob_that_matches_no_whole_name_means_nothing(glob: str) -> None:
    detect = Detect(min_samples=30)
    assert limits_for(detect, {glob: DetectOf(min_samples=20)}, CART) is detect


def test_the_first_glob_decides_setting_by_setting() -> None:
    detect_of = {
        "cart:add": DetectOf(over_expected=2.0),
        "nothing": DetectOf(confidence=0.8),
        "cart:*": DetectOf(over_expected=1.0, min_samples=20),
        "*": DetectOf(min_samples=40, errors=False),
    }
    limits = limits_for(Detect(confidence=0.9, hold_s=1), detect_of, CART)
    given = (limits.over_expected, limits.min_samples, limits.errors, limits.confidence, limits.hold_s)
    assert given == (2.0, 20, False, 0.9, 1)


def test_the_first_source_decides_setting_by_setting_and_every_subject_goes_before_it() -> None:
    told_by = {"/logs/a/app.log": {"checkout-flow/cart:add"}, "/logs/b/app.log": {"other"}}
    detect_of = {"cart:*": DetectOf(over_expected=2.0)}
    of_source = {
        "b/*": DetectOf(hold_s=9),
        "a/*": DetectOf(over_expected=3.0, min_samples=20),
        "app.log": DetectOf(min_samples=40, errors=False),
        "gone/*": DetectOf(confidence=0.8),
    }
    limits = limits_for(Detect(confidence=0.9, hold_s=1), limits_of_all(detect_of, of_source, told_by), CART)
    given = (limits.over_expected, limits.min_samples, limits.errors, limits.confidence, limits.hold_s)
    assert given == (2.0, 20, False, 0.9, 1)


def test_what_several_logs_tell_of_has_the_limits_of_each_that_matches() -> None:
    told_by = {"/a.log": {"checkout-flow/cart:add", "other"}, "/b.log": {"checkout-flow/cart:add"}}
    limits_of = limits_of_all({}, {"b.log": DetectOf(min_samples=20)}, told_by)
    assert limits_for(Detect(), limits_of, CART).min_samples == 20
    assert limits_for(Detect(), limits_of, ("other",)).min_samples == Detect().min_samples


def test_a_value_that_is_the_default_counts_when_it_is_given() -> None:
    detect_of = {"*": DetectOf(min_samples=Detect().min_samples)}
    assert limits_for(Detect(min_samples=99), detect_of, CART).min_samples == Detect().min_samples


def test_what_is_not_known_of_a_subject_is_no_name() -> None:
    assert subject_names(sequence="s") == ("s",)
    assert limits_for(Detect(), {"": DetectOf(min_samples=20)}, subject_names()) == Detect()


def test_the_file_gives_them_in_its_order() -> None:
    path = written('detect_of:\n  "b*": {over_expected: 1}\n  a:\n    min_samples: 20\n    performance: no\n')
    detect_of = load_settings(path, {}).settings.detect_of
    assert list(detect_of) == ["b*", "a"]
    assert detect_of["a"] == DetectOf(min_samples=20, performance=False)


def test_only_what_is_given_is_shown_and_told_as_a_change() -> None:
    settings = load_settings(None, {"SELFHEALD_DETECT_OF": '{"a": {"min_samples": 20}}'}).settings
    assert settings.model_dump(mode="json")["detect_of"] == {"a": {"min_samples": 20}}
    [change] = differences(Settings(), settings)
    assert (change.key, change.old, json.loads(change.new)) == ("detect_of", "{}", {"a": {"min_samples": 20}})


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param(
            "detect_of:\n  a:\n    min_samples: 1\n",
            "c.yaml:3: detect_of.a.min_samples: must be greater than or equal to 5 (got 1)",
            id="a value is checked as under detect",
        ),
        pytest.param(
            "detect_of:\n  a:\n    min_sample: 20\n",
            "c.yaml:3: detect_of.a.min_sample: unknown setting; did you mean min_samples? (got 20)",
            id="an unknown setting is answered with the nearest",
        ),
        pytest.param(
            "detect_of:\n  a:\n    interval_s: 5\n",
            "c.yaml:2: detect_of.a: interval_s is one for all; set it under detect",
            id="the interval is one for all",
        ),
        pytest.param(
            'detect_of:\n  a:\n    severity_of: {"*": low}\n',
            "c.yaml:2: detect_of.a: severity_of is one for all; set it under detect",
            id="severities have globs of their own",
        ),
        pytest.param(
            "detect_of:\n  a: 5\n",
            'c.yaml:2: detect_of.a: must have settings of detect below it, such as "min_samples: 20" (got 5)',
            id="a number is not enough",
        ),
        pytest.param(
            "detect_of_source:\n  a/*:\n    min_sample: 20\n",
            "c.yaml:3: detect_of_source.a/*.min_sample: unknown setting; did you mean min_samples? (got 20)",
            id="unknown of a source",
        ),
        pytest.param(
            "detect_of: [a]\n",
            "c.yaml:1: detect_of: must be a section with settings below it",
            id="a list has no settings",
        ),
    ],
)
def test_what_cannot_be_used_is_told_with_its_line(content: str, problem: str) -> None:
    assert problems_of(written(content)) == [problem]
