"""The set-up and the goals of the Makefile, on a machine that lacks things: a PATH of our own, with an apt-get that only notes."""

import os
import re
import shutil
import subprocess

import pytest

from conftest import ROOT

BASIC = "sh env id sort tr grep cat dirname printf ls".split()


@pytest.fixture
def machine(tmp_path):
    """A folder for PATH with the basic commands, and `apt-get`, which writes its calls to the log returned."""
    folder, log = tmp_path / "bin", tmp_path / "log"
    folder.mkdir()
    for command in BASIC:
        (folder / command).symlink_to(shutil.which(command))
    for name in "apt-get", "apt-cache":
        (folder / name).write_text(f'#!/bin/sh\necho "{name} $*" >>{log}\n')
        (folder / name).chmod(0o755)
    log.touch()
    return folder, log


def deps(folder, *arguments):
    return subprocess.run([ROOT / "scripts/deps", *arguments], env={"PATH": str(folder)}, capture_output=True, text=True, timeout=60)


def test_nothing_missing_is_silent(tmp_path):
    run = subprocess.run([ROOT / "scripts/deps", "build", "test"], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "", "")


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo is not among the commands of this machine")
def test_it_says_what_is_missing_and_installs_only_that(machine):
    folder, log = machine
    for command in "make", "pkg-config":
        (folder / command).symlink_to(shutil.which(command))
    run = deps(folder, "build")
    assert run.returncode == 0, run
    assert run.stdout.splitlines()[0] == "scripts/deps: installing for build: gcc libc6-dev libunistring-dev uthash-dev"
    calls = log.read_text().splitlines()
    assert [call for call in calls if " install " in call] == [
        "apt-get -q -y --no-install-recommends install gcc libc6-dev libunistring-dev uthash-dev"]


def test_where_it_cannot_it_prints_the_command(machine):
    folder, log = machine
    (folder / "apt-get").unlink()
    for arguments in ("build", "test"), ("--check", "build", "test"):
        run = deps(folder, *arguments)
        assert run.returncode == 1 and run.stdout == ""
        assert re.search(r"^    (sudo )?apt-get install .*\blibevent-dev\b.*\bpython3-pytest\b", run.stderr, re.MULTILINE), run.stderr
    assert log.read_text() == ""


def test_a_tier_that_is_none(machine):
    assert deps(machine[0], "everything").returncode == 2
    assert deps(machine[0]).returncode == 2


def test_the_runner_counts_and_shows_what_failed(tmp_path):
    for name, body in ("good", "exit 0"), ("bad", "echo what went wrong; exit 3"):
        (tmp_path / name).write_text(f"#!/bin/sh\n{body}\n")
        (tmp_path / name).chmod(0o755)
    run = subprocess.run([ROOT / "scripts/unit", tmp_path / "good", tmp_path / "bad"], capture_output=True, text=True, timeout=60)
    assert run.returncode == 1 and run.stdout.splitlines()[-1] == "1 passed, 1 failed"
    assert "ok      good" in run.stdout and "not ok  bad\n        what went wrong\n        exit code 3\n" in run.stdout
    assert subprocess.run([ROOT / "scripts/unit", tmp_path / "good"], capture_output=True, timeout=60).returncode == 0
    assert subprocess.run([ROOT / "scripts/unit"], capture_output=True, timeout=60).returncode == 1


def test_help_lists_every_goal_that_exists_and_no_other():
    listed = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    goals = re.findall(r"^  ([a-z-]+) ", listed, re.MULTILINE)
    assert {"help", "deps", "demo", "check", "check-all", "scenarios", "asan", "tsan", "cov", "lint", "format", "install", "dist",
            "clean"} <= set(goals)
    for goal in goals:
        subprocess.run(["make", "-n", goal], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def test_the_flags_of_the_user_are_added_to_ours():
    shown = subprocess.run(["make", "-n", "-B", "V=1", "CC=some-cc", "CFLAGS=-O3 -DX", "LDFLAGS=-Wl,-z,now", "build/c2w-server"],
                           cwd=ROOT, capture_output=True, text=True, check=True).stdout
    compiling = [line for line in shown.splitlines() if line.startswith("some-cc") and " -c " in line]
    linking = [line for line in shown.splitlines() if line.startswith("some-cc") and " -c " not in line]
    assert compiling and all("-Wconversion" in line and "-O3 -DX" in line and "-MMD -MP" in line for line in compiling)
    assert len(linking) == 1 and "-Wl,-z,now" in linking[0]
