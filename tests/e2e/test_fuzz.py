"""c2w-fuzz over real sockets: the reference server, known-bad ones, and a toy that crashes, hangs or leaks. Bounded by count, never by speed."""

import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from conftest import BUILD, ROOT, Running, until
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


@pytest.fixture(scope="session")
def sanitized_toy(tmp_path_factory):
    """toy(recover) builds tests/hostile/toy.c with the address sanitizer: it ends with its report, or goes on behind it."""

    def build(recover):
        program = tmp_path_factory.mktemp("toy") / "toy"
        subprocess.run(["gcc", "-g", "-fsanitize=address", *["-fsanitize-recover=address"] * recover, "-D_GNU_SOURCE", "-I", ROOT, ROOT / "tests/hostile/toy.c",
                        *ROOT.glob("protocol/*.c"), "-lunistring", "-lm", "-o", program], check=True)
        return f"ASAN_OPTIONS=halt_on_error={int(not recover)} exec {program} {{port}}"

    return build


@pytest.fixture
def running(tmp_path):
    """running(command) starts a server on a free port, in a shell of its own group that ends with the test; gives its address."""
    started = []

    def start(command):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        started.append(subprocess.Popen(["sh", "-c", command.replace("{port}", str(port))], stdout=subprocess.PIPE, start_new_session=True, text=True))
        assert started[-1].stdout.readline().startswith("ready")
        return f"127.0.0.1:{port}"

    yield start
    for each in started:
        os.killpg(each.pid, signal.SIGKILL)
        each.wait()
        each.stdout.close()


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


@pytest.mark.parametrize("fault, rule", [("datagram-twice", "TRN-02"), ("text-cut-at-colon", "MSG-03"), ("users-listed-for-anyone", "LST-05"),
                                         ("pieces-forgotten", "TRN-03"), ("no-session-has-code-0", "LEA-03"), ("everything-executed-again", "REL-11")])
def test_a_fault_is_found_and_conform_sees_it_too(fuzz, judge, conform, fault, rule):
    done, result = fuzz("--launch", faulty(fault), "--count", "5000", "--time", "60s", "--first")
    assert done.code == 1, done
    found = the_finding(result, rule) or result["findings"][0]
    assert found["reproduced"], (done.err, result["findings"])
    assert fails_for(judge, found["scenario"], faulty(fault), found["rule"]), found
    assert conform("--quiet", found["scenario"], "--launch", REFERENCE).code == 0
    assert open(found["scenario"].replace(".c2w", ".octets")).read().count(">") > 0


def test_a_running_server_is_fuzzed_where_it_is(fuzz, server):
    bad = server("--quiet", "--fault", "users-listed-for-anyone", program="c2w-server-faulty")
    done, result = fuzz("--target", bad.address, "--count", "100")
    assert done.code == 1 and the_finding(result, "LST-05")["reproduced"], done


def test_findings_of_an_earlier_hunt_stay(fuzz, tmp_path):
    (tmp_path / "findings").mkdir()
    earlier = tmp_path / "findings/001-TRN-02.c2w"
    earlier.write_text("what was found yesterday")
    done, result = fuzz("--launch", faulty("datagram-twice"), "--first")
    assert done.code == 1 and earlier.read_text() == "what was found yesterday"
    found = the_finding(result, "TRN-02")["scenario"]
    assert found.endswith("/001-TRN-02.2.c2w") and pathlib.Path(found).with_suffix(".octets").exists(), found


def test_a_crash_is_reproduced_shrunk_and_written(fuzz, judge):
    done, result = fuzz("--launch", TOY + "crash", "--count", "1500", "--first", "--waits", "0")
    found = the_finding(result, "ROB-01")
    assert done.code == 1 and found and found["kind"] == "death" and found["reproduced"], (done, result["findings"])
    assert "signal 6" in found["what"] and found["steps"] <= 4
    done, _ = judge("--quiet", found["scenario"], "--launch", TOY + "crash")
    assert done.code in (1, 3), done


def test_what_the_server_printed_last_is_told_and_tells_crashes_apart(fuzz):
    done, result = fuzz("--launch", TOY + "raise", "--waits", "0", "--count", "1500", "--time", "60s")
    deaths = {finding["what"]: pathlib.Path(finding["scenario"]) for finding in result["findings"] if finding["kind"] == "death"}
    assert {what.partition(", its last words: ")[2] for what in deaths} == {"KeyError: #####", "LookupError: no text"}, done
    for what, scenario in deaths.items():
        assert what.startswith("the server ended with status 1, ") and f'scenario "Not again: {what}"' in scenario.read_text()
        assert what[-8:] in re.sub("[0-9]", "#", scenario.with_suffix(".output").read_text()) and "Traceback" in scenario.with_suffix(".output").read_text()


