"""Targets that are no servers at all, or stop being one half-way: never a pass, never a hang, bounded memory, escaped output."""

import json

import pytest

from conftest import BUILD, until

SANITIZED = b"__asan_init" in (BUILD / "c2w-conform").read_bytes()
MEMORY = (800 if SANITIZED else 150) * 1024  # KiB; the address sanitizer keeps what was freed
HASTE = ["-D", "rto=100ms", "-D", "answer-within=200ms", "--max-time", "30s"]  # nobody here would keep to more, either
SOME = [word for rule in ("CON-01", "CON-02", "LST-01", "MSG-01", "REL-11") for word in ("--only", rule)]
TERMINAL_SAFE = str.maketrans("", "", "\n\t")


def judged(run, result):
    """What holds for every one of them."""
    assert run.code in (1, 3, 4), run.out
    assert result["verdict"] != "conforms"
    assert run.memory < MEMORY
    assert run.out.translate(TERMINAL_SAFE).isprintable(), run.out
    assert run.err.translate(TERMINAL_SAFE).isprintable(), run.err


@pytest.mark.parametrize("mode", ["mute", "echo", "garbage", "nul", "close", "unread", "flood", "utf8", "terminal", "endless"])
def test_hostile_from_the_start(hostile, judge, mode):
    run, result = judge("--target", hostile(mode).address, *HASTE, *SOME)
    judged(run, result)
    assert not any(scenario["verdict"] == "pass" and mode in ("mute", "echo", "garbage", "nul", "close", "unread", "endless")
                   for scenario in result["scenarios"])


@pytest.mark.parametrize("mode", ["dies", "silent", "raves"])
@pytest.mark.parametrize("exchanges", [1, 7, 60])
def test_hostile_after_some_exchanges(hostile, judge, mode, exchanges):
    run, result = judge("--target", hostile(mode, str(exchanges)).address, *HASTE, *SOME)
    judged(run, result)


def test_naive_servers_are_told_what_they_break(hostile, judge):
    run, result = judge("--target", hostile("naive").address, *HASTE, "--only", "CON", "--only", "ENT-02", "--only", "MSG")
    judged(run, result)
    assert run.code == 1
    broken = {rule["id"] for rule in result["rules"] if rule["verdict"] == "fail"}
    kept = {rule["id"] for rule in result["rules"] if rule["verdict"] == "pass"}
    assert {"CON-02", "ENT-02", "MSG-06"} <= broken
    assert {"CON-01", "ENT-01"} <= kept


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_server_killed_half_way(server, conform_starts, tmp_path, transport):
    target, events, result = server(), tmp_path / "events", tmp_path / "result.json"
    running = conform_starts("--target", target.address, "--transport", transport, "--events", events, "--json", result)
    assert until(lambda: events.exists() and events.read_text().count('"scenario"') > 3)
    target.process.kill()
    run = running.finish(120)
    assert run.code in (1, 3), run
    assert "stopped answering" in run.out or "no longer" in run.out or "lost" in run.out, run.out
    assert json.loads(result.read_text())["verdict"] in ("violates", "unreachable")


def test_terminal_sequences_never_reach_a_terminal(hostile, conform):
    run = conform("--target", hostile("terminal").address, "--verbose", *HASTE, *SOME)
    assert "\\x1B[2J" in run.out or "\\x1b[2J" in run.out
    assert run.out.translate(TERMINAL_SAFE).isprintable()
