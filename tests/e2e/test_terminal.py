"""On a terminal: a progress line and colours, unless NO_COLOR; in a pipe plain lines."""

import os
import pty
import subprocess

import pytest

from conftest import BUILD, ROOT


def on_a_terminal(*arguments, **environment):
    """What c2w-conform writes when standard output is a terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen([BUILD / "c2w-conform", *arguments], stdin=subprocess.DEVNULL, stdout=slave, stderr=slave, cwd=ROOT,
                               env={**os.environ, "TERM": "xterm", "COLUMNS": "100", **environment})
    os.close(slave)
    octets = b""
    while True:
        try:
            part = os.read(master, 65536)
        except OSError:  # the last writer is gone
            break
        octets += part
        if not part:
            break
    os.close(master)
    return process.wait(), octets.decode()


@pytest.fixture
def plain(monkeypatch):
    for name in "NO_COLOR", "TERM", "COLUMNS":
        monkeypatch.delenv(name, raising=False)


def test_colours_on_a_terminal(plain):
    code, text = on_a_terminal("--simulate")
    assert code == 0 and "\x1b[" in text


def test_no_color_is_respected(plain):
    code, text = on_a_terminal("--simulate", NO_COLOR="1")
    assert code == 0
    assert "\x1b[3" not in text and "\x1b[1m" not in text


def test_a_dumb_terminal_gets_plain_lines(plain):
    code, text = on_a_terminal("--simulate", TERM="dumb")
    assert code == 0 and "\x1b" not in text


def test_a_pipe_gets_plain_lines(conform):
    run = conform("--simulate")
    assert "\x1b" not in run.out + run.err and "\r" not in run.out + run.err


def test_a_closed_pipe_is_no_crash():
    command = f"{BUILD}/c2w-conform --simulate --verbose | head -n 1; exit ${{PIPESTATUS[0]}}"
    code = subprocess.run(["bash", "-c", command], stdout=subprocess.DEVNULL, timeout=60, cwd=ROOT).returncode
    assert code in (0, 2, 128 + 13)
