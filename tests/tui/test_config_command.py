"""`reelcache config`: each value with its source, in every state of the files, and never a password."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path

import pytest

from core.settings import Settings
from core.sources import read_settings
from tests.tui.shell import Run, run
from tui.commands.config import ABOUT, example_file
from tui.remembered import Memory

__all__ = ["run"]


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """Names no server, for none is asked; the folders are the test's own."""
    return {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), "COLUMNS": "120"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The config folder."""
    (tmp_path / "reelcache").mkdir()
    return tmp_path / "reelcache"


def test_each_value_is_shown_with_its_source(run: Run, folder: Path, tmp_path: Path) -> None:
    memory = Memory(folder / "remembered.json")
    memory.change(store="mongodb", strategy="no-cache", theme="nord", columns=("title", "year"), toured=True)
    (folder / "config.toml").write_text('strategy = "write-through"\nhard_ttl = 900\n')
    (tmp_path / ".env").write_text("REDIS_URL=redis://:s3cret@cache/0\n")
    words = ("--mongo-url", "mongodb://me:s3cret@db/\x1b[2Jx", "config")
    done = run(*words, REELCACHE_SOFT_TTL="30")
    shown = {line.split()[0]: line for line in done.stdout.splitlines() if line}
    assert done.returncode == 0
    for name, value, source in (
        ("store", "mongodb", "what was remembered from the screen; the commands use postgresql"),
        ("strategy", "write-through", "the config file"),
        ("postgres_url", "none: the embedded server", "the default"),
        ("mongo_url", "mongodb://me:***@db/", "--mongo-url on the command line"),
        ("redis_url", "redis://:***@cache/0", "REDIS_URL in .env"),
        ("soft_ttl", "30", "REELCACHE_SOFT_TTL in the environment"),
        ("theme", "nord", "what was remembered"),
        ("columns", "title, year", "what was remembered"),
        ("Config", str(folder / "config.toml"), ""),
        (".env", str(tmp_path / ".env"), ""),
        ("Remembered", str(folder / "remembered.json"), ""),
    ):
        assert value in shown[name]
        assert shown[name].endswith(source)
    assert "does not exist" not in done.stdout
    assert "s3cret" not in done.stdout
    assert "\x1b" not in done.stdout
    found = json.loads(run(*words, "--json", REELCACHE_SOFT_TTL="30").stdout)
    assert found["settings"]["hard_ttl"] == {"value": 900.0, "source": "the config file"}
    assert found["settings"]["near_cache"] == {"value": False, "source": "the default"}
    assert found["settings"]["postgres_url"]["value"] is None
    assert found["screen"].keys() == {"theme", "columns"}
    assert found["files"]["dotenv"] == {"path": str(tmp_path / ".env"), "exists": True}
    assert found["problem"] is None
    assert "s3cret" not in str(found)


@pytest.mark.parametrize(
    ("words", "variables", "text", "shown", "told"),
    [
        ((), {"REELCACHE_STORE": "oracle"}, "", "oracle", "store from REELCACHE_STORE in the environment: There is"),
        ((), {"REELCACHE_SOFT_TTL": "soon"}, "", "soon", "soft_ttl from REELCACHE_SOFT_TTL in the environment: 'soon'"),
        ((), {"DATABASE_URL": "me:s3cret@db"}, "", "me:***@db", "postgres_url from DATABASE_URL in the environment"),
        ((), {}, "store = mongodb", "config.toml", "cannot be read"),
        ((), {}, 'colour = "red"', "config.toml", "sets 'colour', which is no setting"),
        (("--config", "none.toml"), {}, "", "none.toml (does not exist)", "none.toml does not exist"),
    ],
)
def test_a_wrong_value_is_named_beside_the_others(
    run: Run, folder: Path, words: tuple[str, ...], variables: dict[str, str], text: str, shown: str, told: str
) -> None:
    (folder / "config.toml").write_text(text)
    done = run(*words, "config", **variables)
    assert done.returncode == 2
    assert shown in done.stdout
    assert told in done.stderr
    assert "s3cret" not in done.stdout + done.stderr
    done = run(*words, "config", "--json", **variables)
    assert done.returncode == 2
    assert told in json.loads(done.stdout)["problem"]


def test_a_memory_that_cannot_be_read_is_named(run: Run, folder: Path) -> None:
    (folder / "remembered.json").write_text("{")
    done = run("config")
    assert done.returncode == 0
    assert "remembered.json cannot be read" in done.stderr
    assert "store            postgresql" in done.stdout


def test_the_example_changes_nothing_as_it_is_and_with_every_setting_in_force(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text(example_file(), "utf-8")
    none = tmp_path / "none"
    assert read_settings(environment={}, config_file=file, dotenv_file=none) == Settings()
    file.write_text("\n".join(line[line.startswith("#") and line[1:2] != " " :] for line in example_file().split("\n")))
    values = tomllib.loads(file.read_text("utf-8"))
    assert values.keys() == ABOUT.keys()
    full = read_settings(environment={}, config_file=file, dotenv_file=none)
    for name in ABOUT.keys() - {"postgres_url", "mongo_url", "redis_url"}:
        assert getattr(full, name) == getattr(Settings(), name)
    assert full.redis_url


def test_the_command_prints_the_example_whatever_is_wrong(run: Run) -> None:
    done = run("config", "--example", REELCACHE_STORE="oracle")
    assert (done.returncode, done.stderr) == (0, "")
    assert tomllib.loads(done.stdout) == {}
    assert '#store = "postgresql"' in done.stdout
