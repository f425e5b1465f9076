"""c2w-conform before it talks to anybody: options, exit codes, scenario files, what it says and where."""

import json
import re

import jsonschema
import pytest

from conftest import ROOT
from fits import fit_lines, fits

SCENARIO = """scenario "A user connects"
proves   CON-01
cast     alice

alice > CONNECTION_REQUEST
alice < CONNECTION_GRANTED
"""


@pytest.fixture
def scenario(tmp_path):
    """scenario(text, name) writes a scenario file below a suite folder of its own."""
    (tmp_path / "suite").mkdir()
    (tmp_path / "suite/lib.c2w").write_text("exchange $who connects {\n\t$who > CONNECTION_REQUEST\n\t$who < CONNECTION_GRANTED\n}\n")

    def write(text, name="one.c2w"):
        file = tmp_path / "suite" / name
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        return file

    return write


def says(run, *words):
    """One error, on stderr, as `program: what: why`; nothing on stdout."""
    assert run.code == 2, run
    assert run.out == "", run
    assert run.err.startswith("c2w-conform: "), run.err
    assert all(word in run.err for word in words), run.err


@pytest.mark.parametrize("arguments, words", [
    ([], ["--target"]),
    (["--no-such-option"], ["no-such-option"]),
    (["--target"], ["target"]),
    (["--target", "127.0.0.1"], ["127.0.0.1"]),
    (["--target", "localhost"], ["--target localhost", "it takes HOST:PORT"]),
    (["--target", "127.0.0.1:0"], ["127.0.0.1:0"]),
    (["--target", "127.0.0.1:65536"], ["65536"]),
    (["--target", "127.0.0.1:1x"], ["1x", "HOST:PORT"]),
    (["--target", ":1950"], [":1950"]),
    (["--target", "[::1:1950"], ["[::1:1950"]),
    (["--target", "host.invalid:1950"], ["host.invalid"]),
    (["--simulate", "--target", "127.0.0.1:1950"], ["--simulate"]),
    (["--simulate", "--launch", "true"], ["--simulate"]),
    (["--simulate", "--transport", "sctp"], ["sctp"]),
    (["--simulate", "-D", "rto"], ["rto"]),
    (["--simulate", "-D", "rto=soon"], ["rto", "soon"]),
    (["--simulate", "-D", "no-such-parameter=1"], ["no-such-parameter"]),
    (["--simulate", "-D", "max-text=31"], ["max-text below 32"]),
    (["--simulate", "-D", "max-request=127"], ["max-request below 128"]),
    (["--simulate", "--profile", "/no/such/profile"], ["/no/such/profile"]),
    (["--simulate", "--only", "XYZ-99"], ["XYZ-99"]),
    (["--simulate", "--only", "no/such/scenario"], ["no/such/scenario"]),
    (["--simulate", "--skip", "*"], []),
    (["--simulate", "--level", "may-be"], ["may-be"]),
    (["--simulate", "--origin", "Q"], ["Q"]),
    (["--simulate", "--jobs", "0"], ["0"]),
    (["--simulate", "--jobs", "many"], ["many"]),
    (["--simulate", "--shard", "3/2"], ["3/2"]),
    (["--simulate", "--shard", "0/2"], ["0/2"]),
    (["--simulate", "--repeat", "0"], ["0"]),
    (["--simulate", "--seed", "x"], ["x"]),
    (["--simulate", "--timeout", "5"], ["5"]),
    (["--simulate", "--max-time", "never"], ["never"]),
    (["--simulate", "--fail-on", "skip"], ["skip"]),
    (["--simulate", "/no/such/folder"], ["/no/such/folder"]),
    (["--simulate", "--check", "/no/such/file.c2w"], ["/no/such/file.c2w"]),
    (["--explain", "XYZ-99"], ["XYZ-99"]),
    (["--explain"], ["explain"]),
    (["--quiet", "--verbose", "--simulate"], ["--quiet"]),
])
def test_usage_errors_say_what_and_why_and_end_in_2(conform, arguments, words):
    says(conform(*arguments), *words)


def test_packets_need_a_folder(conform, tmp_path):
    (tmp_path / "x").write_text("a file")
    says(conform("--simulate", "--pcap", tmp_path / "x"), str(tmp_path / "x"))
    says(conform("--simulate", "--pcap", tmp_path / "no/such"), "no/such")


def test_launch_needs_a_command(conform):
    says(conform("--launch", ""), "launch")


def test_help_and_version(conform):
    run = conform("--help")
    assert run.code == 0 and run.err == ""
    for option in "--target --launch --simulate --transport --profile --only --skip --json --events --list --check".split():
        assert option in run.out
    version = conform("--version")
    assert version.code == 0 and re.search(r"c2w-conform.* \d+\.\d+", version.out)


