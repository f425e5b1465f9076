"""What is said of a right server depends neither on the order of the scenarios nor on how many run at once; of a wrong one, what it
breaks alone does not either."""

import json

import pytest

from conftest import BUILD


def verdicts(result):
    return {(scenario["id"], scenario["transport"]): scenario["verdict"] for scenario in result["scenarios"]}


def simulated(conform, file, *options):
    """Read here, as the schema would take seconds over each."""
    run = conform("--simulate", "--quiet", "--json", file, *options)
    assert run.code == 0, run.out
    return json.loads(file.read_text())


def test_in_any_order(conform, tmp_path):
    plain = simulated(conform, tmp_path / "plain", "--seed", "1")
    for seed in "1", "2", "3", "4", "5":
        shuffled = simulated(conform, tmp_path / seed, "--shuffle", "--seed", seed)
        assert verdicts(plain) == verdicts(shuffled), seed


@pytest.mark.parametrize("command, code", [("c2w-server", 0), ("c2w-server-faulty --fault name-kept-after-leaving", 1)])
def test_with_any_number_of_jobs(judge, command, code):
    seen = []
    for jobs in "1", "4":
        run, result = judge("--launch", f"{BUILD}/{command} --quiet --host {{host}} --port {{port}}", "--jobs", jobs, "--shuffle", "--seed", jobs,
                            "--only", "connect", "--only", "leave", timeout=200)
        assert run.code == code, run.out
        seen.append(verdicts(result))
    assert seen[0] == seen[1]
