"""Over real sockets: a target that is no server keeps no rule, nor does one that stops being a server after some messages.

The whole suite meets such targets in virtual time (tests/selftest/vacuity.c); here a scenario that asks for an answer and some that ask
for silence do, with the sanity gate switched off. All targets are judged side by side, for most of the time is spent waiting.
"""

import json

import pytest

HASTE = ["--quiet", "--no-sanity", "-D", "rto=100ms", "-D", "answer-within=200ms", "--max-time", "8s"]
SOME = [word for one in ("CON-01-first-visit", "LST-05-never", "MSG-07-before", "FMT-05-nul") for word in ("--only", one)]
ANYWHERE = ("127.0.0.1", "0")
MODES = ["mute", "echo", "garbage", "close", "unread", "flood", "fixed", "replay", "granting"]


def verdicts(targets, conform_starts, folder):
    """{mode: (run, result)}, all judged at the same time."""
    running = {mode: conform_starts("--target", target.address, "--json", folder / mode, *HASTE, *SOME) for mode, target in targets.items()}
    ended = {mode: each.finish(60) for mode, each in running.items()}
    return {mode: (run, json.loads((folder / mode).read_text())) for mode, run in ended.items()}


def passed(result):
    return {rule["id"] for rule in result["rules"] if rule["verdict"] == "pass"}


def test_never_a_server(hostile, conform_starts, tmp_path):
    for mode, (run, result) in verdicts({mode: hostile(mode) for mode in MODES}, conform_starts, tmp_path).items():
        assert run.code in (1, 3, 4) and result["verdict"] != "conforms", (mode, run)
        assert not passed(result), mode


@pytest.mark.parametrize("messages", ["1", "7"])
def test_no_server_any_more(hostile, server, conform_starts, tmp_path, messages):
    right = server("--rto", "100").address
    for mode, (run, result) in verdicts({mode: hostile(mode, messages, *ANYWHERE, right) for mode in MODES}, conform_starts, tmp_path).items():
        assert run.code in (1, 3, 4) and result["verdict"] != "conforms", (mode, run)
        assert not passed(result) & {"LST-05", "MSG-07", "FMT-05"}, mode


def test_a_server_all_along(hostile, server, conform_starts, tmp_path):
    target = hostile("mute", "1000000", *ANYWHERE, server("--rto", "100").address)
    run, result = verdicts({"none": target}, conform_starts, tmp_path)["none"]
    assert (run.code, result["verdict"]) == (0, "conforms"), run.out
