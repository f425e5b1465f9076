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


SHOWN = ("everyone-in-the-askers-room only-the-askers-room everyone-in-main-room movie-users-missing who-left-is-listed crlf-cut-in-two-lost recv-is-a-message "
         "pieces-forgotten small-letters pipe-missing time-in-seconds text-twice leaving-keeps-session leaving-a-movie-ends-session reset-unnoticed "
         "fin-unnoticed movie-rooms-are-one lists-go-to-the-newest-connection").split()
UNSHOWN = "nothing-is-sent-again listed-after-the-ack repeated-text-sent-to-all tcp-on-the-next-port".split()


@pytest.mark.parametrize("fault", SHOWN + UNSHOWN)
def test_what_is_said_of_a_scenario_is_true(simulate, conform, tmp_path, fault):
    """A right server passes it and the faulty one fails it, elsewhere too; or it says itself that it does not show the failure."""
    file = tmp_path / "short.c2w"
    run = simulate("--fault", fault, "--steps", 2000, "--shrink", file)
    assert run.code == 1, run
    said = run.out.splitlines()[-1].removeprefix(f"{file}: ")
    text = file.read_text()
    assert text.startswith(f"# Found by c2w-simulate --fault {fault}: {said}.\n")
    reason = re.search(r"^shortest: .*?: [A-Z]{3}-\d\d: (.*)", run.out, re.MULTILINE)[1]
    assert f'scenario "Found by c2w-simulate: {reason}"' in text
    if fault in UNSHOWN:
        assert said.endswith("does not show it")
        return
    assert said == "a right server passes this scenario, that one fails it"
    assert conform("--simulate", file).code == 0
    command = f"{BUILD / 'c2w-server-faulty'} --host {{host}} --port {{port}} --quiet --fault {fault}"
    assert conform("--launch", command, file).code == 1


def test_a_cut_stream_is_part_of_the_scenario(simulate, tmp_path):
    file = tmp_path / "short.c2w"
    simulate("--fault", "crlf-cut-in-two-lost", "--steps", 2000, "--shrink", file)
    assert "proves TRN-03\n" in file.read_text() and " in pieces of 1\n" in file.read_text()


def test_a_file_that_cannot_be_written_is_said_before_the_run(simulate, tmp_path):
    run = simulate("--fault", "asker-missing", "--shrink", "/nonexistent/x")
    assert run.code == 2 and run.out == "" and run.err.startswith("c2w-simulate: --shrink /nonexistent/x: "), run
    kept = tmp_path / "kept"
    kept.write_text("as it was")
    assert simulate("--steps", 100, "--shrink", kept).code == 0 and kept.read_text() == "as it was"  # nothing was violated


@pytest.mark.parametrize("other", ["--seed=2", "--clients=3", "--loss=0", "--steps=9", "--fault=asker-missing", "--shrink=x"])
def test_exhaustive_goes_with_nothing_else(simulate, other):
    for arguments in (("--exhaustive", 2, other), (other, "--exhaustive", 2)):
        run = simulate(*arguments)
        assert run.code == 2 and run.err.startswith(f"c2w-simulate: --exhaustive and {other.partition('=')[0]}: not together"), run


def test_every_short_history_is_played(simulate):
    run = simulate("--exhaustive", 2)
    events = int(re.search(r"of (\d+) events", run.out)[1])
    assert run.code == 0 and f"complete: {1 + events + events ** 2} sequences" in run.out, run


@pytest.mark.parametrize("arguments", [("--clients", 0), ("--loss", 1.5), ("--fault", "nonsense"), ("--steps", "x"), ("extra",)])
def test_usage(simulate, arguments):
    run = simulate(*arguments)
    assert run.code == 2 and run.err.startswith("c2w-simulate: "), run
