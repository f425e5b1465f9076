"""docs/PROTOCOL.md and the tables of protocol/*.def say the same, word for word."""

import pathlib
import re

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCUMENT = (ROOT / "docs/PROTOCOL.md").read_text()

ORIGINS = {"S": "SLIDES", "I": "IMPLIED", "P": "PROFILE"}
RULE_ID = r"\b(?:%s)-\d\d\b"


def entries(table):
    """The arguments of each X-macro call in protocol/<table>.def, adjacent strings joined."""
    text = (ROOT / "protocol" / table).read_text()
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    for call in re.split(r"^C2W_\w+\(", text, flags=re.M)[1:]:
        arguments, strings = [[]], r'"((?:[^"\\]|\\.)*)"|([^\s",()]+)|([,)])'
        for string, word, mark in re.findall(strings, call):
            if mark == ",":
                arguments.append([])
            elif not mark:
                arguments[-1].append(word or re.sub(r"\\(.)", r"\1", string))
        yield ["".join(parts) for parts in arguments]


def plain(cell):
    """A cell without its Markdown."""
    return cell.replace("\\|", "|").replace("`", "").replace("**", "").strip()


def rows(heading):
    """The cells of every row of the tables that begin with this heading line."""
    found = []
    for table in DOCUMENT.split("\n" + heading + "\n")[1:]:
        for line in table.splitlines()[1:]:
            if not line.startswith("|"):
                break
            found.append([plain(cell) for cell in re.split(r"(?<!\\)\|", line)[1:-1]])
    return found


RULES = list(entries("rules.def"))
COMMANDS = list(entries("commands.def"))
PARAMS = list(entries("params.def"))


def test_the_tables_were_found():
    assert len(RULES) == len(re.findall(r"^\| [A-Z]{3}-\d\d \|", DOCUMENT, re.M)) > 60
    assert len(COMMANDS) == 21
    assert len(PARAMS) > 20


def test_rules():
    defined = [
        [f"{area}-{number}", level, origin, sentence] for area, number, level, origin, _, _, sentence, _ in RULES
    ]
    documented = [
        [rule, level, ORIGINS[origin], sentence] for rule, level, origin, sentence in rows("| id | level | origin | rule |")
    ]
    assert defined == documented


def test_who_is_bound():
    for area, number, _, _, binds, _, sentence, _ in RULES:
        assert binds == ("CLIENT" if sentence.startswith("(client)") else "SERVER"), f"{area}-{number}"


def test_rule_ids_are_unique():
    ids = [f"{area}-{number}" for area, number, *_ in RULES]
    assert len(ids) == len(set(ids))


def test_every_rule_mentioned_exists():
    ids = {f"{area}-{number}" for area, number, *_ in RULES}
    pattern = RULE_ID % "|".join({rule[:3] for rule in ids})
    for file in ["docs/PROTOCOL.md", *("protocol/" + path.name for path in (ROOT / "protocol").iterdir())]:
        mentioned = set(re.findall(pattern, (ROOT / file).read_text()))
        assert mentioned <= ids, f"{file}: {mentioned - ids}"


def wire_name(name, digits):
    return name + ("_" + "X" * int(digits) if digits != "0" else "")


def answered(family, beat):
    """What the third column says: the request a response answers, the responses an ack is for."""
    beats = {each_beat: wire_name(name, digits) for name, _, each, each_beat, digits, _ in COMMANDS if each == family}
    if beat == "REQUEST":
        return ""
    if beat != "ACK":
        return beats["REQUEST"]
    return "GRANTED or ERROR" if "ERROR_RESPONSE" in beats else beats["RESPONSE"]


def test_commands():
    documented = rows("| command | from | answers / acknowledges | data |")
    assert len(documented) == len(COMMANDS)
    for (name, sender, family, beat, digits, data), row in zip(COMMANDS, documented):
        assert row[0] == wire_name(name, digits)
        assert row[1] == sender.lower(), name
        assert row[2].removesuffix(" (author)") == answered(family, beat), name
        assert (row[3] != "–") == (data == "1"), name


def test_params():
    defined = [[name, default, meaning] for _, name, _, default, meaning in PARAMS]
    assert defined == rows("| name | default | meaning |")
    assert all(name == identifier.replace("_", "-") for identifier, name, *_ in PARAMS)


def test_numbers_in_the_text_are_the_defaults():
    units = {"": "", " ms": "ms", " MiB": None}
    defaults = {name: default for _, name, _, default, _ in PARAMS}
    found = re.findall(r"`([a-z][a-z-]+)` = (\d+)( ms| MiB)?", DOCUMENT)
    assert len(found) >= 15
    for name, number, unit in found:
        expected = str(int(number) << 20) if unit == " MiB" else number + units[unit]
        assert defaults[name] == expected, name


def test_codes_of_the_state_table_are_the_defaults():
    codes = {default: name for _, name, kind, default, _ in PARAMS if kind == "CODE"}
    section = DOCUMENT.split("## 4. States")[1].split("\n## ")[0]
    table = [line for line in section.splitlines() if line.startswith("|") and "_REQUEST |" in line]
    assert len(table) == 6
    listed = {code for line in table for group in re.findall(r"ERROR ((?:\d+(?:, )?)+)", line) for code in group.split(", ")}
    assert {code for code in listed if code} == set(codes)
