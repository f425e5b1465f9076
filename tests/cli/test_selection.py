"""What runs, as somebody in a CI asks for it: --last-failed, --repeat, --shard, --max-time, --level, --origin, --seed."""

import re

import pytest

BROKEN = ("--simulate", "-D", "no-session=2")  # the reference core keeps to 1


def runs(result):
    return [(scenario["id"], scenario["transport"]) for scenario in result["scenarios"]]


def failed(result):
    return {(s["id"], s["transport"]) for s in result["scenarios"] if s["verdict"] == "fail"}


def test_last_failed_runs_what_failed_until_it_passes(judge, conform):
    nothing = conform("--simulate", "--last-failed")
    assert nothing.code == 2 and "--last-failed" in nothing.err and "nothing failed" in nothing.err
    _, first = judge(*BROKEN, "--only", "leave")
    again, second = judge(*BROKEN, "--last-failed")
    assert again.code == 1 and len(failed(first)) >= 4
    assert set(runs(second)) == failed(first) == failed(second)
    assert conform("--simulate", "--last-failed", "--list").code == 0
    passed, third = judge("--simulate", "--last-failed")
    assert passed.code == 0 and set(runs(third)) == failed(first)
    assert conform("--simulate", "--last-failed").code == 2


def test_what_did_not_run_is_still_remembered(judge):
    _, first = judge(*BROKEN, "--only", "leave")
    judge("--simulate", "--only", "leave/LEA-03-never-connected")
    _, second = judge("--simulate", "--last-failed")
    assert set(runs(second)) == {run for run in failed(first) if run[0] != "leave/LEA-03-never-connected"}


def test_each_turn_of_repeat_is_a_run_of_its_own_and_reported_once(judge):
    run, result = judge(*BROKEN, "--only", "leave/LEA-03-never-connected", "--repeat", "4")
    assert run.code == 1 and len(runs(result)) == 8 and result["summary"]["fail"] == 8
    assert len({scenario["seed"] for scenario in result["scenarios"]}) == 8
    assert "in 2 of the 2 scenarios that tested it" in run.out and "FLAKY" not in run.out.upper()


def test_the_seed_stands_with_every_failure_and_is_honoured(judge, conform):
    run, result = judge(*BROKEN, "--only", "leave/LEA-03-never-connected", "--repeat", "2", "--seed", "41")
    seeds = {s["seed"]: int(re.search(r"--seed (\d+)$", s["repeat"])[1]) for s in result["scenarios"]}
    assert set(seeds.values()) == {41, 42} and "--seed 41" in run.out
    for scenario in result["scenarios"]:
        command = scenario["repeat"].split()[1:]
        _, again = judge(*(word.strip("'") for word in command))
        assert [s["seed"] for s in again["scenarios"]] == [scenario["seed"]]
    assert "seed 41" in conform(*BROKEN, "--only", "LEA-03", "--seed", "41", "--quiet").out.splitlines()


def test_max_time_ends_all_and_says_so(judge):
    run, result = judge("--simulate", "--max-time", "1ms")
    assert run.code == 4 and result["verdict"] == "inconclusive" and "--max-time" in run.out.splitlines()[-1]
    assert ".;" not in run.out.splitlines()[-1] and result["summary"]["pass"] == 0


@pytest.mark.parametrize("options, kept", [
    (("--level", "must"), lambda rule: rule["level"] == "MUST"),
    (("--origin", "S"), lambda rule: rule["origin"] == "S"),
    (("--origin", "I,P", "--level", "must"), lambda rule: rule["origin"] != "S" and rule["level"] == "MUST"),
])
def test_only_rules_of_a_level_and_origin_are_judged(judge, options, kept):
    run, result = judge("--simulate", *options)
    passed = [rule for rule in result["rules"] if rule["verdict"] == "pass"]
    assert run.code == 0 and len(passed) > 10 and all(kept(rule) for rule in passed)
    assert {rule["verdict"] for rule in result["rules"] if not kept(rule)} == {"untested"}


def test_a_failure_of_a_rule_left_out_is_none(conform):
    assert conform(*BROKEN, "--only", "leave", "--origin", "S,I").code == 0  # LEA-03 is a P
    assert conform(*BROKEN, "--only", "leave", "--skip", "LEA-03").code == 0


@pytest.mark.parametrize("options, words", [
    (("--explain", "lea-03"), ["near it: LEA-03"]),
    (("--simulate", "--only", "lea-03"), ["near it: LEA-03"]),
    (("--simulate", "--only", "REL-01"), ["no scenario proves it", "--explain"]),
    (("--simulate", "--shard", "10000/10000"), ["no scenario is selected"]),
    (("--simulate", "--level", "must", "--only", "LST-04"), ["no scenario is selected"]),
])
def test_what_selects_nothing_is_an_error(conform, options, words):
    run = conform(*options)
    assert run.code == 2 and run.out == "" and all(word in run.err for word in words), run.err