def test_help_shows_each_option_of_the_fixed_interface_once(conform):
    text = conform("--help").out
    for option in ("--last-failed --level --origin --jobs --shard --seed --repeat --timeout --max-time --fail-on --allow-load --quiet "
                   "--verbose --coverage --explain --expect").split():
        assert len(re.findall(rf"^\s+(?:-\w, +)?{option}\b", text, re.MULTILINE)) == 1, option


def test_explain_gives_the_rule(conform):
    run = conform("--explain", "MSG-02")
    assert run.code == 0
    assert "MSG-02" in run.out and "MUST" in run.out and "nobody else" in run.out


RULES = re.findall(r"^C2W_RULE\((\w+), (\d+),", (ROOT / "protocol/rules.def").read_text(), re.MULTILINE)


@pytest.mark.parametrize("columns", [70, 80, 200])
def test_explain_says_why_how_and_where_in_lines_that_fit(conform, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", str(columns))
    assert len(RULES) > 60
    for rule in ("-".join(found) for found in RULES[::1 if columns == 80 else 10]):
        run = conform("--explain", rule)
        titles = re.findall(r"^[A-Z].*", run.out, re.MULTILINE)
        assert run.code == 0 and run.err == "" and titles[0].startswith(rule + "  "), run
        assert titles[1:4] == ["Why it is there", "How it is broken", "For example"], run
        assert titles[4].startswith(("Proved by", "It binds clients", "No test can see it")), run
        prose = [line for line in run.out.splitlines() if "|" not in line and not re.match(r"  \S+/\S+$", line)]
        assert max(map(len, prose)) <= columns and min(columns, 100) - 25 < max(map(len, prose)) <= 100, rule


def test_list_names_each_scenario_once(conform):
    lines = conform("--list").out.splitlines()
    ids = [line.split()[0] for line in lines]
    files = sorted(path.relative_to(ROOT / "scenarios").with_suffix("").as_posix()
                   for path in (ROOT / "scenarios").rglob("*.c2w") if path.name != "lib.c2w")
    assert sorted(ids) == files
    assert {line.split()[1] for line in lines} <= {"udp", "tcp", "udp,tcp", "mixed"}


def test_the_suite_is_found_from_any_folder(program, tmp_path):
    here, there = program("c2w-conform", "--list"), program("c2w-conform", "--list", cwd=tmp_path)
    assert here.code == there.code == 0 and here.out == there.out != ""


def test_coverage_of_the_suite(conform):
    run = conform("--coverage")
    assert run.code == 0, run
    assert "MSG-02" in run.out


def test_an_error_in_a_scenario_has_its_place_and_a_caret(conform, scenario):
    file = scenario(SCENARIO.replace("CONNECTION_REQUEST", "CONECTION_REQUEST"))
    run = conform("--simulate", file)
    assert run.code == 2 and run.out == ""
    assert f"{file}:5:9: " in run.err and "CONECTION_REQUEST" in run.err
    line, caret = run.err.splitlines()[1:3]
    assert line.strip() == "alice > CONECTION_REQUEST"
    assert caret.rstrip().endswith("^") and caret.index("^") == line.index("CONECTION")


def test_every_error_of_every_file_is_shown_and_nothing_runs(conform, scenario, server):
    target = server("--verbose")
    first = scenario(SCENARIO.replace("cast     alice", "cast     bob").replace("CON-01", "CON-99"), "first.c2w")
    second = scenario(SCENARIO + "alice < NEW_MESAGE\nalice gets nothing at all\n", "second.c2w")
    run = conform("--target", target.address, first.parent)
    assert run.code == 2
    places = re.findall(r"^(\S+\.c2w):(\d+):\d+: ", run.err, re.MULTILINE)
    assert {(file, line) for file, line in places} >= {(str(first), "2"), (str(first), "5"), (str(second), "7"), (str(second), "8")}
    assert "connect" not in target.log.lower()


WRONG = [
    "scenario", 'scenario "unfinished', 'scenario "x"\nproves\n', 'scenario "x"\nproves CON-01\n', SCENARIO + "repeat 3 {\n",
    SCENARIO + "}\n", SCENARIO + "alice > octets \"\\q\"\n", SCENARIO + "alice > octets hex \"0\"\n", SCENARIO + "alice < \n",
    SCENARIO + "mallory > USER_LIST_REQUEST\n", SCENARIO + "alice > SEND_MESSAGE_REQUEST $nowhere\n",
    SCENARIO + "alice dances\n", SCENARIO + "wait \"long\"\n", SCENARIO + "\x00", SCENARIO.encode() + b"\xff\xfe\n",
    b"\x7fELF" + bytes(200), SCENARIO + "alice > USER_LIST_REQUEST [XYZ-01]\n", SCENARIO + "{" * 5000, SCENARIO + "(" * 5000,
    SCENARIO + "let x = " + "(" * 100000 + "\n", SCENARIO + "# \n" * 100000 + "x",
]


@pytest.mark.parametrize("number", range(len(WRONG)))
def test_bad_scenario_files_are_refused_with_a_place(conform, scenario, number):
    file = scenario(WRONG[number])
    for option in "--check", "--simulate":
        run = conform(option, file)
        assert run.code == 2, run
        assert re.search(rf"^{re.escape(str(file))}:\d+:\d+: ", run.err, re.MULTILINE), run.err[:1000]
        assert "\x00" not in run.err and "\x7f" not in run.err


def test_an_empty_file_is_no_scenario(conform, scenario):
    file = scenario("")
    run = conform("--check", file)
    assert run.code == 2 and str(file) in run.err


def test_check_accepts_the_suite(conform):
    run = conform("--check", ROOT / "scenarios")
    assert run.code == 0 and run.err == ""


def test_a_single_file_runs(conform, scenario):
    run = conform("--simulate", scenario(SCENARIO))
    assert run.code == 0, run
    assert run.out.splitlines()[-1].startswith("conforms: ")


def test_the_last_line_says_it_all(conform):
    last = conform("--simulate", "--quiet").out.splitlines()[-1]
    assert re.fullmatch(r"conforms: \d+ of \d+ rules kept(, \d+ not tested)?", last), last


@pytest.mark.parametrize("option", ["--json", "--events", "--html", "--junit"])
def test_a_result_file_that_cannot_be_written_is_said_before_the_run(conform, server, option, tmp_path):
    target = server("--verbose")
    run = conform("--target", target.address, option, tmp_path / "no/such/folder/file")
    says(run, "no/such/folder")
    assert "connect" not in target.log.lower()


def test_a_full_disk_is_said(conform, scenario):
    run = conform("--simulate", "--json", "/dev/full", scenario(SCENARIO))
    assert run.code == 2 and "/dev/full" in run.err, run


def test_simulate_is_the_same_twice(judge):
    results = [judge("--simulate", "--seed", "7")[1] for _ in range(2)]
    outcome = [[(s["id"], s["transport"], s["verdict"]) for s in result["scenarios"]] for result in results]
    assert outcome[0] == outcome[1] and len(outcome[0]) >= 40


def test_only_and_skip_select(judge):
    ids = lambda *arguments: {scenario["id"] for scenario in judge("--simulate", *arguments)[1]["scenarios"]}
    every, lists = ids(), ids("--only", "LST")
    assert lists and lists < every
    one = min(lists)
    assert ids("--only", one) == {one}
    assert ids("--only", "LST", "--skip", one) == lists - {one}


def test_shards_make_up_the_suite(judge):
    ids = lambda *arguments: [(s["id"], s["transport"]) for s in judge("--simulate", *arguments)[1]["scenarios"]]
    parts = [ids("--shard", f"{i}/3") for i in (1, 2, 3)]
    assert all(parts) and sorted(sum(parts, [])) == sorted(ids())


def test_events_are_json_lines(conform, tmp_path):
    file = tmp_path / "events"
    assert conform("--simulate", "--seed", str(2**63 - 1), "--events", file).code == 0
    events = fit_lines(file.read_text())
    assert events[0]["seed"] == str(2**63 - 1)
    assert events[0]["event"] == "start" and events[-1]["event"] == "end" and events[-1]["verdict"] == "conforms"
    assert {event["verdict"] for event in events if event["event"] == "scenario"} <= {"pass", "skip"}


def test_events_of_what_fails_fit_their_schema(conform, tmp_path):
    file = tmp_path / "events"
    assert conform("--simulate", "-D", "name-taken=1009", "--only", "CON", "--events", file).code == 1
    events = fit_lines(file.read_text())
    assert any(finding["rule"] == "CON-02" for event in events if event["event"] == "scenario" for finding in event["findings"])
    assert {"start", "plan", "try", "scenario", "end"} <= {event["event"] for event in events}


def test_no_colour_in_a_pipe(conform):
    assert "\x1b" not in conform("--simulate").out


def test_the_schema_refuses_nonsense():
    with pytest.raises(jsonschema.ValidationError):
        fits({"schema": "c2w-result/1", "verdict": "excellent"})
