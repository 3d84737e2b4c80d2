"""run.sh makes .venv once, says what is missing, and hands every word to the program.

A stand-in for Python records what it is asked: the real one would fetch hundreds of megabytes for every test.
"""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
TOOLS = ("bash", "cat", "cksum", "mkdir", "rm", "sleep", "tail", "grep", "readlink", "touch", "chmod", "cp")
Popen = subprocess.Popen[str]
Finished = subprocess.CompletedProcess[str]
Also = dict[str, str] | None
STAND_IN = r"""#!/usr/bin/env bash
printf '%s\n' "$*" >>"$CALLS"
case "$*" in
  "-c import sys; print"*) echo "3.12" ;;
  "-c import sys"*) exit "${TOO_OLD:-0}" ;;
  "-c import ensurepip"*) exit "${NO_VENV:-0}" ;;
  -V) echo "Python 3.9.2" ;;
  "-m venv "*)
    mkdir -p "$3/bin"
    touch "$3/pyvenv.cfg"
    cp "$STAND_IN" "$3/bin/python"
    cp "$STAND_IN" "$3/bin/lint-imports"
    ;;
  "-m pip "*)
    sleep "${PIP_TAKES:-0}"
    echo "pip: no such package"
    exit "${PIP_FAILS:-0}"
    ;;
  "-P -m tui"*) printf '%s|' "$PWD" "${@:4}" ;;
  "-m ruff check"*) exit "${RUFF_FAILS:-0}" ;;
  "-m mypy"*)
    echo "what mypy found"
    exit "${MYPY_FAILS:-0}"
    ;;
esac
"""


