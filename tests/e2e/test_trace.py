"""Captures: what c2w-conform writes of a run, what c2w-trace says of it, what tshark says of both."""

import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
import tempfile
import time

import pytest

from conftest import BUILD, ROOT
from fits import fit_lines, fits

DISSECTOR = ROOT / "pcap/c2w.lua"
SOME = ["--only", "chat", "--only", "format", "--only", "CON-01", "--only", "transport", "--only", "REL-04"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """(folder, result) of a part of the suite in virtual time, with its packets."""
    folder = tmp_path_factory.mktemp("run")
    subprocess.run([BUILD / "c2w-conform", "--simulate", *SOME, "--pcap", folder / "pcap", "--json", folder / "result.json", "--quiet"],
                   check=True, capture_output=True, timeout=120)
    return folder / "pcap", json.loads((folder / "result.json").read_text())


@pytest.fixture(scope="module")
def one(run, tmp_path_factory):
    """One capture of all of it, as mergecap makes it, and so pcapng."""
    file = tmp_path_factory.mktemp("merged") / "all.pcapng"
    subprocess.run(["mergecap", "-w", file, *sorted(run[0].iterdir())], check=True, timeout=60)
    return file


@pytest.fixture
def trace(program, tmp_path):
    """trace(*arguments) runs c2w-trace; returns the run and its result."""
    def judge(*arguments, **keywords):
        file = tmp_path / "trace.json"
        file.unlink(missing_ok=True)
        done = program("c2w-trace", "--json", file, *arguments, **keywords)
        return done, fits(json.loads(file.read_text())) if file.exists() else None
    return judge


def installed():
    """The dissector that everybody's Wireshark loads here, which goes before any other."""
    folders = subprocess.run(["tshark", "-G", "folders"], capture_output=True, text=True, timeout=60).stdout
    files = [pathlib.Path(line.partition(":")[2].strip()) / "c2w.lua" for line in folders.splitlines() if "Lua Plugins" in line]
    return next((file for file in files if file.exists()), None)


# A port of ours can be any other protocol's, too.
OURS = ["-X", f"lua_script:{DISSECTOR}", "-o", "udp.try_heuristic_first:TRUE", "-o", "tcp.try_heuristic_first:TRUE"]
NOBODYS = ["-d", "udp.port==1-65535,data", "-d", "tcp.port==1-65535,data", "--disable-protocol", "c2w"]


def tshark(*arguments, plugin=True):
    other = installed()
    if plugin and other and other.read_bytes() != DISSECTOR.read_bytes():
        pytest.skip(f"{other} is another dissector")
    run = subprocess.run(["tshark", "-n", *(OURS if plugin else NOBODYS), *arguments], capture_output=True, text=True, timeout=120)
    assert run.returncode == 0 and "Lua" not in run.stderr, run.stderr
    return run.stdout


def broken(result):
    return {rule["id"] for rule in result["rules"] if rule["verdict"] in ("fail", "warn")}


# ---- the files of a run


def test_every_scenario_that_said_anything_has_its_packets(run):
    folder, result = run
    assert result["target"]["capture"] == "synthesised"
    for scenario in result["scenarios"]:
        assert (scenario["pcap"] is not None) == (len(scenario["timeline"]) > 0)
    named = [scenario["pcap"] for scenario in result["scenarios"] if scenario["pcap"]]
    assert sorted(named) == sorted(str(file) for file in folder.iterdir()) and len(set(named)) == len(named)
    with open(named[0], "rb") as file:
        assert struct.unpack("=I", file.read(4)) == (0xA1B23C4D,)


def test_tshark_finds_nothing_wrong(run, one):
    checks = "tcp.check_checksum:TRUE", "udp.check_checksum:TRUE", "ip.check_checksum:TRUE"
    wrong = ("tcp.analysis.flags || _ws.malformed || tcp.checksum.status == 0 || udp.checksum.status == 0 || ip.checksum.status == 0 || "
             "udp.checksum.status == 3")
    options = [part for check in checks for part in ("-o", check)]
    assert tshark("-r", one, *options, "-Y", wrong, plugin=False) == ""
    assert tshark("-r", one, *options, "-Y", "tcp.checksum.status == 1 && tcp.flags.syn == 1", plugin=False).count("\n") > 50


def test_a_failing_scenario_names_its_file(conform, server, tmp_path):
    at = server("--fault", "text-cut-at-pipe", program="c2w-server-faulty")
    done = conform("--target", at.address, "--only", "FMT-04", "--pcap", tmp_path / "pcap")
    assert done.code == 1
    assert re.search(r"(captured|synthesised): \S+/pcap/format-FMT-04\S+\.pcap", done.out), done.out


def test_real_packets_where_that_is_permitted(judge, trace, server, tmp_path):
    """Captured or not: a file for each scenario, nothing wrong for tshark, and the verdict of the run."""
    at = server()
    done, result = judge("--target", at.address, "--only", "CON-02", "--only", "TRN-03", "--pcap", tmp_path / "pcap")
    assert done.code == 0 and result["target"]["capture"] in ("captured", "synthesised"), done
    files = sorted((tmp_path / "pcap").iterdir())
    assert {str(file) for file in files} == {s["pcap"] for s in result["scenarios"] if s["timeline"]}
    for file in files[:6]:
        assert tshark("-r", file, "-Y", "tcp.analysis.flags || _ws.malformed", plugin=False) == ""
    done, of_packets = trace("--judge", "server", "--complete", *files)
    assert done.code == 0 and broken(of_packets) == set(), done


def test_of_a_transport_that_was_not_seen_nothing_is_said(run, trace):
    done, result = trace(*sorted(run[0].glob("*.udp.pcap"))[:3])
    assert result["target"]["transports"] == ["udp"] and "UDP (TCP: not judged)" in done.out, done


# ---- real packets, without being root

# An observer is as sure of these as the run is; of others he sees some breaches (docs/CAPTURES.md).
SEEN = {"TRN-02", "FMT-01", "FMT-02", "FMT-03", "FMT-04", "ENT-06"}
BROKEN = ("fail", "warn")


@pytest.fixture
def somebody(tmp_path_factory):
    """(folder, keywords) for a program that is to run as who is not root, and may write there."""
    if os.geteuid() != 0:
        return tmp_path_factory.mktemp("own"), {}
    folder = pathlib.Path(tempfile.mkdtemp(prefix="c2w-"))
    os.chown(folder, 65534, 65534)
    yield folder, {"user": 65534, "group": 65534, "extra_groups": [], "environment": {"XDG_CACHE_HOME": str(folder)}}
    shutil.rmtree(folder)


@pytest.fixture
def isolated(somebody, conform):
    """isolated(server's options, *arguments): (folder, result) of a run in a network of its own, with its packets."""
    folder, keywords = somebody

    def run(options, *arguments):
        done = conform("--launch", f"{BUILD}/c2w-server-faulty --host {{host}} --port {{port}} --quiet {options}", "--isolate",
                       "--pcap", folder / "pcap", "--json", folder / "result.json", "--quiet", *arguments, **keywords)
        if "grants no network of its own" in done.err:
            pytest.skip(done.err.strip())
        return folder / "pcap", json.loads((folder / "result.json").read_text())
    return run


def test_whoever_launches_may_capture(isolated):
    """An ordinary user, several servers at once: real packets, and nothing wrong with any, for tshark."""
    folder, result = isolated("", "--jobs", "3", "--only", "connect", "--only", "TRN-03", "--only", "MSG-05")
    assert result["verdict"] == "conforms" and result["target"]["capture"] == "captured"
    assert {s["pcap"] for s in result["scenarios"] if s["timeline"]} == {str(file) for file in folder.iterdir()}
    all_files = folder.parent / "all.pcapng"
    subprocess.run(["mergecap", "-w", all_files, *folder.iterdir()], check=True, timeout=60)
    # The kernel may send something twice; what is missing would be our mistake.
    assert tshark("-r", all_files, "-Y", "tcp.analysis.lost_segment || tcp.analysis.ack_lost_segment || _ws.malformed", plugin=False) == ""
    assert tshark("-r", all_files, "-Y", "tcp.flags.syn == 1 && eth", plugin=False).count("\n") > 50


@pytest.mark.parametrize("fault", [None, "time-as-float", "foreign-text-accepted"])
def test_the_packets_of_a_whole_run_say_what_the_run_says(isolated, trace, fault):
    """The suite over UDP and TCP, by one capture of all; and what is about names and format by a file for each scenario."""
    folder, of_run = isolated(f"--rto 500 --fault {fault}" if fault else "--rto 500", "-D", "rto=500ms", "--jobs", "8")
    assert of_run["target"]["capture"] == "captured"
    said = {rule["id"]: rule["verdict"] for rule in of_run["rules"]}
    files = sorted(folder.glob("names*")) + sorted(folder.glob("format*")) + sorted(folder.glob("movies*"))
    one = folder.parent / "all.pcapng"
    subprocess.run(["mergecap", "-w", one, *folder.iterdir()], check=True, timeout=60)
    for what in files, [one]:
        done, of_packets = trace("-D", "rto=500ms", "--judge", "server", "--complete", *what)
        seen = {rule["id"]: rule["verdict"] for rule in of_packets["rules"] if rule["verdict"] != "untested"}
        for rule, verdict in seen.items():
            assert (verdict in BROKEN) == (said[rule] in BROKEN), (rule, verdict, said[rule], done.out)
        if fault != "foreign-text-accepted":
            assert SEEN <= seen.keys(), done
        elif what is files:
            assert {"FMT-03", "NAM-01"} <= broken(of_packets), done


# ---- what c2w-trace says of it


def test_the_packets_of_a_good_server_are_good(run, trace):
    done, result = trace("--judge", "server", "--complete", *sorted(run[0].iterdir()))
    assert done.code == 0, done
    assert broken(result) == set() and result["summary"]["fail"] == 0
    passed = {rule["id"] for rule in result["rules"] if rule["verdict"] == "pass"}
    assert passed >= {"FMT-01", "FMT-02", "FMT-03", "FMT-04", "TRN-02"}
    assert passed <= {rule["id"] for rule in run[1]["rules"] if rule["verdict"] in ("pass", "untested")}


def test_one_capture_of_all_says_the_same(one, trace):
    done, result = trace("--judge", "server", "--complete", one)
    assert done.code == 0 and broken(result) == set(), done


@pytest.mark.parametrize("fault, rule, only", [
    ("time-as-float", "FMT-02", "FMT-02"), ("movie-listed-twice", "LST-02", "lists"), ("stream-at-port-0", "ENT-06", "movies"),
    ("text-with-pipe-discarded", None, "FMT-04"),
])
def test_what_the_run_finds_its_packets_show(judge, trace, server, tmp_path, fault, rule, only):
    at = server("--fault", fault, program="c2w-server-faulty")
    _, of_run = judge("--target", at.address, "--only", only, "--pcap", tmp_path / "pcap")
    done, of_packets = trace("--judge", "server", "--complete", *sorted((tmp_path / "pcap").iterdir()))
    assert broken(of_packets) <= broken(of_run)
    assert (rule in broken(of_packets)) if rule else done.code == 0
    if rule:
        findings = [f for s in of_packets["scenarios"] for f in s["findings"] if f["rule"] == rule]
        assert findings and all(f["file"].endswith(".pcap") and f["line"] > 0 and f["got"] for f in findings)


def test_a_capture_that_began_late_is_judged_by_form_only(run, trace, tmp_path):
    """The first third is cut off: nothing is guessed, and it is said."""
    file = next(f for f in sorted(run[0].iterdir()) if f.name.startswith("chat-MSG-05") and ".udp." in f.name)
    packets = read_pcap(file)
    late = tmp_path / "late.pcap"
    write_pcap(late, packets[len(packets) // 3:])
    done, result = trace(late)
    assert broken(result) == set()
    assert any("began before the capture" in (scenario["reason"] or "") for scenario in result["scenarios"])


def test_holes_in_a_stream_are_said_and_not_judged(run, trace, tmp_path):
    file = next(f for f in sorted(run[0].iterdir()) if f.name.startswith("chat-MSG-05") and ".tcp." in f.name)
    packets = read_pcap(file)
    data = [i for i, packet in enumerate(packets) if len(packet[2]) > 60]
    holes = tmp_path / "holes.pcap"
    write_pcap(holes, [packet for i, packet in enumerate(packets) if i not in data[3::7]])
    done, result = trace("--judge", "server", holes)
    assert broken(result) == set(), done
    assert any("holes in TCP" in (scenario["reason"] or "") for scenario in result["scenarios"])


def test_a_profile_says_what_a_class_was_told(run, trace, tmp_path):
    file = next(f for f in sorted(run[0].iterdir()) if f.name.startswith("connect-CON-01") and ".udp." in f.name)
    profile = tmp_path / "class.profile"
    profile.write_text("# ours\nname-taken = 1234\n")
    assert trace("--complete", "--judge", "server", file)[0].code == 0
    done, result = trace("--complete", "--judge", "server", "--profile", profile, file)
    assert result["parameters"]["name-taken"] in (1234, "1234"), result["parameters"]
    profile.write_text("rto = soon\n")
    done, _ = trace("--profile", profile, file)
    assert done.code == 2 and "class.profile:1: rto=soon" in done.err


# ---- to a scenario


def test_a_capture_becomes_a_scenario_that_passes_or_it_says_why_not(run, program, conform, tmp_path):
    """On the server that it came from."""
    made, reasons = tmp_path / "made", set()
    made.mkdir()
    chosen = [file for file in sorted(run[0].iterdir()) if file.name.startswith(("chat", "connect", "transport", "reliability-REL-04", "format-FMT-08"))][::2]
    for file in chosen:
        done = program("c2w-trace", "--to-scenario", "--complete", "--server", ":1950", file)
        if done.code == 0:
            assert done.out.startswith("scenario "), done
            (made / f"{file.stem}.c2w").write_text(done.out)
        else:
            assert done.code == 4 and not done.out and done.err.startswith("c2w-trace: --to-scenario: "), done
            reasons.add(done.err)
    assert len(list(made.iterdir())) > 0.6 * len(chosen) > 40 and len(reasons) >= 3
    done = conform("--simulate", made)
    assert done.code == 0, done.out


# ---- bad captures


def read_pcap(file):
    octets, at, packets = file.read_bytes(), 24, []
    while at < len(octets):
        seconds, fraction, length, _ = struct.unpack_from("=IIII", octets, at)
        packets.append((seconds, fraction, octets[at + 16:at + 16 + length]))
        at += 16 + length
    return packets


def write_pcap(file, packets, link=101):
    body = b"".join(struct.pack("=IIII", s, f, len(octets), len(octets)) + octets for s, f, octets in packets)
    file.write_bytes(struct.pack("=IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 262144, link) + body)


@pytest.mark.parametrize("octets", [b"", b"\0", b"hello, this is no capture\n" * 20, b"\xd4\xc3\xb2\xa1"])
def test_what_is_no_capture_is_refused(trace, tmp_path, octets):
    (tmp_path / "x.pcap").write_bytes(octets)
    done, _ = trace(tmp_path / "x.pcap")
    assert done.code == 2 and re.search(r"^c2w-trace: \S*x\.pcap: .", done.err), done


def test_a_missing_file_and_a_foreign_link_type(trace, tmp_path):
    assert trace(tmp_path / "none.pcap")[0].code == 2
    write_pcap(tmp_path / "radio.pcap", [(1, 1, b"\0" * 60)], link=105)
    done, _ = trace(tmp_path / "radio.pcap")
    assert done.code == 2 and "802.11" in done.err


def test_nothing_of_ours_in_it_is_inconclusive(trace, tmp_path):
    write_pcap(tmp_path / "other.pcap", [(1, 1, b"\x45" + b"\0" * 30), (2, 2, b"")])
    done, _ = trace(tmp_path / "other.pcap")
    assert done.code == 4 and "no message of C2W" in done.out, done


def test_of_a_truncated_capture_the_rest_is_judged(run, trace, tmp_path):
    octets = sorted(run[0].iterdir())[0].read_bytes()
    (tmp_path / "cut.pcap").write_bytes(octets[:len(octets) - 7])
    done, result = trace("--judge", "server", "--complete", tmp_path / "cut.pcap")
    assert done.code == 4 and "truncated" in done.err, done
    assert any("cannot be read to its end" in (scenario["reason"] or "") for scenario in result["scenarios"])


def test_corrupt_packets_do_no_harm(run, trace, tmp_path):
    """Every octet of the headers turned round, one after the other; lengths and offsets among them."""
    packet = next(octets for _, _, octets in read_pcap(sorted(run[0].iterdir())[0]) if len(octets) > 60)
    broken_ones = [(1, at, packet[:at] + bytes([packet[at] ^ flip]) + packet[at + 1:]) for at in range(44) for flip in (1, 0x40, 0xFF)]
    cut = [(2, length, packet[:length]) for length in range(len(packet))]
    write_pcap(tmp_path / "corrupt.pcap", broken_ones + cut)
    done, _ = trace(tmp_path / "corrupt.pcap")
    assert done.code in (1, 4), done


# ---- live


def test_live(tmp_path, server, conform):
    """Watches loopback, where that is permitted, while a scenario runs."""
    at = server()
    port = at.address.rpartition(":")[2]
    watching = subprocess.Popen([BUILD / "c2w-trace", "-i", "lo", "--filter", f"port {port}", "--judge", "server", "--server", at.address,
                                 "--json", tmp_path / "live.json"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    line = watching.stderr.readline()
    if "watching" not in line:
        watching.wait()
        pytest.skip(f"no capture here: {line.strip()}")
    time.sleep(0.3)
    assert conform("--target", at.address, "--only", "connect/CON-01").code == 0
    time.sleep(0.5)
    watching.send_signal(signal.SIGINT)
    watching.communicate(timeout=20)
    assert watching.returncode == 0
    result = json.loads((tmp_path / "live.json").read_text())
    assert {rule["id"]: rule["verdict"] for rule in result["rules"]}["FMT-02"] == "pass"


# ---- the dissector


def commands():
    text = (ROOT / "protocol/commands.def").read_text()
    return re.findall(r"^C2W_COMMAND\((\w+),\s*(\w+),\s*(\w+),\s*(\w+),\s*(\d),\s*(\d)\)", text, re.MULTILINE)


def test_its_commands_are_those_of_the_table():
    text = DISSECTOR.read_text()
    assert re.findall(r'^command\("(\w+)", "(\w+)", "(\w+)", "(\w+)", (\d), (\d)\)', text, re.MULTILINE) == commands()


def unescape(text):
    return re.sub(rb"\\(?:x(..)|(.))", lambda m: bytes.fromhex(m[1].decode()) if m[1] else {b"r": b"\r", b"n": b"\n", b"t": b"\t"}.get(m[2], m[2]),
                  text.encode()).decode(errors="replace")


def experts(node):
    if isinstance(node, list):
        node = dict(enumerate(node))
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "_ws.expert.message":
                yield from value if isinstance(value, list) else [value]
            else:
                yield from experts(value)


def test_its_fields_are_what_our_parser_reads(one, program):
    ours = fit_lines(program("c2w-trace", "--messages", "--complete", "--server", ":1950", one).out)
    ours = [message for message in ours if message["octets"]]
    theirs = []
    for packet in json.loads(tshark("-r", one, "-Y", "c2w", "-T", "json", "--no-duplicate-keys", "-J", "c2w frame")):
        layers = packet["_source"]["layers"]
        messages = layers["c2w"] if isinstance(layers["c2w"], list) else [layers["c2w"]]
        theirs += [(int(layers["frame"]["frame.number"]), message) for message in messages]
    assert len(ours) == len(theirs) > 2000
    fields = {"time": "c2w.time", "command": "c2w.command", "user": "c2w.user", "data": "c2w.data"}
    seen = set()
    for mine, (number, fields_there) in zip(ours, theirs):
        seen.add(mine["error"])
        assert mine["packet"] == number
        said = list(experts(fields_there))
        assert not mine["error"] or any(mine["error"] in text for text in said), (mine, said)
        if mine["error"] in ("it is not valid UTF-8", "it contains a NUL", "it contains a CR or LF before its end"):
            continue  # Wireshark shows such text in its own way
        for field, name in fields.items():
            assert unescape(mine[field]) == fields_there.get(name, ""), (mine, name)
        assert mine["name"] == fields_there.get("c2w.command.name"), mine
        assert mine["code"] == int(fields_there.get("c2w.code", 0)), mine
    assert len(seen) > 8, seen


def test_it_links_what_belongs_together(run):
    file = next(f for f in sorted(run[0].iterdir()) if f.name.startswith("reliability-REL-04") and ".udp." in f.name)
    rows = tshark("-2", "-r", file, "-Y", "c2w", "-T", "fields", "-e", "frame.number", "-e", "c2w.command", "-e", "c2w.user", "-e", "c2w.time",
                  "-e", "c2w.request_in", "-e", "c2w.response_in", "-e", "c2w.ack_in", "-e", "c2w.retransmission").splitlines()
    rows = [dict(zip("frame command user time request response ack again".split(), row.split("\t"))) for row in rows]
    at = {row["frame"]: row for row in rows}
    answers = [row for row in rows if row["request"]]
    assert answers
    for row in answers:
        request = at[row["request"]]
        assert request["command"].endswith("_REQUEST") and request["time"] == row["time"] and request["response"]
    for row in (row for row in rows if row["ack"]):
        assert at[row["ack"]]["command"].endswith("_ACK") and at[row["ack"]]["time"] == row["time"]
    assert any(row["again"] for row in rows)


def test_it_recognises_other_ports(tmp_path, program, server, run):
    """The heuristics: the same packets, from a port that nobody registered."""
    file = next(f for f in sorted(run[0].iterdir()) if f.name.startswith("connect-CON-01") and ".tcp." in f.name)
    packets = []
    for s, f, octets in read_pcap(file):
        source, dest = struct.unpack_from(">HH", octets, 20)
        swap = {1950: 40444}
        packets.append((s, f, octets[:20] + struct.pack(">HH", swap.get(source, source), swap.get(dest, dest)) + octets[24:]))
    write_pcap(tmp_path / "moved.pcap", packets)
    count = lambda name: tshark("-r", name, "-Y", "c2w", "-T", "fields", "-e", "c2w.command").count("\n")
    assert count(tmp_path / "moved.pcap") == count(file) > 0
