"""c2w-fuzz over real sockets: the reference server, known-bad ones, and a toy that crashes, hangs or leaks. Bounded by count, never by speed."""

import json
import re
import shlex
import shutil
import signal
import socket
import sys
import time

import pytest

from conftest import BUILD, ROOT, Running
from fits import fits

REFERENCE = f"exec {shlex.quote(str(BUILD / 'c2w-server'))} --quiet --port {{port}}"
TOY = f"exec {shlex.quote(sys.executable)} {shlex.quote(str(ROOT / 'tests/hostile/toy.py'))} {{port}} "


def faulty(fault):
    return f"exec {shlex.quote(str(BUILD / 'c2w-server-faulty'))} --quiet --port {{port}} --fault {fault}"


@pytest.fixture
def fuzz(program, tmp_path):
    """fuzz(*arguments) runs c2w-fuzz; returns the run and its result."""

    def run(*arguments, **keywords):
        file = tmp_path / "fuzz.json"
        file.unlink(missing_ok=True)
        done = program("c2w-fuzz", "--json", file, "--out", tmp_path / "findings", "--seed", "3", *arguments, **keywords)
        return done, fits(json.loads(file.read_text())) if file.exists() else None

    return run


def the_finding(result, rule):
    return next((finding for finding in result["findings"] if finding["rule"] == rule), None)


def fails_for(judge, scenario, command, rule):
    done, result = judge("--quiet", scenario, "--launch", command)
    return done.code == 1 and any(finding["rule"] == rule for each in result["scenarios"] for finding in each["findings"])


def test_the_reference_server_gives_no_finding(fuzz):
    done, result = fuzz("--launch", REFERENCE, "--count", "300")
    assert done.code == 0, done
    assert result["schema"] == "c2w-fuzz/1" and result["findings"] == [] and result["udp"] and result["tcp"]
    assert result["executions"] >= 300 and result["states"] > 20 and result["transitions"] > result["states"]
    assert re.search(r"\d+ executions, \d+/s, .*states, .*transitions, .*findings: 0", done.err)


@pytest.mark.parametrize("fault, rule, count", [("datagram-twice", "TRN-02", 60), ("text-cut-at-colon", "MSG-03", 400), ("users-listed-for-anyone", "LST-05", 100)])
def test_a_fault_is_found_and_conform_sees_it_too(fuzz, judge, conform, fault, rule, count):
    done, result = fuzz("--launch", faulty(fault), "--count", count)
    assert done.code == 1, done
    found = the_finding(result, rule)
    assert found and found["reproduced"], done.err
    assert fails_for(judge, found["scenario"], faulty(fault), rule)
    assert conform("--quiet", found["scenario"], "--launch", REFERENCE).code == 0
    assert open(found["scenario"].replace(".c2w", ".octets")).read().count(">") > 0


def test_a_running_server_is_fuzzed_where_it_is(fuzz, server):
    bad = server("--quiet", "--fault", "users-listed-for-anyone", program="c2w-server-faulty")
    done, result = fuzz("--target", bad.address, "--count", "100")
    assert done.code == 1 and the_finding(result, "LST-05")["reproduced"], done


def test_a_crash_is_reproduced_shrunk_and_written(fuzz, judge):
    done, result = fuzz("--launch", TOY + "crash", "--count", "4")
    found = the_finding(result, "ROB-01")
    assert done.code == 1 and found["kind"] == "death" and found["reproduced"], done
    assert "signal 6" in found["what"] and found["steps"] <= 4
    done, _ = judge("--quiet", found["scenario"], "--launch", TOY + "crash")
    assert done.code in (1, 3), done


def test_a_hang_is_found_by_an_honest_client(fuzz):
    done, result = fuzz("--launch", TOY + "hang", "--count", "8", "--lanes", "2")
    found = the_finding(result, "ROB-02")
    assert done.code == 1 and found["kind"] == "hang", done


def test_a_leak_is_seen(fuzz):
    done, result = fuzz("--launch", TOY + "leak", "--count", "6000", "--time", "60s")
    leaks = [finding for finding in result["findings"] if finding["kind"] == "leak"]
    assert done.code == 1 and leaks and "descriptors" in leaks[0]["what"], done


def test_the_corpus_is_gone_on_from(fuzz, conform, tmp_path):
    corpus = tmp_path / "corpus"
    fuzz("--launch", REFERENCE, "--count", "30", "--corpus", corpus)
    kept = sorted(corpus.glob("*.c2w"))
    assert len(kept) > 5
    assert conform("--check", *kept).code == 0
    done, result = fuzz("--launch", REFERENCE, "--count", "5", "--corpus", corpus)
    assert done.code == 0 and result["kept"] >= len(kept)


def test_the_suite_is_a_corpus(fuzz, tmp_path):
    corpus = shutil.copytree(ROOT / "scenarios", tmp_path / "corpus")
    done, result = fuzz("--launch", REFERENCE, "--count", "400", "--corpus", corpus)
    assert done.code == 0 and result["kept"] > 100, done


def test_an_interrupt_loses_nothing(tmp_path):
    file = tmp_path / "fuzz.json"
    running = Running([BUILD / "c2w-fuzz", "--launch", faulty("datagram-twice"), "--time", "10min", "--json", file, "--out", tmp_path / "findings"])
    end = time.monotonic() + 60
    while not list((tmp_path / "findings").glob("*.octets")) and time.monotonic() < end:
        time.sleep(0.05)
    running.process.send_signal(signal.SIGINT)
    done = running.finish()
    assert done.code == 1 and json.loads(file.read_text())["findings"], done


@pytest.mark.parametrize("arguments", [
    [], ["--target", "nonsense"], ["--target", "127.0.0.1:1", "--transport", "sctp"], ["--target", "127.0.0.1:1", "--time", "soon"],
    ["--target", "127.0.0.1:1", "-D", "no-such=1"], ["--target", "127.0.0.1:1", "more"], ["--target", "192.0.2.1:1950", "--rate", "5000"],
])
def test_wrong_usage_ends_with_2(program, arguments):
    done = program("c2w-fuzz", *arguments)
    assert done.code == 2 and done.err.startswith("c2w-fuzz: "), done


def test_nobody_there_ends_with_3(fuzz):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done, _ = fuzz("--target", f"127.0.0.1:{free.getsockname()[1]}", "--transport", "udp")
    assert done.code == 3 and "nobody answers" in done.err, done


def test_a_server_that_does_not_start_ends_with_3(fuzz):
    done, _ = fuzz("--launch", "exit 7")
    assert done.code == 3, done
