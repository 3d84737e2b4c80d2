"""A state folder serves on any path, or says in one sentence why it cannot."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import psycopg
import pytest

from core.errors import ServerFailed, SettingsError
from core.servers import state as state_module
from core.servers.embedded import EmbeddedServers, reset_embedded, stop_embedded
from core.servers.state import StateFolder


async def test_a_path_too_long_for_a_socket_serves_from_a_short_private_folder(state_dir: Path) -> None:
    deep = state_dir / ("d" * 120) / 'à la "carte", with, commas'
    servers = EmbeddedServers(deep)
    try:
        assert await servers.redis()
        async with await psycopg.AsyncConnection.connect(await servers.postgresql()) as connection:
            assert await (await connection.execute("select 1")).fetchone() == (1,)
        short = StateFolder(deep).sockets
        assert len(os.fsencode(short)) < 80
        assert stat.S_IMODE(short.stat().st_mode) == 0o700
    finally:
        await servers.close()
    assert not short.exists()


def test_a_short_folder_that_somebody_planted_is_not_entered(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    deep = state_dir / ("d" * 120)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(state_dir))
    folder = StateFolder(deep)
    folder.prepare()
    planted = folder.sockets
    assert planted.parent == state_dir
    folder.remove_sockets()
    planted.mkdir(mode=0o755)
    folder.prepare()
    assert folder.sockets.parent != state_dir
    folder.remove_sockets()


def test_no_place_for_sockets_at_all(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_module, "_fits", lambda folder: False)
    with pytest.raises(SettingsError, match=r"does not suit a socket.*--state-dir or REELCACHE_STATE_DIR"):
        StateFolder(state_dir / ("d" * 120)).prepare()


def test_a_folder_opened_to_others_is_closed_again(state_dir: Path) -> None:
    folder = StateFolder(state_dir)
    folder.prepare()
    folder.servers.chmod(0o755)
    folder.sockets.chmod(0o777)
    folder.prepare()
    assert {stat.S_IMODE(path.stat().st_mode) for path in (folder.servers, folder.sockets)} == {0o700}


async def test_a_state_folder_that_cannot_be_is_named_with_the_remedy(state_dir: Path) -> None:
    file = state_dir / "file"
    file.touch()
    (state_dir / "taken").mkdir()
    (state_dir / "taken" / "servers").touch()
    refused_at_sight = (file, file / "below", state_dir / "taken")
    for path in (*refused_at_sight, Path("/proc/reelcache"), state_dir / ("x" * 300)):
        servers = EmbeddedServers(path)
        with pytest.raises(SettingsError) as failure:
            await servers.redis()
        assert str(path) in failure.value.message
        assert "--state-dir or REELCACHE_STATE_DIR" in failure.value.remedy
        await servers.close()
        for care in (stop_embedded, reset_embedded):
            if path != Path("/proc/reelcache"):
                with pytest.raises(SettingsError, match="cannot be used"):
                    await care(path)
    for path in refused_at_sight:
        with pytest.raises(SettingsError, match="cannot be used"):
            StateFolder(path).inspect()


def test_a_path_with_a_line_break_is_refused(state_dir: Path) -> None:
    with pytest.raises(SettingsError, match="line break") as refusal:
        StateFolder(state_dir / "a\nb").prepare()
    assert "--state-dir" in refusal.value.remedy
    assert not list(state_dir.iterdir())


def test_servers_of_another_user_are_refused(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = StateFolder(state_dir)
    folder.prepare()
    ours = os.geteuid()
    monkeypatch.setattr("os.geteuid", lambda: ours + 1)
    with pytest.raises(SettingsError, match="belongs to another user"):
        folder.prepare()


async def test_a_full_disk_is_named_before_anything_is_made(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = shutil.disk_usage(state_dir)
    monkeypatch.setattr("shutil.disk_usage", lambda path: used._replace(free=12_000_000))
    servers = EmbeddedServers(state_dir)
    for need in (servers.postgresql, servers.mongodb):
        with pytest.raises(ServerFailed, match=r"has 12 MB left, new data needs \d+ MB\. Free some space"):
            await need()
    assert await servers.redis(), "it keeps nothing on disk"
    await servers.close()
    assert not (state_dir / "servers" / "postgresql").exists()