def test_a_server_that_every_client_ends_is_found_to_end(fuzz):
    done, result = fuzz("--launch", TOY + "leave", "--waits", "0", "--first")
    found = the_finding(result, "ROB-01")
    assert done.code == 1 and found["kind"] == "death" and found["reproduced"] and "KeyError" in found["what"], done


def test_a_hang_is_found_by_an_honest_client(fuzz):
    done, result = fuzz("--launch", TOY + "hang", "--count", "200", "--first")
    found = the_finding(result, "ROB-02")
    assert done.code == 1 and found["kind"] == "hang", done


def test_a_leak_is_seen(fuzz):
    done, result = fuzz("--launch", TOY + "leak", "--count", "6000", "--time", "60s", "--waits", "0")
    leaks = [finding for finding in result["findings"] if finding["kind"] == "leak"]
    assert done.code == 1 and leaks and "descriptors" in leaks[0]["what"], (done, result["findings"])


def test_memory_that_leaks_is_seen(fuzz):
    done, result = fuzz("--launch", TOY + "memory", "--count", "6000", "--time", "60s", "--first", "--waits", "0")
    leaks = [finding for finding in result["findings"] if finding["kind"] == "leak"]
    assert done.code == 1 and leaks and "memory" in leaks[0]["what"], (done, result["findings"])


@pytest.mark.parametrize("recover", [False, True], ids=["ends", "goes-on"])
def test_a_sanitizer_is_listened_to(sanitized_toy, recover, tmp_path):
    command, file = sanitized_toy(recover), tmp_path / "fuzz.json"
    done = subprocess.run([BUILD / "c2w-fuzz", "--launch", command, "--count", "800", "--seed", "3", "--json", file, "--out", tmp_path / "findings"],
                          capture_output=True, timeout=120, check=False)
    found = the_finding(json.loads(file.read_text()), "ROB-01")
    assert done.returncode == 1 and found and found["reproduced"] and "heap-buffer-overflow" in found["what"], done
    assert found["steps"] <= 12, done  # of 24: what is told once in a process is hard to make smaller


def test_a_running_server_that_dies_is_a_finding(fuzz, running):
    done, result = fuzz("--target", running(TOY + "crash"), "--count", "2000", timeout=60)
    found = the_finding(result, "ROB-01")
    assert done.code == 1 and found["kind"] == "death" and result["lost"], done


def test_a_running_server_that_hangs_is_a_finding(fuzz, running):
    done, result = fuzz("--target", running(TOY + "hang"), "--count", "2000", timeout=60)
    assert done.code == 1 and the_finding(result, "ROB-02")["kind"] == "hang" and result["lost"], done


def test_a_server_that_is_started_again_by_others_is_gone_on_with(fuzz, running):
    again = f"while :; do {TOY.removeprefix('exec ')} crash; sleep 0.3; done"
    done, result = fuzz("--target", running(again), "--count", "2000", "--first", "--waits", "0", timeout=60)
    found = the_finding(result, "ROB-01")
    assert done.code == 1 and found and found["kind"] == "death" and found["reproduced"] and not result["lost"], (done, result)


def test_what_does_not_show_again_does_not_count(fuzz, running, tmp_path):
    done, result = fuzz("--target", running(TOY + "once"), "--count", "400", "--waits", "0")
    assert done.code == 0 and result["findings"] == [], done
    seen = result["seen_once"]  # that answer; where others take the machine a late one, too
    assert "FMT-09" in {once["rule"] for once in seen} and not any(once["reproduced"] for once in seen)
    assert f"seen once and not again: {len(seen)}" in done.err
    names = {path.name for path in (tmp_path / "findings").glob("*.c2w")}
    assert len(names) == len(seen) and all(name.startswith("once-0") for name in names), names


@pytest.mark.parametrize("command", [TOY + "slow", TOY + "odd", REFERENCE + " --max-users 2 --max-room 1"], ids=["slow", "odd", "full"])
def test_what_is_odd_and_allowed_is_no_finding(fuzz, command):
    done, result = fuzz("--launch", command, "--count", "60", "--waits", "0")
    assert done.code == 0 and result["findings"] == [], done


def test_the_corpus_is_gone_on_from(fuzz, conform, tmp_path):
    corpus = tmp_path / "corpus"
    fuzz("--launch", REFERENCE, "--count", "30", "--corpus", corpus)
    kept = sorted(corpus.glob("*.c2w"))
    assert len(kept) > 5
    assert conform("--check", *kept).code == 0
    done, result = fuzz("--launch", REFERENCE, "--count", "5", "--corpus", corpus)
    assert done.code == 0 and result["kept"] >= len(kept)


