"""c2w-conform against servers that are right, wrong, absent or impaired: exit codes, results, what is said."""

import json
import re
import socket

import pytest

from client import Client, others
from conftest import until

FAULTY = {"program": "c2w-server-faulty"}
FAST = ["-D", "rto=300ms"]  # for a server with --rto 300: what never comes is waited for less long


def run_of(result, transport):
    return [scenario for scenario in result["scenarios"] if scenario["transport"] == transport]


def test_the_reference_server_conforms(server, judge):
    """The whole suite over real sockets, as `make demo` runs it."""
    run, result = judge("--target", server().address, timeout=300)
    assert run.code == 0, run.out
    assert result["verdict"] == "conforms" and result["summary"]["fail"] == 0
    assert run_of(result, "udp") and run_of(result, "tcp")
    assert run.out.splitlines()[-1].startswith("conforms: ")


def test_it_conforms_over_ipv6(server, judge):
    run, result = judge("--target", server("--host", "::1").address, "--only", "MSG", "--level", "must")
    assert run.code == 0, run.out


@pytest.mark.parametrize("offered, missing", [("udp", "TCP"), ("tcp", "UDP")])
def test_a_transport_that_is_not_offered(server, judge, offered, missing):
    target = server("--transport", offered).address
    run, result = judge("--target", target, "--only", "MSG")
    assert run.code == 0, run.out
    assert f"{missing}: not offered" in run.out
    assert run_of(result, offered) and not [s for s in run_of(result, missing.lower()) if s["verdict"] == "pass"]
    run, result = judge("--target", target, "--transport", "both", "--only", "MSG")
    assert run.code in (1, 3), run.out
    assert result["verdict"] in ("violates", "unreachable")


def test_nobody_there_is_one_clear_sentence_and_a_valid_result(judge):
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))  # bound, not listening: refused
        address = "127.0.0.1:%d" % holder.getsockname()[1]
        run, result = judge("--target", address, timeout=30)
    assert run.code == 3, run
    assert result["verdict"] == "unreachable"
    assert all(rule["verdict"] in ("untested", "inconclusive") for rule in result["rules"])
    assert address in run.out + run.err and "unreachable" in run.out + run.err
    assert len((run.out + run.err).strip().splitlines()) < 10


def test_no_server_behind_a_name(judge):
    run, result = judge("--target", "[::1]:9", "--transport", "tcp", timeout=30)
    assert run.code == 3 and result["verdict"] == "unreachable"


def test_a_faulty_server_violates_and_the_report_explains(server, judge):
    run, result = judge("--target", server("--fault", "text-cut-at-pipe", "--rto", 300, **FAULTY).address, *FAST, "--only", "MSG", timeout=200)
    assert run.code == 1, run.out
    assert result["verdict"] == "violates" and result["summary"]["fail"] > 0
    broken = [rule for rule in result["rules"] if rule["verdict"] == "fail"]
    assert {"FMT-04", "MSG-03"} & {rule["id"] for rule in broken}
    assert re.search(rf"^violates: {len(broken)} of \d+ rules broken", run.out.splitlines()[-1])
    failed = next(scenario for scenario in result["scenarios"] if scenario["verdict"] == "fail")
    finding = failed["findings"][0]
    assert failed["timeline"] and finding["rule"] in {rule["id"] for rule in broken}
    assert re.search(r"\.c2w:\d+", run.out) and finding["rule"] in run.out and "--only" in run.out


def test_last_failed_runs_only_those(server, judge, tmp_path):
    def selected(*arguments):
        _, result = judge("--target", target, *FAST, "--only", "MSG", *arguments, cwd=tmp_path, timeout=200)
        return {(s["id"], s["transport"]): s["verdict"] for s in result["scenarios"]}

    target = server("--fault", "text-cut-at-pipe", "--rto", 300, **FAULTY).address
    first = selected()
    failed = {run for run, verdict in first.items() if verdict == "fail"}
    assert failed and set(selected("--last-failed")) == failed < set(first)


def test_a_small_server_skips_what_needs_more(server, judge):
    run, result = judge("--target", server("--max-users", 20).address, "-D", "capacity=20", timeout=200)
    assert run.code == 0, run.out
    for scenario in result["scenarios"]:
        assert scenario["verdict"] in ("pass", "skip"), scenario
        assert scenario["verdict"] == "pass" or scenario["reason"]


