"""The pytest plugin, run as people run it: in the tree, from an install, with scenarios of one's own."""

import re
import signal
import subprocess
import sys

import pytest

from client import others
from conftest import BUILD, ROOT, Running, until

PLUGIN = ROOT / "harness/python"


def pytest_run(*arguments, cwd=ROOT, path=None, timeout=120):
    environment = {"PYTEST_ADDOPTS": "", "PYTHONDONTWRITEBYTECODE": "1"}
    if path:
        environment["PYTHONPATH"] = str(path)
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", *arguments]
    return Running(command, environment, cwd=cwd).finish(timeout)


@pytest.fixture
def scenarios(tmp_path):
    """A suite of one's own: one scenario that every right server passes, one that none does."""
    suite = tmp_path / "mine"
    suite.mkdir()
    (suite / "lib.c2w").write_text("exchange $who connects {\n\t$who > CONNECTION_REQUEST\n\t$who < CONNECTION_GRANTED\n}\n")
    (suite / "right.c2w").write_text('scenario "right"\nproves   CON-01\ncast     alice\n\nalice connects\n')
    (suite / "wrong.c2w").write_text(
        'scenario "wrong"\nproves   LST-01\nover     udp\ncast     alice\n\nalice connects\nalice > USER_LIST_REQUEST\n'
        "alice < USER_LIST_RESPONSE not listing alice [LST-01]\n")
    return suite


OURS = ["-p", "pytest_c2w", "--c2w-conform", str(BUILD / "c2w-conform")]


def test_each_scenario_and_transport_is_an_item(server, scenarios):
    run = pytest_run("-vv", *OURS, scenarios, "--c2w-target", server().address, path=PLUGIN)
    assert run.code == 1, run.out
    assert re.search(r"right\.c2w::udp PASSED", run.out) and re.search(r"right\.c2w::tcp PASSED", run.out)
    assert re.search(r"wrong\.c2w::udp FAILED", run.out)
    assert "1 failed, 2 passed" in run.out


def test_a_failure_shows_what_conform_explains(server, scenarios):
    run = pytest_run(*OURS, scenarios / "wrong.c2w", "--c2w-target", server().address, path=PLUGIN)
    assert "LST-01" in run.out and "wrong.c2w:8" in run.out and "Traceback" not in run.out and "pytest_c2w.py" not in run.out


def test_selection_by_keyword_runs_only_that(server, scenarios):
    target = server("--verbose")
    run = pytest_run(*OURS, scenarios, "-k", "right and tcp", "--c2w-target", target.address, path=PLUGIN)
    assert run.code == 0 and "1 passed, 2 deselected" in run.out


def test_without_a_target_nothing_is_collected(scenarios):
    assert pytest_run(*OURS, scenarios, path=PLUGIN).code == 5


def test_the_shipped_suite_simulated():
    run = pytest_run("scenarios", "--c2w-simulate", "--c2w-conform", str(BUILD / "c2w-conform"))
    assert run.code == 0, run.out
    assert int(re.search(r"(\d+) passed", run.out)[1]) >= 40


def test_launch_and_further_arguments(scenarios):
    run = pytest_run(*OURS, scenarios / "right.c2w", "--c2w-launch", f"{BUILD}/c2w-server --host {{host}} --port {{port}}",
                     "--c2w-args", "--transport udp", path=PLUGIN)
    assert run.code == 0, run.out
    assert "1 passed, 1 skipped" in run.out


def test_an_unreachable_target_fails_every_item_with_the_reason(scenarios):
    run = pytest_run(*OURS, scenarios, "--c2w-target", "127.0.0.1:9", path=PLUGIN)
    assert run.code == 1 and "3 failed" in run.out and "127.0.0.1:9" in run.out


def test_a_scenario_with_an_error_is_shown_with_its_place(scenarios):
    (scenarios / "broken.c2w").write_text('scenario "broken"\nproves   CON-01\ncast     alice\n\nalice > CONECTION_REQUEST\n')
    run = pytest_run(*OURS, scenarios, "--c2w-simulate", path=PLUGIN)
    assert run.code == 2 and "broken.c2w:5:9" in run.out


def test_a_conform_that_is_not_there(scenarios):
    run = pytest_run("-p", "pytest_c2w", "--c2w-conform", "/no/such/c2w-conform", scenarios, "--c2w-simulate", path=PLUGIN)
    assert run.code in (2, 4) and "/no/such/c2w-conform" in run.out + run.err


@pytest.mark.alone
def test_interruption_leaves_nothing_behind(server):
    target = server()
    command = ["env", "--default-signal=INT", sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-q", "scenarios", "--c2w-target", target.address,
               "--c2w-conform", BUILD / "c2w-conform"]
    running = Running(command)
    assert until(lambda: len(others(target.address)) > 2)
    running.process.send_signal(signal.SIGINT)
    assert running.finish(60).code == 2
    until(lambda: not others(target.address), 2)
    assert others(target.address) == {}


def test_it_works_from_an_install(server, tmp_path):
    subprocess.run(["make", "-s", "install", f"PREFIX={tmp_path}/usr", "DESTDIR="], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    share = tmp_path / "usr/share/c2w"
    assert not list(share.rglob("__pycache__"))
    run = pytest_run(share / "scenarios", "-k", "CON", "--c2w-target", server().address, cwd=tmp_path)
    assert run.code == 0, run.out
    installed = subprocess.run([tmp_path / "usr/bin/c2w-conform", "--list"], cwd="/", capture_output=True, text=True, check=True)
    here = subprocess.run([BUILD / "c2w-conform", "--list"], capture_output=True, text=True, check=True)
    assert installed.stdout == here.stdout