def test_a_corpus_is_replayed_as_it_is(fuzz, tmp_path):
    corpus = tmp_path / "corpus"
    fuzz("--launch", REFERENCE, "--count", "30", "--corpus", corpus)
    kept = sorted(corpus.glob("*.c2w"))
    done, result = fuzz("--launch", REFERENCE, "--corpus", corpus, "--replay")
    assert done.code == 0 and result["executions"] == len(kept) and sorted(corpus.glob("*.c2w")) == kept, done


def test_a_full_disk_is_said_and_survived(program, tmp_path):
    """No file may grow: what is kept and what is found cannot be written."""
    done = Running(["prlimit", "--fsize=0", BUILD / "c2w-fuzz", "--launch", faulty("pipe-missing"), "--count", "20", "--seed", "1", "--corpus", tmp_path / "corpus",
                    "--out", tmp_path / "findings", "--json", tmp_path / "result.json"]).finish()
    assert done.code in (1, 2) and "too large" in done.err and "pipe is missing" in done.err, done
    assert not list(tmp_path.glob("*/*.c2w")), "half a file is left"


def test_what_is_no_input_is_said_and_nothing_to_replay_is_an_error(fuzz, program, tmp_path):
    corpus = tmp_path / "corpus"
    corpus.mkdir()
    (corpus / "notes.c2w").write_text("to be written\n")
    done, _ = fuzz("--launch", REFERENCE, "--corpus", corpus, "--replay")
    assert done.code == 2 and f"{corpus}/notes.c2w: there is nothing in it" in done.err and "no scenario in it" in done.err, done
    shutil.copy(ROOT / "scenarios/lists/LST-05-never-connected.c2w", corpus)
    done, result = fuzz("--launch", faulty("users-listed-for-anyone"), "--corpus", corpus, "--replay")
    assert the_finding(result, "LST-05")["origin"] == f"{corpus}/LST-05-never-connected.c2w" and f"from {corpus}/LST-05" in done.err, done


def test_where_nothing_can_be_written_is_said_at_once(program, tmp_path):
    (tmp_path / "file").touch()
    for option in "--out", "--corpus", "--json":
        place = tmp_path / "file" / "there" if option == "--json" else tmp_path / "file"
        done = program("c2w-fuzz", "--target", "127.0.0.1:1", "--out", tmp_path / "findings", option, place)
        assert done.code == 2 and f"{place}: Not a directory" in done.err, done


def test_an_interrupt_before_the_server_is_up_is_no_finding(tmp_path):
    file = tmp_path / "fuzz.json"
    running = Running([BUILD / "c2w-fuzz", "--launch", "sleep 60", "--json", file, "--out", tmp_path / "findings"])
    pid = running.process.pid
    assert until(lambda: pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text())  # the server is being started
    running.process.send_signal(signal.SIGINT)
    done = running.finish()
    assert done.code == 130 and fits(json.loads(file.read_text()))["findings"] == [] and not (tmp_path / "findings").exists(), done


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
    ["--target", "127.0.0.1:1", "--replay"], ["--target", "127.0.0.1:1", "--corpus", "/dev/null/no"], ["--target", "127.0.0.1:1", "--profile", "/dev/null/no"],
    ["--target", "127.0.0.1:1", "--seed", "9007199254740992"],
])
def test_wrong_usage_ends_with_2(program, arguments):
    done = program("c2w-fuzz", *arguments)
    assert done.code == 2 and done.err.startswith("c2w-fuzz: "), done


def test_a_wrong_parameter_is_told_with_its_remedy(program, tmp_path):
    profile = tmp_path / "class.profile"
    profile.write_text("rto = 200ms\nmax-text = much\n")
    assert "rto=soon: it takes a duration" in program("c2w-fuzz", "--target", "127.0.0.1:1", "-D", "rto=soon").err
    assert f"{profile}:2: max-text=much: it takes" in program("c2w-fuzz", "--target", "127.0.0.1:1", "--profile", profile).err


def test_nobody_there_ends_with_3(fuzz):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        done, _ = fuzz("--target", f"127.0.0.1:{free.getsockname()[1]}", "--transport", "udp")
    assert done.code == 3 and "nobody answers" in done.err, done


def test_a_server_that_does_not_start_ends_with_3(fuzz):
    done, _ = fuzz("--launch", "exit 7")
    assert done.code == 3, done
