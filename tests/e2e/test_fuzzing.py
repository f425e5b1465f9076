"""The fuzz targets as fuzzing services build them: fuzz/oss-fuzz/build.sh in its environment, with libFuzzer and with AFL++."""

import json
import os
import re
import shutil
import signal
import subprocess
import time
import zipfile

import pytest

from conftest import BUILD, ROOT
from fits import fits

TARGETS = sorted(path.stem for path in (ROOT / "fuzz/targets").glob("*.c"))
ENGINES = {
    "libfuzzer": {"CC": "clang", "CXX": "clang++", "CFLAGS": "-O0 -gline-tables-only -fsanitize=address -fsanitize=fuzzer-no-link", "CXXFLAGS": "-fsanitize=address",
                  "LIB_FUZZING_ENGINE": "-fsanitize=fuzzer"},
    "afl": {"CC": "afl-clang-fast", "CXX": "afl-clang-fast++", "CFLAGS": "-O0 -fsanitize=address", "CXXFLAGS": "-fsanitize=address",
            "LIB_FUZZING_ENGINE": "/usr/lib/afl/libAFLDriver.a"},
}


def test_there_are_targets_and_each_says_its_goal():
    assert {"message", "framer", "scenario", "result", "engine", "session"} <= set(TARGETS)
    for target in TARGETS:
        assert (ROOT / f"fuzz/targets/{target}.c").read_text().startswith("/* Goal: ")
        assert (ROOT / f"fuzz/targets/{target}.options").is_file()


def test_the_corpus_is_small():
    assert sum(path.stat().st_size for path in (ROOT / "corpus").rglob("*") if path.is_file()) < 300 * 1024


@pytest.fixture(scope="module")
def source(tmp_path_factory):
    """The tree without what was built, as SRC/c2w."""
    folder = tmp_path_factory.mktemp("src")
    ignored = shutil.ignore_patterns("build", ".git", "__pycache__")
    shutil.copytree(ROOT, folder / "c2w", ignore=ignored, symlinks=True)
    return folder


@pytest.mark.parametrize("engine", [pytest.param(engine, marks=pytest.mark.xdist_group(engine)) for engine in ENGINES])
def test_build_sh_builds_targets_that_run_their_seeds(engine, source, tmp_path):
    out, work = tmp_path / "out", tmp_path / "work"
    out.mkdir()
    work.mkdir()
    environment = {**os.environ, **ENGINES[engine], "SRC": str(source), "OUT": str(out), "WORK": str(work), "MAKEFLAGS": "", "AFL_QUIET": "1",
                   "CCACHE_NOHASHDIR": "1"}  # the tree lies somewhere else each time
    built = subprocess.run([source / "c2w/fuzz/oss-fuzz/build.sh"], env=environment, capture_output=True, text=True, timeout=600)
    assert built.returncode == 0, built.stdout[-3000:] + built.stderr[-3000:]
    for target in TARGETS:
        assert (out / f"{target}.dict").stat().st_size > 0 and "max_len" in (out / f"{target}.options").read_text()
        with zipfile.ZipFile(out / f"{target}_seed_corpus.zip") as seeds:
            names = seeds.namelist()
            assert len(names) >= 3
            seeds.extractall(tmp_path / target)
        inputs = [tmp_path / target / name for name in names[:50]]
        run = subprocess.run([out / target, *inputs], env={**os.environ, "AFL_QUIET": "1"}, capture_output=True, text=True, timeout=120)
        assert run.returncode == 0, f"{target}: {run.stderr[-3000:]}"


@pytest.fixture(scope="module")
def fuzzers(source, tmp_path_factory):
    """The tree as make fuzz finds it, but for what measures coverage: the session target by build.sh's flags, and by build.sh if it ran here."""
    def make(*what):
        subprocess.run(["make", "-C", source / "c2w", *what], check=True, capture_output=True, timeout=600,
                       env={**os.environ, "MAKEFLAGS": "", "CCACHE_NOHASHDIR": "1"})

    if not (source / "c2w/build/fuzz/target-session").exists():
        make("build/fuzz/target-session", f"FUZZ_FLAGS={ENGINES['libfuzzer']['CFLAGS']}")
    make("build/fuzz/dictionary")
    return source / "c2w"


# Steps: a login, a movie list, three waits, somebody else's login under the longest name.
SHOWS_BOTH = bytes([0] + [0, 0, 0, 0, 0, 0] + [0, 0, 2, 0, 0, 0] + [4, 0, 0, 0, 0, 0] * 3 + [0, 1, 0, 4, 0, 0])


@pytest.fixture
def few_seeds(fuzzers):
    """A corpus of one input, which shows nothing of a right server; then it is as others want it."""
    for folder in "corpus/session", "build/fuzz/corpus/session", "build/fuzz/found/session":
        shutil.rmtree(fuzzers / folder, ignore_errors=True)  # each seed that crashes takes its time
    (fuzzers / "corpus/session").mkdir()
    (fuzzers / "corpus/session/seed").write_bytes(SHOWS_BOTH)
    yield fuzzers
    shutil.rmtree(fuzzers / "corpus/session")
    shutil.copytree(ROOT / "corpus/session", fuzzers / "corpus/session")


