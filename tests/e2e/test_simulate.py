"""c2w-simulate: the same seed is the same run, faults are found and shrunk to scenarios, every short history is played."""

import re

import pytest

from conftest import BUILD


@pytest.fixture
def simulate(program):
    return lambda *arguments: program("c2w-simulate", *arguments)


def test_the_reference_server_holds_over_a_bad_network(simulate):
    for seed in range(1, 6):
        run = simulate("--seed", seed, "--steps", 3000, "--clients", 20, "--loss", 0.3)
        assert run.code == 0 and "holds: " in run.out, run
        counts = {name: int(number) for number, name in re.findall(r"(\d+) (requests|sessions|texts|deliveries|lists|given up)", run.out)}
        assert counts["requests"] >= 3000 and counts["texts"] > 500 and counts["deliveries"] > counts["texts"] and counts["lists"] > 100
        assert counts["given up"] > 0  # REL-08 was met, too


def test_a_seed_replays_its_run(simulate):
    first, again, other = (simulate("--steps", 1000, "--seed", seed).out for seed in (7, 7, 8))
    assert first == again
    digest = lambda out: re.search(r"digest (\w+)", out)[1]
    assert digest(first) != digest(other)


@pytest.mark.parametrize("fault, rule", [("author-hears-nothing", "MSG-05"), ("asker-missing", "LST-03")])
def test_a_fault_is_found(simulate, fault, rule):
    run = simulate("--fault", fault, "--steps", 3000, "--loss", 0.1)
    assert run.code == 1 and re.search(rf"^violated after \d+ requests: {rule}", run.out, re.MULTILINE), run


@pytest.mark.parametrize("fault, rule, acts", [
    ("author-hears-nothing", "MSG-01", 2),     # a login, a text
    ("who-left-still-hears", "MSG-02", 6),     # a login, in, out; another's login, in, a text
    ("name-kept-after-closing", "CON-06", 2),  # a login, an end: only many clients find it
])
def test_the_shortest_failing_run_is_a_scenario(simulate, conform, tmp_path, fault, rule, acts):
    file = tmp_path / "short.c2w"
    run = simulate("--fault", fault, "--steps", 3000, "--shrink", file)
    assert run.code == 1 and re.search(rf"^shortest: {acts} acts of .*: {rule}: ", run.out, re.MULTILINE), run
    assert f"proves {rule}\n" in file.read_text()
    assert conform("--check", file).code == 0
    assert conform("--simulate", file).code == 0  # a right server passes
    command = f"{BUILD / 'c2w-server-faulty'} --host {{host}} --port {{port}} --quiet --fault {fault}"
    assert conform("--launch", command, file).code == 1  # the faulty one fails


def test_every_short_history_is_played(simulate):
    run = simulate("--exhaustive", 2)
    events = int(re.search(r"of (\d+) events", run.out)[1])
    assert run.code == 0 and f"complete: {1 + events + events ** 2} sequences" in run.out, run


@pytest.mark.parametrize("arguments", [("--clients", 0), ("--loss", 1.5), ("--fault", "nonsense"), ("--steps", "x"), ("extra",)])
def test_usage(simulate, arguments):
    run = simulate(*arguments)
    assert run.code == 2 and run.err.startswith("c2w-simulate: "), run
