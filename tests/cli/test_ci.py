"""scripts/ci as GitHub and GitLab call it, and the files that do."""

import os
import re
import subprocess

import pytest

from conftest import BUILD, ROOT


def ci(*arguments, **environment):
    return subprocess.run([ROOT / "scripts/ci", *arguments], capture_output=True, text=True, timeout=120, cwd=ROOT,
                          env={**os.environ, "C2W_BUILD": str(BUILD), **environment})


def test_files_are_left(tmp_path):
    run = ci(tmp_path / "out", "--simulate", "--only", "CON-01")
    assert run.returncode == 0, run
    assert {each.name for each in (tmp_path / "out").iterdir()} == {"result.json", "report.html", "junit.xml", "summary.md", "annotations.txt", "packets"}
    assert "::" not in run.stdout


def test_on_github(tmp_path):
    (tmp_path / "summary").write_text("before\n")
    run = ci(tmp_path / "out", "--target", "127.0.0.1:9", "--only", "CON-01", GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(tmp_path / "summary"))
    assert run.returncode == 3, run
    assert "\n::error title=c2w-conform::" in run.stdout
    assert (tmp_path / "summary").read_text().startswith("before\n## ")


def test_a_mistake_is_told(tmp_path):
    run = ci(tmp_path / "out", "--only", "NO-99", "--simulate", GITHUB_ACTIONS="true")
    assert run.returncode == 2 and "::" not in run.stdout
    assert list((tmp_path / "out").iterdir()) == []


@pytest.mark.parametrize("file", ["action.yml", "reports/gitlab-ci.yml"])
def test_no_input_is_read_as_shell(file):
    """Inputs reach the shell as environment, quoted; and what is called is there."""
    text = (ROOT / file).read_text()
    commands = text.partition("\n  script:" if "gitlab" in file else "run: |")[2]
    assert "${{ inputs" not in commands.partition("- name:")[0]
    assert "scripts/ci" in commands and (ROOT / "scripts/ci").stat().st_mode & 0o111
    used = set(re.findall(r"--([a-z-]+) \"\$", commands))
    known = subprocess.run([BUILD / "c2w-conform", "--help"], capture_output=True, text=True, check=True).stdout
    assert used >= {"launch", "target", "profile", "expect"} and all(f"--{each}=" in known for each in used)