def night(fuzzers, seconds, fault=None):
    return subprocess.Popen([fuzzers / "fuzz/run", "--time", str(seconds), "--shrink", "2", "session"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env={**os.environ, **({"C2W_FAULT": fault} if fault else {})})


@pytest.mark.xdist_group("libfuzzer")
@pytest.mark.parametrize("fault, what, stack", [
    ("longest-name-overruns", "AddressSanitizer heap-buffer-overflow", "fuzz/mishaps.c"),
    ("lists-from-another-port", "the model: LST-02: ", "fuzz/session.c"),
])
def test_a_finding_is_minimised_told_apart_and_reported(few_seeds, fault, what, stack):
    fuzzers, running = few_seeds, night(few_seeds, 2, fault)
    out, err = running.communicate(timeout=300)
    assert running.returncode == 1, err[-3000:]
    report = json.loads((fuzzers / "build/fuzz/report.json").read_text())
    (found,) = [finding for finding in report["findings"] if finding["what"].startswith(what)]
    assert any(stack in place for place in found["stack"]) and found["times"] >= 1
    octets = (fuzzers / found["input"]).read_bytes()
    assert found["input"].endswith(".min") and octets.hex() == found["octets"] and len(octets) < len(SHOWS_BOTH)
    assert report["targets"]["session"]["executions"] > 0 and what in out
    page = (fuzzers / "build/fuzz/report.html").read_text()
    assert what in page and found["octets"] in page and 'class="bad"' in page
    again = subprocess.run([fuzzers / word for word in found["again"].split()], env={**os.environ, "C2W_FAULT": fault}, capture_output=True, timeout=60)
    assert again.returncode != 0
    right = subprocess.run([fuzzers / word for word in found["again"].split()], capture_output=True, timeout=60)
    assert right.returncode == 0


@pytest.mark.xdist_group("libfuzzer")
def test_an_interrupt_loses_nothing_and_what_still_fails_is_found_again(few_seeds):
    running, end = night(few_seeds, 600, "longest-name-overruns"), time.monotonic() + 120
    while not list((few_seeds / "build/fuzz/found/session").glob("crash-*")) and time.monotonic() < end:
        time.sleep(0.1)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=120)
    report = fits(json.loads((few_seeds / "build/fuzz/report.json").read_text()))
    assert running.returncode == 1 and report["interrupted"] and "interrupted" in err, out + err
    assert [finding["what"] for finding in report["findings"]] == ["AddressSanitizer heap-buffer-overflow"] and report["targets"]["session"]["seconds"] < 300
    assert re.search(r"session: \d+ s: [\d,]+ executions, ", err)

    (few_seeds / "corpus/session/seed").write_bytes(bytes(1))
    out, err = night(few_seeds, 1, "longest-name-overruns").communicate(timeout=120)
    report = json.loads((few_seeds / "build/fuzz/report.json").read_text())
    assert [finding["what"] for finding in report["findings"]] == ["AddressSanitizer heap-buffer-overflow"] and not report["interrupted"], out + err

    out, err = night(few_seeds, 1).communicate(timeout=120)
    report = json.loads((few_seeds / "build/fuzz/report.json").read_text())
    assert report["findings"] == [] and not list((few_seeds / "build/fuzz/found/session").iterdir()), out + err


@pytest.mark.xdist_group("libfuzzer")
def test_what_cannot_be_fuzzed_is_said(fuzzers):
    (fuzzers / "build/fuzz/target-framer").unlink(missing_ok=True)
    for target, why in ("nonsense", "no such target"), ("framer", "make fuzzers"):
        run = subprocess.run([fuzzers / "fuzz/run", "--time", "1", target], capture_output=True, text=True, timeout=60)
        assert run.returncode == 2 and run.stderr.startswith(f"fuzz/run: {target}: ") and why in run.stderr, run.stderr


@pytest.mark.xdist_group("libfuzzer")
def test_the_power_of_the_session_target_is_measured(fuzzers):
    faults = ["author-hears-nothing", "longest-name-overruns", "pieces-forgotten"]
    run = subprocess.run([fuzzers / "fuzz/power", "--limit", "30", *faults], capture_output=True, text=True, timeout=300)
    assert run.returncode == 0, run.stdout + run.stderr[-3000:]
    report = fits(json.loads((fuzzers / "build/fuzz-power.json").read_text()))
    assert [result["fault"] for result in report["faults"]] == faults
    assert report["corpus"]["found"] == 2 and not report["corpus"]["missed"]
    assert "whole messages" in report["faults"][2]["corpus"]["how"]


@pytest.mark.parametrize("target", TARGETS)
def test_a_replay_says_what_it_replayed(target, tmp_path):
    replay = ROOT / f"build/asan/fuzz/replay-{target}"
    (tmp_path / "empty").touch()
    run = subprocess.run([replay, tmp_path], capture_output=True, text=True, timeout=60)
    assert run.returncode == 0 and run.stdout.startswith("1 inputs, 0 bad"), run
    nothing = subprocess.run([replay, tmp_path / "nowhere"], capture_output=True, text=True, timeout=60)
    assert nothing.returncode == 1 and "replay: " in nothing.stderr


def test_the_dictionary_has_every_command():
    words = subprocess.run([BUILD / "c2w-seeds", "--dictionary"], capture_output=True, text=True, check=True).stdout.splitlines()
    table = (ROOT / "protocol/commands.def").read_text()
    for name in re.findall(r"^C2W_COMMAND\((\w+)", table, re.MULTILINE):
        assert any(line.startswith(f'"{name}') for line in words), name
    for line in words:
        assert line.startswith("#") or re.fullmatch(r'"(?:[^"\\]|\\x[0-9a-f]{2})+"', line), line
