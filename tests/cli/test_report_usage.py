"""c2w-report: results that cannot be read, outputs that cannot be written, and what it says of good ones."""

import base64
import json
import os
import pathlib
import re
import subprocess
import tarfile
from xml.etree import ElementTree

import jsonschema
import pytest

from conftest import BUILD, ROOT
from fits import fits, validator

PCAP = bytes.fromhex("d4c3b2a1020004000000000000000000ffff000065000000")  # without a packet
FORMATS = "html junit tap markdown csv ctrf gradescope github".split()


@pytest.fixture
def report(program):
    return lambda *arguments, **keywords: program("c2w-report", *arguments, **keywords)


@pytest.fixture
def result(judge, tmp_path):
    """A small good result, in result.json, too."""
    return judge("--simulate", "--only", "CON-01", "--quiet")[1]


def fail_one(result):
    """The same with one scenario that breaks CON-01."""
    result = json.loads(json.dumps(result))
    scenario = result["scenarios"][0]
    scenario["verdict"] = "fail"
    scenario["findings"] = [{"rule": "CON-01", "verdict": "fail", "file": scenario["file"], "line": 3, "what": "no", "expected": "a", "got": "b",
                             "at_ns": 0}]
    next(rule for rule in result["rules"] if rule["id"] == "CON-01")["verdict"] = "fail"
    result["verdict"] = result["outcome"] = "violates"
    return result


def outputs(folder):
    return [word for name in FORMATS for word in (f"--{name}", folder / f"out.{name}")]


def test_conform_writes_what_report_writes(conform, report, tmp_path):
    assert conform("--simulate", "--only", "CON-01", "--quiet", "--json", tmp_path / "r.json", *outputs(tmp_path)).code == 0
    written = {name: (tmp_path / f"out.{name}").read_bytes() for name in FORMATS}
    assert report(tmp_path / "r.json", *outputs(tmp_path)).code == 0
    for name in FORMATS:
        assert (tmp_path / f"out.{name}").read_bytes() == written[name] != b""


