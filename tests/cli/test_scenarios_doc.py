"""docs/SCENARIOS.md is right: every example in it is a scenario, and it names every word of the language."""

import pathlib
import re
import shutil
import subprocess

import pytest

from conftest import BUILD, ROOT

DOCUMENT = (ROOT / "docs/SCENARIOS.md").read_text()
EXAMPLES = re.findall(r"^```c2w\n(.*?)^```$", DOCUMENT, re.S | re.M)
WORDS = re.findall(r'^HX_KEYWORD\(\w+, "([^"]+)"\)', (ROOT / "harness/keywords.def").read_text(), re.M)


def check(path):
    return subprocess.run([BUILD / "c2w-conform", "--check", path], capture_output=True, text=True, timeout=60)


@pytest.fixture
def folder(tmp_path):
    shutil.copy(ROOT / "scenarios/lib.c2w", tmp_path)
    return tmp_path


def test_there_are_examples_and_words():
    assert len(EXAMPLES) > 5
    assert len(WORDS) > 50


@pytest.mark.parametrize("number", range(len(EXAMPLES)))
def test_an_example_is_right(folder, number):
    path = folder / "example.c2w"
    path.write_text(EXAMPLES[number])
    done = check(path)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_error_shown_is_the_error_said(folder):
    shown = re.search(r"^    scenarios/chat/x\.c2w:(7:9: .*\n)    (.*\n)    (.*\n)", DOCUMENT, re.M)
    path = folder / "x.c2w"
    path.write_text('scenario "t"\nproves MSG-01\ncast alice\n\nalice connects\n\n' + shown[2])
    done = check(path)
    assert done.returncode == 2
    assert f"{path}:{shown[1]}{shown[2]}{shown[3]}" in done.stderr + done.stdout


def test_the_list_of_words_is_that_of_the_lexer():
    listed = re.search(r"^## 12\. Words\n\n.*?\n\n(.*?)\n\n", DOCUMENT, re.S | re.M)[1]
    assert re.findall(r"`([^`]+)`", listed) == WORDS


@pytest.mark.parametrize("word", WORDS)
def test_a_word_stands_in_the_grammar_or_with_its_verb(word):
    grammar = re.search(r"^```ebnf\n(.*?)^```$", DOCUMENT, re.S | re.M)[1]
    plural = word in {"hold", "resume", "open", "close", "half-close", "reset", "stop", "read"}
    assert f'"{word}s"' in grammar if plural else f'"{word}"' in grammar


@pytest.mark.parametrize("pattern", re.findall(r"^exchange (.*?) {$", (ROOT / "scenarios/lib.c2w").read_text(), re.M))
def test_the_shared_exchanges_are_listed(pattern):
    assert f"`{pattern}`" in DOCUMENT