def test_other_parameters_are_judged_as_given(server, judge):
    target = server("--rto", 300, "--max-retransmits", 2, "--max-text", 200).address
    right = ["-D", "rto=300ms", "-D", "max-retransmits=2", "-D", "max-text=200"]
    run, _ = judge("--target", target, *right, "--transport", "udp", timeout=200)
    assert run.code == 0, run.out
    run, result = judge("--target", target, "--transport", "udp", "--only", "REL-05", "--only", "REL-06", timeout=200)
    assert run.code == 1, run.out
    assert {rule["id"] for rule in result["rules"] if rule["verdict"] == "fail"} & {"REL-05", "REL-06"}


def test_titles_may_be_nearly_the_same(server, judge, tmp_path):
    """What a scenario asks for as no movie's title is none of the target's, though they differ by a blank or a letter's case."""
    titles = tmp_path / "titles"
    titles.write_text("M\nM \n M\nm\nMM\nM\u00a0\n\"M\"\n/dev/zero\n")
    run, result = judge("--target", server("--movies", titles).address, "--only", "ENT-02")
    assert run.code == 0 and result["summary"]["fail"] == 0, run.out


def test_a_profile_file_does_the_same(server, judge, tmp_path):
    profile = tmp_path / "class.profile"
    profile.write_text("# what this class was told\nmax-text = 200\n")
    run, result = judge("--target", server("--max-text", 200).address, "--profile", profile, "--only", "MSG-06")
    assert run.code == 0, run.out
    assert str(result["parameters"]["max-text"]) == "200"


def test_loss_causes_no_false_failure(server, judge):
    run, result = judge("--target", server("--loss", 0.05, "--seed", 3, "--rto", 300).address, *FAST, "--transport", "udp",
                        "--only", "MSG", "--only", "LST", timeout=300)
    assert run.code in (0, 4), run.out
    assert result["summary"]["fail"] == 0


def test_nothing_is_left_behind(server, judge):
    target = server().address
    run, _ = judge("--target", target, "--only", "MSG", "--only", "ENT")
    assert run.code == 0, run.out
    assert others(target) == {}


def test_nothing_is_left_behind_after_interruption(server, conform_starts, tmp_path):
    target, events = server().address, tmp_path / "events"
    running = conform_starts("--target", target, "--events", events, "--json", tmp_path / "result.json")
    with Client(target, "tcp").connect() as watcher:
        assert until(lambda: len(watcher.users()) > 3)
        running.process.send_signal(2)
        run = running.finish(30)
        assert run.code in (1, 4, 130), run
        assert until(lambda: list(watcher.users()) == [watcher.name], 1), watcher.users()
        watcher.leave()
    result = json.loads((tmp_path / "result.json").read_text())
    assert result["verdict"] in ("inconclusive", "violates")
    assert json.loads(events.read_text().splitlines()[-1])["event"] == "end"


def test_strangers_on_the_server_do_no_harm(server, judge):
    target = server().address
    with Client(target, "tcp").connect() as stranger:
        run, _ = judge("--target", target, "--only", "LST", "--only", "CON")
        assert run.code == 0, run.out
        assert list(stranger.users()) == [stranger.name]


def test_two_runs_on_one_server_do_not_meet(server, conform_starts):
    target = server().address
    runs = [conform_starts("--target", target, "--only", "CON", "--seed", "1") for _ in range(2)]
    done = [running.finish(120) for running in runs]
    assert [run.code for run in done] == [0, 0], done


def test_the_result_can_go_to_standard_output(conform):
    run = conform("--simulate", "--quiet", "--json", "/dev/stdout", "--only", "MSG")
    assert run.code == 0
    assert '"schema"' in run.out


