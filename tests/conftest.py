"""What every test starts from: the programs, servers on port 0, runs of c2w-conform.

C2W_BUILD says where the programs are (default: build/). No sanitizer may have spoken, every reference server must end with 0
on SIGTERM, and no process may be left over when a test is done.
"""

import ctypes
import dataclasses
import json
import os
import pathlib
import re
import shlex
import signal
import subprocess
import sys
import threading
import time

import pytest

from fits import fits

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / os.environ.get("C2W_BUILD", "build")
SANITIZER = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|: runtime error: ")
PATIENCE = 20  # seconds for what takes milliseconds on an idle machine

# Orphans become children of the test process, where `no_leftovers` sees them.
PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def until(condition, patience=PATIENCE):
    """Waits for condition() to be true, and returns what it gave; its last value when patience ends."""
    end = time.monotonic() + patience
    while not (value := condition()) and time.monotonic() < end:
        time.sleep(0.02)
    return value


def children():
    """{pid: command line} of the living children of this process, adopted ones included; dead orphans are reaped."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            state, parent = (entry / "stat").read_text().rpartition(")")[2].split()[:2]
            if int(parent) != os.getpid():
                continue
            if state == "Z":
                os.waitpid(int(entry.name), os.WNOHANG)
            else:
                found[int(entry.name)] = (entry / "cmdline").read_text().replace("\0", " ")
        except OSError:  # gone meanwhile
            pass
    return found


@pytest.fixture(autouse=True)
def surroundings(monkeypatch, tmp_path):
    """Nobody's own settings, and nobody's own cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    for name in "NO_COLOR", "C2W_SCENARIOS", "COLUMNS":
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(autouse=True)
def no_leftovers():
    before = children()
    yield
    left = lambda: {pid: line for pid, line in children().items() if pid not in before}
    until(lambda: not left(), patience=3)
    remaining = left()
    for pid in remaining:
        os.kill(pid, signal.SIGKILL)
    assert not remaining, "processes are left over"


class Server:
    """A running server; `address` is HOST:PORT. Its standard error is read all the time, into `log`."""

    def __init__(self, command, **options):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            errors="backslashreplace", cwd=ROOT, **options)
        self.lines = []
        self.reader = threading.Thread(target=lambda: self.lines.extend(self.process.stderr), daemon=True)
        self.reader.start()
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        word, _, self.address = self.process.stdout.readline().strip().partition(" ")
        watchdog.cancel()
        if word != "ready":
            self.process.wait()
            self.reader.join()
            pytest.fail(f"{shlex.join(self.process.args)} did not start: {self.log}")
        host, _, port = self.address.rpartition(":")
        self.host, self.port = host.strip("[]"), int(port)

    @property
    def log(self):
        return "".join(self.lines)

    @property
    def pid(self):
        return self.process.pid

    def stop(self, signal_number=signal.SIGTERM):
        """Ends it and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal_number)
        try:
            code = self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            code = "killed: it did not end"
        self.reader.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return code


@pytest.fixture
def server():
    """server(*options) starts c2w-server on a free port of 127.0.0.1; other programs with `program=`."""
    started = []

    def start(*options, program="c2w-server", port=0, **keywords):
        started.append(Server([BUILD / program, "--port", port, *options], **keywords))
        return started[-1]

    yield start
    for each in started:
        ended_before = each.process.poll() is not None
        code = each.stop()
        assert ended_before or code == 0, f"c2w-server: {code}\n{each.log}"
        assert not SANITIZER.search(each.log), each.log


@pytest.fixture
def hostile():
    """hostile(mode, ...) starts one of the servers of tests/hostile/ and returns it."""
    started = []

    def start(mode, *options):
        started.append(Server([sys.executable, ROOT / "tests/hostile/hostile.py", mode, *options]))
        return started[-1]

    yield start
    for each in started:
        each.stop(signal.SIGKILL)


@dataclasses.dataclass
class Run:
    """What a program that ended has left: exit code, both outputs, the most memory it held (KiB)."""

    code: int
    out: str
    err: str
    memory: int


class Running:
    """A program in the background; finish() waits for its end."""

    def __init__(self, command, environment=None, cwd=ROOT, **options):
        self.process = subprocess.Popen(
            [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd=cwd,
            env={**os.environ, **(environment or {})}, **options)
        self.outputs = {}
        self.readers = [threading.Thread(target=self.read, args=(name,), daemon=True) for name in ("stdout", "stderr")]
        for reader in self.readers:
            reader.start()

    def read(self, name):
        with getattr(self.process, name) as stream:
            self.outputs[name] = stream.read().decode(errors="surrogateescape")

    def finish(self, timeout=120):
        late = threading.Timer(timeout, self.process.kill)
        late.start()
        _, status, usage = os.wait4(self.process.pid, 0)
        late.cancel()
        self.process.returncode = os.waitstatus_to_exitcode(status)
        for reader in self.readers:
            reader.join()
        run = Run(self.process.returncode, self.outputs["stdout"], self.outputs["stderr"], usage.ru_maxrss)
        assert not SANITIZER.search(run.err), run.err
        assert run.code != -signal.SIGKILL, f"no end within {timeout} s\n{run.out}\n{run.err}"
        return run


@pytest.fixture
def program():
    """program(name, *arguments) runs a program of build/ to its end."""
    return lambda name, *arguments, timeout=120, **keywords: Running([BUILD / name, *arguments], **keywords).finish(timeout)


@pytest.fixture
def conform(program):
    """conform(*arguments) runs c2w-conform to its end."""
    return lambda *arguments, **keywords: program("c2w-conform", *arguments, **keywords)


@pytest.fixture
def conform_starts():
    """conform_starts(*arguments) runs c2w-conform in the background."""
    started = []

    def start(*arguments, **keywords):
        started.append(Running([BUILD / "c2w-conform", *arguments], **keywords))
        return started[-1]

    yield start
    for each in started:
        if each.process.returncode is None:
            each.process.kill()
            os.waitpid(each.process.pid, 0)
            each.process.returncode = -signal.SIGKILL


@pytest.fixture
def judge(conform, tmp_path):
    """judge(*arguments) runs c2w-conform with --json; returns the run and its result, which fits the schema."""

    def run(*arguments, **keywords):
        file = tmp_path / "result.json"
        file.unlink(missing_ok=True)
        done = conform("--json", file, *arguments, **keywords)
        assert file.exists(), done
        return done, fits(json.loads(file.read_text()))

    return run
