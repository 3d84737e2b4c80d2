"""What the dashboard loads until its first rows and figures are seen, and that it opens at once where it need not ask
Typer."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

import pytest
from textual.screen import Screen

from core import Settings, open_catalogue
from tests.core.movies import movie
from tests.tui.terminal import Terminal
from tui.__main__ import plain_flags
from tui.screens import dialogs

IMPORTED = re.compile(rb"import time:\s+\d+ \|\s+\d+ \|\s+([\w.]+)")
DRIVER = {"postgresql": "psycopg", "mongodb": "pymongo"}
LATER = {
    *("core.inspection", "core.lab.edits", "core.lab.visitors", "core.loading", "core.locating", "core.place_loading"),
    *("core.ranking", "core.strategies.places", "tui.editing", "tui.exporting", "tui.locate", "tui.palette"),
}
"""What a key asks for, or a person who waits for it anyway."""


@pytest.mark.parametrize("store", DRIVER)
async def test_only_the_chosen_stores_driver_is_loaded_until_the_first_rows(
    store: str, redis_url: str, postgres_url: str, mongo_url: str, tmp_path: Path
) -> None:
    settings = Settings(
        store=store, redis_url=redis_url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=tmp_path
    )
    async with open_catalogue(settings) as catalogue:
        await catalogue.add(movie(99, title="Zabriskie"))
    command = [sys.executable, "-X", "importtime", "-P", "-m", "tui", "--state-dir", str(tmp_path), "--store", store]
    urls = {"REDIS_URL": redis_url, "DATABASE_URL": postgres_url, "MONGO_URL": mongo_url}
    with Terminal(command, {**os.environ, **urls}, (120, 40)) as terminal:
        terminal.until_written(b"p95 ")  # the first figures: they may come before the rows, and be read with them
        written = terminal.until_written(b"Zabriskie")
        terminal.send("q")
        assert terminal.until_ended() == 0
    modules = {name.decode() for name in IMPORTED.findall(written)}
    loaded = {name.partition(".")[0] for name in modules}
    assert {"textual", "hiredis", DRIVER[store]} <= loaded
    others = {driver for name, driver in DRIVER.items() if name != store}
    assert not loaded & {*others, "redis", "pandas", "numpy", "data", "typer", "pydantic", "psutil", "tomllib"}
    assert "tui.screens.dialogs" in modules
    assert sorted(modules & LATER) == []
    if store == "postgresql":
        assert "importlib.metadata" not in modules
    assert not modules & {f"tui.screens.{module}" for module in dialogs.MODULES.values()}


def test_each_dialog_is_where_it_is_looked_for() -> None:
    for name in dialogs.__all__:
        assert issubclass(getattr(dialogs, name), Screen)
    with pytest.raises(AttributeError):
        dialogs.NoSuchScreen  # noqa: B018


@pytest.mark.parametrize(
    ("words", "flags"),
    [
        ([], {}),
        (["--store", "mongodb", "--state-dir", "/s"], {"store": "mongodb", "state_dir": "/s"}),
        (["--redis-url", "redis://h", "--config", "c.toml"], {"redis_url": "redis://h", "config": "c.toml"}),
        (["--store"], None),
        (["--store", "--strategy"], None),
        (["--store", "mongodb", "--store", "postgresql"], None),
        (["--store=mongodb"], None),
        (["--help"], None),
        (["load", "file.csv"], None),
        (["--store", "mongodb", "load"], None),
        (["--store", "mongodb", "load", "file.csv"], None),
    ],
)
def test_words_that_are_not_plain_are_left_to_typer(words: list[str], flags: dict[str, str] | None) -> None:
    assert plain_flags(words) == flags