def test_a_should_counts_only_where_it_is_asked_to(server, judge, tmp_path):
    target = server("--fault", "no-lists-in-a-movie-room", program="c2w-server-faulty")
    arguments = ("--target", target.address, "--only", "lists/LST-04-in-movie-room", "--only", "LST-01", "--transport", "udp")
    run, result = judge(*arguments)
    assert run.code == 0 and result["verdict"] == "conforms" and result["summary"]["warn"] >= 1
    assert "SHOULD not followed" in run.out.splitlines()[-1]
    run, result = judge(*arguments, "--fail-on", "warn", "--quiet")
    assert run.code == 1 and result["verdict"] == "violates" and result["warnings_fail"]
    assert run.out.splitlines()[-1].startswith("violates: 1 of ") and "LST-04 lists/LST-04-in-movie-room over UDP: " in run.out
    known = tmp_path / "known.txt"
    known.write_text("".join(f"{s['id']} {s['transport']} LST-04\n" for s in result["scenarios"] if s["verdict"] == "warn"))
    run, result = judge(*arguments, "--fail-on", "warn", "--expect", known)
    assert run.code == 0 and run.out.splitlines()[-1].startswith("as expected: "), run
    run, result = judge(*arguments, "--expect", known)
    assert run.code == 0 and result["expectation"]["surprises"] == []


AUTO = ["-D", "rto=auto", "-D", "max-retransmits=auto"]
CODES = [f"{name}=any" for name in ("name-taken", "name-invalid", "server-full", "already-connected", "not-connected", "no-such-movie",
                                    "already-in-movie", "room-full", "no-session")]


def test_other_parameters_are_measured(server, judge, tmp_path):
    target = server("--rto", 300, "--max-retransmits", 5).address
    run, result = judge("--target", target, *AUTO, *(word for code in CODES for word in ("-D", code)), "--only", "REL", "--only", "CON", timeout=200)
    assert run.code == 0, run.out
    assert re.fullmatch(r"(29|30|31)\d{7}ns|3\d\dms|29\dms", result["parameters"]["rto"]), result["parameters"]["rto"]
    assert result["parameters"]["max-retransmits"] == "5" and result["parameters"]["name-taken"] == "any"
    print_ = result["target"]["retransmission"]
    assert print_["adopted"] and print_["stop"] == "session" and len(print_["intervals_ns"]) == 5
    assert 290e6 < print_["median_ns"] < 320e6
    assert "5 times every 0.30 s" in run.out and "adopted" in run.out
    profile = tmp_path / "class.profile"
    profile.write_text("rto = auto\nmax-retransmits = auto\nrto-tolerance = -20%,+40%  # a slow machine\nname-taken = any\n")
    run, again = judge("--target", target, "--profile", profile, "--only", "REL-05", "--only", "REL-06")
    assert run.code == 0 and again["parameters"]["rto-tolerance"] == "-20%,+40%", run.out


def test_another_schedule_is_told_with_its_options(server, judge):
    target = server("--rto", 300, "--max-retransmits", 5).address
    run, result = judge("--target", target, "--only", "REL-06", "--transport", "udp", timeout=200)
    assert run.code == 1 and result["target"]["retransmission"]["stop"] == "session"
    words = " ".join(run.out.split())
    assert "5 times every 0.30 s, then no more; the session ended" in words
    assert "3 times every 1s, then the session ends" in words and "-D rto=300ms -D max-retransmits=5 (or auto)" in words
    run, _ = judge("--target", target, "--only", "REL-06", "-D", "rto=300ms", "-D", "max-retransmits=5", timeout=200)
    assert run.code == 0 and "repeats " not in run.out


def test_the_right_schedule_is_told_to_who_asks(server, judge):
    run, result = judge("--target", server("--rto", 300).address, *FAST, "--only", "REL-08", "--only", "REL-06", "--verbose")
    assert run.code == 0 and "repeats   3 times every 0.30 s" in run.out
    assert result["target"]["retransmission"]["factor_permille"] in range(950, 1051)


def test_over_tcp_alone_there_is_none(server, judge):
    run, result = judge("--target", server("--transport", "tcp").address, "--only", "REL", *AUTO)
    assert run.code == 0 and "Over TCP nothing is to be retransmitted." in run.out
    assert result["target"]["retransmission"]["stop"] == "unwatched" and result["target"]["retransmission"]["intervals_ns"] == []


@pytest.mark.parametrize("fault, words", [
    ("exponential-back-off", "each 2.0 times the one before"), ("nothing-is-sent-again", "never within"), ("nobody-is-dead", "the session did not end"),
])
def test_what_no_option_makes_right(server, judge, fault, words):
    target = server("--fault", fault, "--rto", 200, **FAULTY).address
    run, result = judge("--target", target, "-D", "rto=200ms", "--only", "REL-06", "--only", "REL-08", timeout=200)
    assert run.code == 1 and words in " ".join(run.out.split()), run.out
