"""--expect FILE: known failures do not count, as long as they stay what they are."""

import pytest

from conftest import ROOT

BROKEN = ("--simulate", "-D", "no-session=2", "--only", "LEA-03")  # the reference core keeps to 1


@pytest.fixture
def expect(tmp_path):
    """expect(line, …) writes the file and returns the options that name it."""
    file = tmp_path / "known.txt"

    def write(*lines):
        file.write_text("".join(line + "\n" for line in lines))
        return "--expect", file

    return write


@pytest.fixture
def known(judge):
    """What is broken, in the lines that the file takes."""
    _, result = judge(*BROKEN)
    failed = [scenario for scenario in result["scenarios"] if scenario["verdict"] == "fail"]
    lines = [" ".join([s["id"], s["transport"], *sorted({f["rule"] for f in s["findings"] if f["verdict"] == "fail"})]) for s in failed]
    assert len(lines) >= 6 and all(line.endswith(" LEA-03") for line in lines)
    return lines


def test_known_failures_do_not_count(judge, expect, known):
    run, result = judge(*BROKEN, *expect("# ours", "", *known))
    assert run.code == 0 and run.out.splitlines()[-1].startswith("as expected: 1 of ")
    assert result["verdict"] == "violates" and result["outcome"] == "conforms" and result["expectation"]["surprises"] == []
    assert [s["expected"] for s in result["scenarios"]] == [s["verdict"] == "fail" for s in result["scenarios"]]
    assert "BROKEN AS EXPECTED" in run.out and "BROKEN, in the order" not in run.out and "FAIL (known)" in run.out


def test_a_line_without_a_transport_is_for_each(judge, expect, known):
    lines = sorted({line.replace(" udp ", " ").replace(" tcp ", " ") for line in known})
    assert len(lines) < len(known)
    run, _ = judge(*BROKEN, *expect(*lines))
    assert run.code == 0


def test_quiet_says_no_more_than_the_last_line(conform, expect, known):
    run = conform(*BROKEN, *expect(*known), "--quiet")
    assert run.code == 0 and len(run.out.splitlines()) == 1


def test_one_that_is_not_listed_counts(judge, expect, known):
    run, result = judge(*BROKEN, *expect(*known[1:]), "--quiet")
    assert run.code == 1 and result["outcome"] == "violates"
    assert known[0].split()[0] in run.out.splitlines()[0] and len(run.out.splitlines()) == 3  # and the seed
    assert run.out.splitlines()[-1].startswith("violates: 1 of ") and f"{len(known) - 1} failures expected" in run.out


def test_one_that_passes_now_fails_the_run(judge, expect, tmp_path):
    run, result = judge("--simulate", "--only", "LEA-03", *expect("# x", "leave/LEA-03-never-connected tcp LEA-03"), "--quiet")
    assert run.code == 1 and result["verdict"] == "conforms" and result["outcome"] == "violates"
    assert result["expectation"]["surprises"] == [
        f"{tmp_path}/known.txt:2: leave/LEA-03-never-connected: it passes over tcp now: take the line out"]
    assert run.out.splitlines()[-1].startswith("not as expected: ") and "1 known failure changed" in run.out.splitlines()[-1]


@pytest.mark.parametrize("rules, words", [
    ("LEA-02", ["fails for LEA-03 too", "does not fail any more for LEA-02"]),
    ("LEA-02 LEA-03", ["does not fail any more for LEA-02"]),
])
def test_other_rules_fail_the_run(judge, expect, rules, words):
    run, result = judge("--simulate", "-D", "no-session=2", "--only", "leave/LEA-03-never-connected", "--transport", "tcp",
                        *expect(f"leave/LEA-03-never-connected {rules}"))
    assert run.code == 1 and run.out.splitlines()[-1].startswith("violates: ")
    surprise, = result["expectation"]["surprises"]
    assert all(word in surprise for word in words), surprise
    assert not result["scenarios"][0]["expected"] and "NOT AS EXPECTED" in run.out


def test_what_does_not_run_or_is_not_judged_says_nothing(judge, expect):
    lines = expect("leave/LEA-03-never-connected LEA-03", "connect/CON-04-full-server CON-04", "lists/LST-04-in-movie-room LST-04")
    assert judge("--simulate", "--only", "CON-04", "--only", "CON-02", *lines)[0].code == 0  # CON-04 is skipped: no capacity is given
    assert judge("--simulate", "--only", "leave", "--skip", "LEA-03", *lines)[0].code == 0


ERRORS = [
    (["leave/LEA-03-never-conected LEA-03"], ["known.txt:1: ", "leave/LEA-03-never-conected", "near it: leave/LEA-03-never-connected"]),
    (["", "leave/LEA-03-never-connected LEA-3"], ["known.txt:2: ", "LEA-3: there is no such rule", "LEA-03"]),
    (["leave/LEA-03-never-connected"], ["known.txt:1: ", "rules", "missing"]),
    (["leave/LEA-03-never-connected udp # LEA-03"], ["known.txt:1: ", "missing"]),
    (["leave/LEA-03-never-connected mixed LEA-03"], ["known.txt:1: ", "mixed", "does not run so"]),
    (["leave/LEA-03-never-connected LEA-03 LEA-03"], ["known.txt:1: ", "twice"]),
    (["leave/LEA-03-never-connected LEA-03", "leave/LEA-03-never-connected tcp LEA-03"], ["known.txt:2: ", "line 1"]),
]


@pytest.mark.parametrize("lines, words", ERRORS)
def test_errors_have_their_place_and_end_in_2(conform, expect, lines, words):
    for mode in ("--simulate", "--check"):
        run = conform(mode, *expect(*lines))
        assert run.code == 2 and run.out == "" and run.err.startswith("c2w-conform: "), run
        assert all(word in run.err for word in words), run.err


def test_two_transports_may_have_a_line_each(conform, expect):
    assert conform("--check", *expect("leave/LEA-03-never-connected udp LEA-03", "leave/LEA-03-never-connected tcp LEA-02")).code == 0


@pytest.mark.parametrize("file", [ROOT, "/no/such/file"])
def test_a_file_that_cannot_be_read(conform, file):
    run = conform("--simulate", "--expect", file)
    assert run.code == 2 and run.out == "" and f"--expect {file}: " in run.err
