"""What the screen remembers from one run to the next, and what counts for more."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import UnknownStore
from core.settings import Settings
from core.sources import read_settings
from tests.tui.desk import desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.remembered import Memory


def test_every_other_source_counts_for_more_than_what_is_remembered(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.change(store="mongodb", strategy="no-cache")
    config, dotenv = tmp_path / "config.toml", tmp_path / ".env"

    def read(environment: dict[str, str], **flags: object) -> Settings:
        return read_settings(
            flags, environment=environment, config_file=config, dotenv_file=dotenv, fallbacks=memory.settings
        )

    config.write_text("soft_ttl = 5\n")
    assert (read({}).store, read({}).strategy) == ("mongodb", "no-cache")
    config.write_text('strategy = "write-through"\n')
    assert (read({}).store, read({}).strategy) == ("mongodb", "write-through")
    dotenv.write_text("REELCACHE_STRATEGY=cache-aside\n")
    assert read({}).strategy == "cache-aside"
    assert read({"REELCACHE_STORE": "postgresql"}).store == "postgresql"
    assert read({"REELCACHE_STORE": "postgresql"}, store="mongodb").store == "mongodb"


def test_what_means_nothing_any_more_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    file.write_text('{"store": "sqlite", "strategy": "write-through"}')
    assert Memory(file).settings == {"strategy": "write-through"}


async def test_theme_strategy_and_store_are_remembered_when_they_are_chosen(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "remembered.json")
    async with desk(tmp_path, memory=memory) as at:
        assert Memory(tmp_path / "remembered.json").settings == {}, "a start chooses nothing"
        assert memory.now.theme is None
        await at.press("c", "2")
        await at.until(lambda: at.catalogue.strategy == "write-through")
        assert memory.settings == {"strategy": "write-through"}
        await at.press("t", "2")
        await at.until(lambda: at.catalogue.store == "mongodb")
        at.app.theme = "nord"
    again = Memory(tmp_path / "remembered.json")
    assert again.settings == {"store": "mongodb", "strategy": "write-through"}
    async with desk(tmp_path, memory=again) as at:
        assert at.app.theme == "nord"


async def test_a_switch_that_is_refused_is_not_remembered(tmp_path: Path) -> None:
    memory, catalogue = Memory(None), MemoryCatalogue(movies(50))
    catalogue.refusing = UnknownStore("mongodb", ("postgresql",))
    async with desk(tmp_path, memory=memory, catalogue=catalogue) as at:
        await at.press("t", "2")
        await at.until(lambda: "Could not switch" in at.toasts())
        assert memory.settings == {}


async def test_a_theme_that_is_not_there_leaves_the_default(tmp_path: Path) -> None:
    memory = Memory(None)
    memory.change(theme="[of yesterday]")
    async with desk(tmp_path, memory=memory) as at:
        assert at.app.theme == "textual-dark"


async def test_the_environment_counts_for_more_than_the_theme_that_is_remembered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEXTUAL_THEME", "textual-dark")
    memory = Memory(None)
    memory.change(theme="nord")
    async with desk(tmp_path, memory=memory) as at:
        assert at.app.theme == "textual-dark"


async def test_a_memory_that_cannot_be_read_is_told_once(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    file.write_text("{")
    async with desk(tmp_path, memory=Memory(file)) as at:
        await at.until(lambda: str(file) in at.toasts())
        await at.pilot.pause(1.2)
        assert at.toasts().count(str(file)) == 1