@pytest.mark.parametrize("spoil, says", [
    (lambda text: text[:len(text) // 2], "JSON is broken"),
    (lambda text: "", "JSON is broken"),
    (lambda text: "[" * 100000, "JSON is broken"),
    (lambda text: "[]", "schema: is missing"),
    (lambda text: text.replace("c2w-result/1", "c2w-result/9"), "c2w-result/9"),
    (lambda text: text.replace('"verdict": "pass"', '"verdict": "fine"', 1), '"fine" is unknown'),
    (lambda text: text.replace('"began_ns": ', '"began_ns": 1e3, "x": ', 1), "integer"),
    (lambda text: '{"schema": "c2w-result/1"}', "is missing"),
    (lambda text: text.replace("c2w-result/1", "\\u001b]0;x\\u0007\\u009b"), "\\x1B]0;x\\x07"),
    (lambda text: text.replace('"schema"', '\x1b"schema"'), "JSON is broken"),
    (lambda text: text.replace("c2w-result/1", "c2w-result/2"), "c2w-result/2"),
    (lambda text: text.replace("c2w-result/1", "c2w-events/1"), "c2w-events/1"),
    (lambda text: text.replace('"tool": {', '"new": ' + "[" * 100000 + "]" * 100000 + ', "tool": {', 1), "JSON is broken"),
    (lambda text: text.replace('"tool": {', '"new": ' + '{"a":' * 100000 + "0" + "}" * 100000 + ', "tool": {', 1), "JSON is broken"),
    (lambda text: text.replace("c2w-result/1", "c2w-result/1\\u0000"), "JSON is broken"),
    (lambda text: text.replace("c2w-result/1", "c2w-result/1\0"), "JSON is broken"),
    (lambda text: text.replace("c2w-result/1", "c2w-result/1\udcff"), "JSON is broken"),
    (lambda text: text.replace('"schema"', '"schema": "c2w-result/1", "schema"', 1), "duplicate"),
    (lambda text: text + "{}", "JSON is broken"),
    (lambda text: text.replace('"seed": "', '"seed": "' + "9" * 40, 1), "seed"),
])
def test_a_bad_result_is_refused(report, result, tmp_path, spoil, says):
    file = tmp_path / "result.json"
    file.write_bytes(spoil(file.read_text()).encode(errors="surrogateescape"))
    before = set(tmp_path.iterdir())
    run = report(file, *outputs(tmp_path))
    assert run.code == 2 and run.out == ""
    assert "\x1b" not in run.err and "\x9b" not in run.err
    assert run.err.startswith(f"c2w-report: {file}") and says in run.err and run.err.count("\n") == 1
    assert set(tmp_path.iterdir()) == before


def test_a_huge_result_is_refused_unread(report, tmp_path):
    file = tmp_path / "huge.json"
    with file.open("wb") as stream:
        stream.truncate(1 << 30)
    run = report(file, "--html", tmp_path / "out.html")
    assert run.code == 2 and "refused" in run.err and run.memory < 512 * 1024  # KiB: of who started it, too
    assert not (tmp_path / "out.html").exists()


def test_huge_texts_make_no_huge_reports(report, result, tmp_path):
    bad = fail_one(result)
    bad["scenarios"][0]["findings"][0].update(what="w" * 3_000_000, expected="e" * 3_000_000, got="\u2028" * 500_000)
    bad["scenarios"][0]["timeline"][0]["octets"] = "\\x00" * 1_000_000
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    assert report(tmp_path / "bad.json", "--html", tmp_path / "out.html", "--markdown", tmp_path / "out.markdown").code == 0
    assert (tmp_path / "out.html").stat().st_size <= 5 << 20 and (tmp_path / "out.markdown").stat().st_size < 1_000_000


def test_a_full_disk_leaves_the_older_files_as_they_were(result, tmp_path):
    """On a tiny file system of its own, where that can be mounted."""
    disk = tmp_path / "disk"
    disk.mkdir()
    small = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=16k tiny "$1" || exit 99; cd "$1"; shift; printf old > out; mkdir m.files; printf old > m.html; '
             '"$@"; echo "ended with $?"; ls -a; cat out m.html', "sh", disk, BUILD / "c2w-report", tmp_path / "result.json"]
    for options in (["--html", "out"], ["--bundle", "out", "--only", "CON"],
                    [tmp_path / "result.json", "--html", "m.html", "--csv", "out"]):
        run = subprocess.run([*small, *options], capture_output=True, text=True, timeout=60)
        if run.returncode == 99 or "unshare" in run.stderr:
            pytest.skip(f"no file system can be mounted here: {run.stderr.strip()}")
        assert "ended with 2" in run.stdout and "No space left on device" in run.stderr, run
        assert run.stdout.splitlines()[1:] == [".", "..", "m.files", "m.html", "out", "oldold"], run


@pytest.mark.parametrize("name", ["missing.json", "."])
def test_what_is_no_file(report, tmp_path, name):
    run = report(tmp_path / name, "--html", tmp_path / "out.html")
    assert run.code == 2 and run.err.startswith("c2w-report: ") and not (tmp_path / "out.html").exists()


def test_one_bad_result_of_several_leaves_nothing(report, result, tmp_path):
    (tmp_path / "bad.json").write_text("{")
    before = set(tmp_path.iterdir())
    assert report(tmp_path / "result.json", tmp_path / "bad.json", "--html", tmp_path / "all.html", "--csv", tmp_path / "all.csv").code == 2
    assert set(tmp_path.iterdir()) == before


def test_an_old_output_stays_when_it_cannot_be_replaced(report, result, tmp_path):
    run = report(tmp_path / "result.json", "--html", tmp_path / "no such folder" / "out.html")
    assert run.code == 2 and "No such file or directory" in run.err


def test_a_link_stays_one_and_standard_output_is_written_through(report, result, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "real")
    (tmp_path / "real").write_text("")
    assert report(tmp_path / "result.json", "--tap", tmp_path / "link").code == 0
    assert (tmp_path / "link").is_symlink() and (tmp_path / "real").read_text().startswith("TAP version 14")
    # Standard output redirected to a file, named once more.
    command = 'exec "$1" "$2" --tap "$3" > "$3"'
    (tmp_path / "out").write_text("")
    inode = (tmp_path / "out").stat().st_ino
    subprocess.run(["sh", "-c", command, "sh", BUILD / "c2w-report", tmp_path / "result.json", tmp_path / "out"], check=True, cwd=ROOT)
    assert (tmp_path / "out").stat().st_ino == inode and (tmp_path / "out").read_text().startswith("TAP version 14")


def test_unknown_fields_are_ignored_and_missing_ones_bearable(report, result, tmp_path):
    result["new"] = result["target"]["new"] = {"a": [1]}
    for key in "expectation", "outcome", "warnings_fail":
        result.pop(key)
    result["target"].pop("fingerprint", None)
    for scenario in result["scenarios"]:
        scenario["new"] = "x"
        scenario.pop("pcap")
        scenario.pop("expected")
    (tmp_path / "other.json").write_text(json.dumps(result))
    assert report(tmp_path / "other.json", *outputs(tmp_path)).code == 0


def test_a_result_of_the_first_version_still_renders(report, result, tmp_path):
    """Written by c2w-conform as it was when there was the first result file."""
    fits(json.loads((ROOT / "tests/results/first.json").read_text()))
    assert report(ROOT / "tests/results/first.json", *outputs(tmp_path)).code == 0
    for name in FORMATS:
        text = (tmp_path / f"out.{name}").read_text()
        assert "CON-05-takes-no-name" in text or name == "gradescope", name
        assert "1 of 63 rules broken, 2 kept, 60 not tested" in text or name == "csv", name
    assert report(ROOT / "tests/results/first.json").out.rstrip().endswith("violates: 1 of 63 rules broken, 2 kept, 60 not tested")
    diff = report("--diff", ROOT / "tests/results/first.json", tmp_path / "result.json")
    assert diff.code == 0 and "no longer tested" in diff.out


def test_comparison(report, result, tmp_path):
    good, bad = tmp_path / "result.json", tmp_path / "bad.json"
    bad.write_text(json.dumps(fail_one(result)))
    worse, better, same = report("--diff", good, bad), report("--diff", bad, good), report("--diff", good, good)
    assert worse.code == 1 and "newly broken: rule CON-01" in worse.out and "newly broken: 1" in worse.out
    assert better.code == 0 and "mended: 1" in better.out
    assert same.code == 0 and "broken:" not in same.out
    assert report("--diff", good).code == 2


def test_an_appeal_bundle(report, result, tmp_path):
    bad = fail_one(result)
    bad["scenarios"][0]["id"] = "../../etc/x\x1b"
    bad["scenarios"][0]["pcap"] = str(tmp_path / "a.pcap")
    (tmp_path / "a.pcap").write_bytes(PCAP)
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    assert report(tmp_path / "bad.json", "--bundle", tmp_path / "appeal.tar.gz").code == 0
    with tarfile.open(tmp_path / "appeal.tar.gz") as archive:
        names = archive.getnames()
        assert archive.extractfile("appeal/result.json").read() == (tmp_path / "bad.json").read_bytes()
        folder = next(name for name in names if name.endswith("/command.txt")).rpartition("/")[0]
        assert archive.extractfile(f"{folder}/packets.pcap").read() == PCAP
    assert all(name.startswith("appeal/") and ".." not in name and "\x1b" not in name for name in names)
    assert {f"{folder}/{part}" for part in ("scenario.c2w", "seed.txt", "explanation.txt")} <= set(names)
    assert {"appeal/README.txt", "appeal/report.html"} <= set(names)


@pytest.fixture
def with_packets(conform, tmp_path):
    """The result of a run where CON-02 fails, its packets beside it."""
    run = conform("--simulate", "-D", "name-taken=1009", "--only", "CON-02", "--transport", "udp", "--quiet", "--pcap", tmp_path / "packets",
                  "--json", tmp_path / "result.json")
    assert run.code == 1, run
    return json.loads((tmp_path / "result.json").read_text())


def test_every_report_leads_to_the_packets(report, with_packets, tmp_path):
    failed = next(scenario for scenario in with_packets["scenarios"] if scenario["verdict"] == "fail")
    path, packets = failed["pcap"], pathlib.Path(failed["pcap"]).read_bytes()
    assert with_packets["target"]["capture"] == "synthesised"
    assert report(tmp_path / "result.json", *outputs(tmp_path), "--bundle", tmp_path / "appeal.tar.gz").code == 0
    said = {name: (tmp_path / f"out.{name}").read_text() for name in FORMATS} | {"terminal": report(tmp_path / "result.json").out}
    for name in "junit", "tap", "markdown", "ctrf", "gradescope", "terminal":
        text = said[name].replace("\\_", "_")
        assert "packets, synthesised: " in text and path in text, name
    case = next(case for case in ElementTree.fromstring(said["junit"]).iter("testcase") if case.find("failure") is not None)
    assert f"[[ATTACHMENT|{path}]]" in case.findtext("system-out").splitlines()
    assert case.find("properties/property[@name='packets']").get("value") == path
    attachments = [test["attachments"] for test in json.loads(said["ctrf"])["results"]["tests"] if test["status"] == "failed"]
    assert attachments[0] == [{"name": path.rpartition("/")[2], "contentType": "application/vnd.tcpdump.pcap", "path": path}]
    link = re.search(r'<a download="([^"]+)" href="data:application/vnd\.tcpdump\.pcap;base64,([^"]+)">', said["html"])
    assert link[1] == path.rpartition("/")[2] and base64.b64decode(link[2], validate=True) == packets
    assert "packets, synthesised: " in said["html"]
    with tarfile.open(tmp_path / "appeal.tar.gz") as archive:
        assert any(name.endswith("/packets.pcap") and archive.extractfile(name).read() == packets for name in archive.getnames())


@pytest.mark.parametrize("spoil", [
    lambda file: file.write_text("root:x:0:0"),
    lambda file: file.unlink(),
    lambda file: (file.unlink(), os.mkfifo(file)),
    lambda file: (file.unlink(), file.mkdir()),
])
def test_what_is_no_capture_gets_into_no_report(report, with_packets, tmp_path, spoil):
    failed = next(scenario for scenario in with_packets["scenarios"] if scenario["verdict"] == "fail")
    spoil(pathlib.Path(failed["pcap"]))
    assert report(tmp_path / "result.json", "--html", tmp_path / "out.html", "--bundle", tmp_path / "appeal.tar.gz", "--only", failed["id"]).code == 0
    assert failed["pcap"] in (tmp_path / "out.html").read_text()
    assert base64.b64encode(b"root:x:0:0").decode() not in (tmp_path / "out.html").read_text()
    with tarfile.open(tmp_path / "appeal.tar.gz") as archive:
        assert any(name.endswith("/packets.txt") for name in archive.getnames())


def test_a_kind_of_packets_is_one_of_two(report, with_packets, tmp_path):
    with_packets["target"]["capture"] = "\x1b[2J"
    (tmp_path / "result.json").write_text(json.dumps(with_packets))
    run = report(tmp_path / "result.json")
    assert run.code == 2 and "target.capture" in run.err and "\x1b" not in run.err


def test_schemas(report, result, tmp_path):
    bad = fail_one(result)
    bad["scenarios"][0]["pcap"] = "a.pcap"
    (tmp_path / "bad.json").write_text(json.dumps(bad))
    assert report(tmp_path / "bad.json", *outputs(tmp_path)).code == 0
    for name in "ctrf", "gradescope":
        schema = json.loads((ROOT / f"reports/{name}-1.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        jsonschema.validate(json.loads((tmp_path / f"out.{name}").read_text()), schema)


def test_whatever_names_a_schema_has_one():
    named = set()
    for pattern in "harness/*.c", "reports/*.[ch]", "pcap/*.c", "fuzz/*.c", "fuzz/run", "fuzz/power*", "tests/selftest/*", "bench/run":
        for file in ROOT.glob(pattern):
            named |= set(re.findall(r'"(c2w-[a-z-]+/\d)"', file.read_text(errors="replace"))) if file.is_file() else set()
    assert {"c2w-result/1", "c2w-events/1", "c2w-message/1", "c2w-fuzz/1", "c2w-fuzzing/1", "c2w-selftest/1", "c2w-mutants/1", "c2w-bench/1"} <= named
    assert named == {f"{file.name.split('-1.')[0]}/1" for file in (ROOT / "reports").glob("c2w-*.schema.json")}
    for name in named:
        validator(name)


@pytest.mark.parametrize("arguments, says", [
    ((), "nothing to render"),
    (("a", "b", "--junit", "c"), "one result"),
    (("a", "--only", "x"), "--bundle"),
    (("a", "-q", "-v"), "one or the other"),
])
def test_usage(report, arguments, says):
    run = report(*arguments)
    assert run.code == 2 and says in run.err
