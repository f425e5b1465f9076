"""Dependencies point downward only: ARCHITECTURE.md's layer map, read from the #include lines."""

import re

import pytest

from conftest import ROOT

LAYERS = {
    "protocol": set(),
    "net": set(),
    "judge": {"protocol"},
    "reports": {"protocol"},
    "server": {"protocol", "net"},
    "harness": {"protocol", "net", "judge", "reports"},
    "pcap": {"protocol", "net", "judge"},
    "fuzz": {"protocol", "net", "judge", "reports", "harness", "server", "pcap"},  # where siblings meet
}
# Written from the document alone, to disagree with the rest: what they may use of it.
APART = {"fuzz/model": {"protocol/params.h"}, "fuzz/recogniser": {"protocol/str.h"}}
INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)', re.MULTILINE)
PURE = {"protocol", "judge"}  # no sockets, no clock, no heap, no stdio
IMPURE = re.compile(r"^(stdio|time|unistd|pthread|signal|poll)\.h$|^(sys|netinet|net|event2)/")
LOOP = {"net", "harness", "server"}  # who may know libevent: the links, and what waits for signals and children on their loop


def sources(layer):
    files = sorted(path for pattern in ("*.c", "*.h", "*.def") for path in (ROOT / layer).glob(pattern))
    return [path for path in files if not path.name.startswith("main")]


def wrong_includes(layer, name, text):
    for ours, system in INCLUDE.findall(text):
        if ours:
            folder = ours.partition("/")[0]
            if "/" not in ours:
                yield f'{name}: "{ours}" is not written from the root of the tree'
            elif folder != layer and folder not in LAYERS[layer]:
                yield f'{name}: "{ours}": {layer} may not use {folder}'
            elif ours.rpartition("/")[2].startswith("main"):
                yield f'{name}: "{ours}" belongs to a program'
        elif layer in PURE and IMPURE.search(system):
            yield f"{name}: <{system}>: {layer} is pure"
        elif system.startswith("event2/") and layer not in LOOP:
            yield f"{name}: <{system}>: no use for libevent"


@pytest.mark.parametrize("layer", LAYERS)
def test_a_layer_includes_only_what_lies_below(layer):
    assert sources(layer), f"{layer}/ has no sources"
    assert [line for path in sources(layer) for line in wrong_includes(layer, path.relative_to(ROOT), path.read_text())] == []


@pytest.mark.parametrize("name", APART)
def test_the_second_reading_shares_nothing_with_the_first(name):
    files = sorted(ROOT.glob(f"{name}*.[ch]"))
    assert files
    for path in files:
        for ours, _ in INCLUDE.findall(path.read_text()):
            assert not ours or ours in APART[name] or ours.startswith(("fuzz/model", "fuzz/recogniser")), f"{path.name}: {ours}"


@pytest.mark.parametrize("layer, line", [
    ("protocol", '#include "net/link.h"'),
    ("net", '#include "protocol/str.h"'),
    ("judge", '#  include "harness/script.h"'),
    ("server", '#include "reports/result.h"'),
    ("harness", '#include "server/serve.h"'),
    ("harness", '#include "script.h"'),
    ("pcap", '#include "reports/result.h"'),
    ("judge", "#include <stdio.h>"),
    ("reports", "#include <event2/event.h>"),
    ("fuzz", '#include "tests/unit/guard.h"'),
])
def test_it_would_be_seen(layer, line):
    assert list(wrong_includes(layer, "x.c", f"/* a file */\n{line}\n"))


SECOND_READING = ("recogniser.*", "model*.*")  # of the document: what it shares with the first would be wrong in both
SHARED = {"protocol/str.h", "protocol/params.h"}


def test_the_second_reading_stands_alone():
    files = [path for pattern in SECOND_READING for path in (ROOT / "fuzz").glob(pattern)]
    assert len(files) >= 7
    wrong = []
    for path in files:
        ours = {name for name, _ in INCLUDE.findall(path.read_text()) if name}
        wrong += [f"{path.name}: {name}" for name in ours - SHARED if not re.match("fuzz/(recogniser|model)", name)]
    assert wrong == []