class Place:
    """A copy of run.sh in a folder with spaces, where Python is the stand-in and nothing else is on PATH."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "reel cache"
        self.tools = folder / "tools"
        self.calls = folder / "calls"
        self.root.mkdir()
        self.tools.mkdir()
        for name in ("run.sh", "pyproject.toml", "constraints.txt"):
            shutil.copy(ROOT / name, self.root)
        for tool in TOOLS:
            found = shutil.which(tool)
            assert found is not None
            (self.tools / tool).symlink_to(found)
        (folder / "stand-in").write_text(STAND_IN)
        (folder / "stand-in").chmod(0o755)
        (self.tools / "env").symlink_to(shutil.which("env") or "")
        self.environment = {
            "PATH": str(self.tools),
            "CALLS": str(self.calls),
            "STAND_IN": str(folder / "stand-in"),
        }
        (self.tools / "python3").symlink_to(folder / "stand-in")

    def start(self, *words: str, script: Path | None = None, cwd: Path | None = None, also: Also = None) -> Popen:
        self.calls.write_text("")
        return subprocess.Popen(
            [script or self.root / "run.sh", *words],
            env=self.environment | (also or {}),
            cwd=cwd or self.root,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def run(self, *words: str, script: Path | None = None, cwd: Path | None = None, also: Also = None) -> Finished:
        process = self.start(*words, script=script, cwd=cwd, also=also)
        out, err = process.communicate(timeout=30)
        return subprocess.CompletedProcess(words, process.returncode, out, err)

    def asked(self, what: str) -> int:
        """How many times Python was asked for this."""
        return sum(what in line for line in self.calls.read_text().splitlines())


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def test_the_scripts_are_sound_and_executable() -> None:
    for script in (ROOT / "run.sh", ROOT / ".ci" / "run"):
        subprocess.run(["bash", "-n", script], check=True)
        assert script.stat().st_mode & 0o111 == 0o111


def test_the_first_start_makes_the_environment_and_the_second_asks_for_nothing(place: Place, tmp_path: Path) -> None:
    elsewhere = tmp_path / "else where"
    elsewhere.mkdir()
    (elsewhere / "go").symlink_to(place.root / "run.sh")
    first = place.run("load", "my file.csv", script=elsewhere / "go", cwd=elsewhere)
    assert (first.returncode, first.stdout) == (0, f"{elsewhere}|load|my file.csv|"), first.stderr
    assert [line[0] for line in first.stderr.splitlines()] == ["·"] * 3
    assert "no such package" not in first.stderr
    second = place.run(cwd=elsewhere)
    assert (second.stdout, second.stderr) == (f"{elsewhere}|", "")
    assert place.calls.read_text() == "-P -m tui\n"


@pytest.mark.parametrize("name", ["pyproject.toml", "constraints.txt"])
def test_a_change_refreshes_the_environment(place: Place, name: str) -> None:
    place.run()
    with open(place.root / name, "a") as file:
        file.write("# changed\n")
    assert place.run().returncode == 0
    assert (place.asked("-m venv"), place.asked("-m pip install")) == (0, 1)


@pytest.mark.parametrize(
    "harm",
    [
        lambda venv: (venv / "bin" / "python").unlink(),
        lambda venv: (venv / "pyvenv.cfg").unlink(),
        lambda venv: (venv / "reelcache-stamp").unlink(),
        lambda venv: venv.rename(venv.with_name("gone")),
    ],
)
def test_a_broken_environment_is_made_again(place: Place, harm: Callable[[Path], object]) -> None:
    place.run()
    harm(place.root / ".venv")
    assert place.run("x").stdout.endswith("|x|")
    assert place.asked("-m pip install") == 1


def test_a_failed_step_shows_what_was_said_and_the_next_start_begins_again(place: Place) -> None:
    failed = place.run(also={"PIP_FAILS": "7"})
    assert failed.returncode == 1
    assert failed.stdout == ""
    assert "pip: no such package" in failed.stderr
    assert "reelcache: the step above failed." in failed.stderr
    assert place.run().returncode == 0
    assert place.asked("-m venv") == 1
    assert not (place.root / ".venv.lock").exists()


def test_two_at_a_time_make_it_once(place: Place) -> None:
    first = place.start("one", also={"PIP_TAKES": "0.5"})
    second = subprocess.Popen(
        [place.root / "run.sh", "two"], env=place.environment | {"PIP_TAKES": "0.5"}, stderr=subprocess.DEVNULL
    )
    assert second.wait(30) == 0
    assert first.communicate(timeout=30)[0].endswith("|one|")
    assert place.asked("-m pip install") == 1


def test_the_lock_of_a_killed_start_holds_nobody_up(place: Place) -> None:
    dead = subprocess.Popen(["true"])
    dead.wait()
    (place.root / ".venv.lock").mkdir()
    (place.root / ".venv.lock" / "pid").write_text(f"{dead.pid}\n")
    assert place.run().returncode == 0


def test_python_missing_or_old_or_without_venv(place: Place) -> None:
    for environment, sentence, package in (
        ({"TOO_OLD": "1"}, "Python 3.11 or newer is needed, but only Python 3.9.2 was found.", "python3 python3-venv"),
        ({"NO_VENV": "1"}, f"{place.tools}/python3 lacks its venv module", "python3.12-venv"),
    ):
        lacking = place.run(also=environment)
        assert lacking.returncode == 1
        assert sentence in lacking.stderr
        assert all(way in lacking.stderr for way in (f"apt install {package}\n", "dnf install", "brew install"))
    (place.tools / "python3").unlink()
    assert "Python 3.11 or newer is needed.\n" in place.run().stderr
    assert not (place.root / ".venv").exists()


def test_the_tests_bring_their_extra_and_stop_at_the_first_failure(place: Place) -> None:
    place.run()
    passed = place.run("test", "-k", "one or two")
    assert passed.returncode == 0, passed.stderr
    assert place.asked("[test]") == 1
    steps = [line.removeprefix("== ") for line in passed.stderr.splitlines() if line.startswith("== ")]
    assert steps == [
        "python -m ruff format --check .",
        "python -m ruff check .",
        "lint-imports",
        "python -m mypy, beside the suite",
        "python -m pytest -n 4 --dist worksteal -k one or two",
    ]
    whole = place.run("test")
    assert [line for line in whole.stderr.splitlines() if line.startswith("== ")][
        -1
    ] == "== python -m tests.bench --short"
    failed = place.run("test", also={"RUFF_FAILS": "2"})
    assert failed.returncode == 2
    assert place.asked("pytest") == 0
    failed = place.run("test", also={"MYPY_FAILS": "3"})
    assert failed.returncode == 3
    assert "what mypy found" in failed.stderr
    assert (place.asked("pytest"), place.asked("tests.bench")) == (1, 0)
    place.run()
    assert place.asked("pip") == 0, "the program runs beside the tests' extra"
