"""--launch: the server is started, waited for, watched, restarted, and its whole process group ended."""

import pathlib
import socket
import sys

import pytest

from conftest import BUILD, ROOT, until

REFERENCE = f"{BUILD}/c2w-server --host {{host}} --port {{port}}"
HOSTILE = f"{sys.executable} {ROOT}/tests/hostile/hostile.py"


def free_port():
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        return holder.getsockname()[1]


def test_launched_judged_and_ended(judge):
    run, result = judge("--launch", REFERENCE, "--only", "CON")
    assert run.code == 0, run.out
    assert result["verdict"] == "conforms"


def test_no_client_can_get_the_servers_port(judge):
    """While the server is not up yet, or not up again, somebody who asks for any port must not get its."""
    ephemeral = int(pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
    if ephemeral <= 10000:
        pytest.skip("there is no room below the ephemeral ports")
    for _ in range(3):
        _, result = judge("--launch", REFERENCE, "--only", "connect/CON-01-first-visit")
        assert 10000 <= int(result["target"]["address"].rpartition(":")[2]) < ephemeral


def test_launch_and_target_together(judge):
    address = f"127.0.0.1:{free_port()}"
    run, result = judge("--launch", REFERENCE, "--target", address, "--only", "CON")
    assert run.code == 0, run.out
    assert result["target"]["address"] == address


def test_launched_over_ipv6(judge):
    run, _ = judge("--launch", REFERENCE, "--target", f"[::1]:{free_port()}", "--only", "CON")
    assert run.code == 0, run.out


def test_jobs_start_several_servers(judge, tmp_path):
    log = tmp_path / "starts"
    command = f"sh -c 'echo start >> {log}; exec {REFERENCE}'"
    run, result = judge("--launch", command, "--jobs", "3", timeout=200)
    assert run.code == 0, run.out
    assert log.read_text().count("start") == 3


def test_the_whole_process_group_ends(judge, tmp_path):
    pids = tmp_path / "pids"
    command = f"sh -c 'sleep 1000 & echo $! >> {pids}; (trap \"\" TERM INT HUP; echo ready; sleep 1001) & echo $! >> {pids}; {REFERENCE}'"
    run, _ = judge("--launch", command, "--only", "CON")
    assert run.code == 0, run.out
    for pid in map(int, pids.read_text().split()):
        assert until(lambda: not alive(pid), 3), f"{pid} still runs"


def alive(pid):
    try:
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_ends_on_interruption_too(conform_starts, tmp_path):
    pids, events = tmp_path / "pids", tmp_path / "events"
    running = conform_starts("--launch", f"sh -c 'echo $$ > {pids}; {REFERENCE}; true'", "--events", events)
    assert until(lambda: events.exists() and '"scenario"' in events.read_text())
    running.process.send_signal(2)
    assert running.finish(30).code in (1, 4, 130)
    assert until(lambda: not alive(int(pids.read_text())), 3)


@pytest.mark.parametrize("command, word", [
    ("true", "ended"),
    ("sh -c 'echo cannot find my movies >&2; exit 7'", "cannot find my movies"),
    ("/no/such/program {host} {port}", "/no/such/program"),
])
def test_a_server_that_does_not_start(judge, command, word):
    run, result = judge("--launch", command, timeout=60)
    assert run.code == 3, run
    assert result["verdict"] == "unreachable"
    assert word in run.out + run.err


def test_a_server_that_never_answers(judge):
    run, result = judge("--launch", "sleep 1000", timeout=90)
    assert run.code == 3 and result["verdict"] == "unreachable"


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_server_that_ends_in_the_sanity_exchange_breaks_a_rule(judge, transport):
    """It came up and answered, and nothing but well-formed requests was sent: ROB-01, whatever was to be judged."""
    run, result = judge("--launch", f"{HOSTILE} dies 1 {{host}} {{port}}", "--transport", transport, "--only", "CON")
    assert run.code == 1 and result["verdict"] == "violates", run
    (sanity,) = result["scenarios"]
    (finding,) = sanity["findings"]
    assert sanity["id"] == "sanity" and finding["rule"] == "ROB-01" and finding["verdict"] == "fail"
    assert "it ended with status 0" in finding["what"] and "MOVIE_LIST_REQUEST" in finding["what"]
    assert run.out.index("1. ROB-01") < run.out.index("RULES")


def test_a_server_that_ends_before_it_answers_is_unreachable(judge):
    run, result = judge("--launch", f"{HOSTILE} dies 0 {{host}} {{port}}", "--only", "CON")
    assert run.code == 3 and result["verdict"] == "unreachable" and not result["scenarios"], run


def test_what_a_single_scenario_silences_is_its_doing(judge, tmp_path):
    """Nobody else was on the server, it answered before and answers nobody after: few tries, and no doubt."""
    (tmp_path / "x.c2w").write_text(
        'scenario "It hangs"\nproves   ENT-04\nover     udp\ncast     alice\n\nalice > octets "9.5: SEND_MESSAGE_REQUEST|" + $alice + "|die\\r\\n"\n'
        'alice > ENTER_MOVIE_REQUEST "?"\nalice < ENTER_MOVIE_ERROR [ENT-04]\n')
    run, result = judge("--launch", f"{HOSTILE} hangs 0 {{host}} {{port}}", "-D", "rto=100ms", "-D", "answer-within=200ms", tmp_path / "x.c2w", timeout=60)
    assert run.code == 1, run
    (scenario,) = result["scenarios"]
    assert [(finding["rule"], finding["what"]) for finding in scenario["findings"]] == [("ROB-01", "The server went away: it stopped answering.")]
    assert not scenario["flaky"] and result["target"]["restarts"] == 2


def test_what_a_scenario_kills_is_restarted_and_said(judge, tmp_path):
    (tmp_path / "lib.c2w").write_text("exchange $who connects {\n\t$who > CONNECTION_REQUEST\n\t$who < CONNECTION_GRANTED\n}\n")
    for name, text in ("a", "hello"), ("b", "die"), ("c", "hello"):
        (tmp_path / f"{name}.c2w").write_text(
            f'scenario "{name}"\nproves   MSG-01\ncast     alice\n\nalice connects\nalice > SEND_MESSAGE_REQUEST "{text}"\n'
            "alice < NEW_MESSAGE by alice\n")
    command = f"{HOSTILE} crash 0 {{host}} {{port}}"
    run, result = judge("--launch", command, "--transport", "tcp", tmp_path, timeout=120)
    assert run.code == 1, run.out
    assert {scenario["id"]: scenario["verdict"] for scenario in result["scenarios"]} == {"a": "pass", "b": "fail", "c": "pass"}
    assert "restarted" in run.err and result["target"]["restarts"] >= 1
    assert "Segmentation fault \\x1" in run.out and "\x1b" not in run.out


def test_a_chatty_server_is_no_problem(judge):
    command = f"sh -c 'yes \"a line that nobody reads\" | head -c 50000000 & exec {REFERENCE}'"
    run, _ = judge("--launch", command, "--only", "CON")
    assert run.code == 0, run.out
    assert run.memory < 800 * 1024
