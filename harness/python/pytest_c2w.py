"""pytest plugin: each scenario x transport of C2W/22 is one test item, judged by c2w-conform.

    pytest scenarios/ --c2w-target HOST:PORT
    pytest scenarios/ --c2w-launch 'COMMAND with {host} {port}'
    pytest scenarios/ --c2w-simulate

One c2w-conform plays all selected scenarios of a session, side by side as it always does; its events are read as they come.
In the tree and in an installed suite the option is known as it stands; for scenarios elsewhere put this folder on PYTHONPATH
and say `-p pytest_c2w`. Standard library and pytest only.
"""

import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import tempfile

import pytest

HERE = pathlib.Path(__file__).resolve()
PROGRAMS = (HERE.parents[2] / "build/c2w-conform", HERE.parents[3] / "bin/c2w-conform")  # in the tree; installed


def pytest_addoption(parser):
    group = parser.getgroup("c2w", "C2W/22 conformance scenarios (*.c2w)")
    group.addoption("--c2w-target", metavar="HOST:PORT", help="judge the server that runs there")
    group.addoption("--c2w-launch", metavar="COMMAND", help="start the server to judge: a command with {host} and {port}")
    group.addoption("--c2w-simulate", action="store_true", help="judge the reference core in virtual time")
    group.addoption("--c2w-args", metavar="ARGUMENTS", default="", help="further arguments of c2w-conform, quoted as for a shell")
    group.addoption("--c2w-conform", metavar="PATH", help="the c2w-conform to use; default: the one this plugin came with")


class Session:
    """What one pytest session knows: how to call c2w-conform, which ids there are, and the one run."""

    def __init__(self, config):
        option = config.getoption
        self.target = []
        for name in "target", "launch":
            if value := option("c2w_" + name, None):
                self.target += ["--" + name, value]
        if option("c2w_simulate", None):
            self.target.append("--simulate")
        self.arguments = shlex.split(option("c2w_args", None) or "")
        self.program = option("c2w_conform", None)
        self.listed = {}
        self.run = None

    def conform(self):
        found = self.program or next((str(path) for path in PROGRAMS if path.exists()), None) or shutil.which("c2w-conform")
        if not found:
            raise pytest.UsageError("there is no c2w-conform; say --c2w-conform PATH")
        return found

    def list(self, file):
        """[(id, transport)] of one file; c2w-conform is asked once for each suite."""
        suite = suite_of(file)
        if suite not in self.listed:
            self.listed[suite] = {}  # an error is told once
            asked = subprocess.run([self.conform(), "--list", suite], capture_output=True, text=True)
            if asked.returncode:
                raise Error(asked.stderr.rstrip())
            self.listed[suite] = dict(line.split("\t")[:2] for line in asked.stdout.splitlines())
        id = file.relative_to(suite).with_suffix("").as_posix() if suite.is_dir() else file.stem
        if id not in self.listed[suite]:
            raise Error("its suite has errors")
        return [(id, transport) for transport in self.listed[suite][id].split(",")]

    def start(self, items):
        """The one run, of these items' suites; of a suite that is not wanted as a whole, what is wanted."""
        if not self.run:
            wanted = {item.id for item in items}
            suites = dict.fromkeys(suite_of(item.path) for item in items)
            everything = wanted == {id for suite in suites for id in self.listed[suite]}
            only = [] if everything else [word for id in sorted(wanted) for word in ("--only", id)]
            self.run = Run([self.conform(), *self.target, *self.arguments, *only, *suites])
        return self.run

    def end(self):
        if self.run:
            self.run.end()


def suite_of(file):
    """The folder that ids count from, the outermost in a line of folders that hold lib.c2w; without any, the file itself."""
    suite = file
    for folder in file.parents:
        if (folder / "lib.c2w").exists():
            suite = folder
        elif suite != file:
            break
    return suite


class Run:
    """The run of c2w-conform: started at the first item, read as far as an item asks."""

    def __init__(self, command):
        read, write = os.pipe()
        self.errors = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [*command, "--quiet", "--events", f"/dev/fd/{write}"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.errors, pass_fds=[write])
        os.close(write)
        self.events = open(read, encoding="utf-8", errors="backslashreplace")
        self.verdicts, self.last = {}, {}

    def wait_for(self, id, transport):
        """The event of this scenario, or None when the run is over without one."""
        while (id, transport) not in self.verdicts:
            line = self.events.readline()
            if not line:
                return None
            self.last = json.loads(line)
            if self.last.get("event") == "scenario":
                self.verdicts[self.last["id"], self.last["transport"]] = self.last
        return self.verdicts[id, transport]

    def why_over(self):
        self.process.wait()
        self.errors.seek(0)
        said = self.errors.read().decode(errors="backslashreplace").strip()
        return self.last.get("reason") or said or f"c2w-conform ended with {self.process.returncode} and no word"

    def end(self):
        """^C leaves no trace either: c2w-conform is asked to end, and tears its scenarios down."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.events.close()
        self.process.wait()
        self.errors.close()


class Error(Exception):
    """A finding, or why there is none: shown as it is, without a traceback."""


class ScenarioFile(pytest.File):
    def collect(self):
        for id, transport in self.config.c2w.list(self.path):
            yield Scenario.from_parent(self, name=transport, id=id, transport=transport)

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(Error) else super().repr_failure(excinfo)


class Scenario(pytest.Item):
    def __init__(self, *, id, transport, **keywords):
        super().__init__(**keywords)
        self.id, self.transport = id, transport

    def runtest(self):
        run = self.config.c2w.start([item for item in self.session.items if isinstance(item, Scenario)])
        event = run.wait_for(self.id, self.transport)
        if not event:
            self.without_event(run)
        reason, text = event.get("reason") or "", event.get("text") or ""
        if event["verdict"] == "skip":
            pytest.skip(reason)
        if event["verdict"] == "warn":
            self.warn(pytest.PytestWarning(text or reason))
        if event["verdict"] in ("fail", "inconclusive"):
            raise Error(text or f"{event['verdict']}: {reason}")

    def without_event(self, run):
        if any(id == self.id for id, _ in run.verdicts):
            pytest.skip(f"{self.transport}: not offered")
        raise Error(f"not judged: {run.why_over()}")

    def repr_failure(self, excinfo, style=None):
        return str(excinfo.value) if excinfo.errisinstance(Error) else super().repr_failure(excinfo, style)

    def reportinfo(self):
        return self.path, None, f"{self.id} over {self.transport}"


def pytest_configure(config):
    config.c2w = Session(config)
    if config.c2w.target and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("c2w-conform overlaps the scenarios itself: run them without -n")


def pytest_collect_file(file_path, parent):
    if file_path.suffix == ".c2w" and file_path.name != "lib.c2w" and parent.config.c2w.target:
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def pytest_report_header(config):
    return "c2w: " + shlex.join(config.c2w.target) if config.c2w.target else None


def pytest_unconfigure(config):
    config.c2w.end()
