"""The doctor names what it finds, starts nothing and gives no secret away."""

from __future__ import annotations

import asyncio
import dataclasses
import os
import shutil
from pathlib import Path

import psycopg
import pytest
from psycopg import sql

from core.cache import greeting
from core.errors import StoreUnavailable
from core.servers import doctor
from core.servers.binaries import find_binary
from core.servers.doctor import examine
from core.servers.embedded import EmbeddedServers, stop_embedded
from core.settings import Settings
from core.stores import mongo_errors, postgres_faults

SECRET = "s3cret-p4ss"


async def test_embedded_servers_before_and_while_they_run(servers: EmbeddedServers, state_dir: Path) -> None:
    settings = Settings(state_dir=state_dir)
    for health in await examine(settings):
        assert health.found in ("wheel", "path")
        assert health.version
        assert (health.running, health.reachable, health.problem) == (False, False, "")
    assert await stop_embedded(state_dir) == ()
    assert not os.listdir(state_dir)
    await servers.redis()
    redis, postgresql, mongodb = await examine(settings)
    assert (redis.running, redis.reachable, redis.problem) == (True, True, "")
    assert redis.seconds > 0
    assert (postgresql.running, mongodb.running) == (False, False)


async def test_servers_by_url(redis_url: str, postgres_url: str, mongo_url: str, state_dir: Path) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, mongo_url=mongo_url, state_dir=state_dir)
    for health in await examine(settings):
        assert (health.found, health.running, health.reachable, health.problem) == ("url", None, True, ""), health
        assert health.version[0].isdigit()


async def test_refused_logins_are_told_without_the_secret(redis_url: str, mongo_url: str, state_dir: Path) -> None:
    settings = Settings(
        redis_url=redis_url.replace("unix://", f"unix://somebody:{SECRET}@"),
        mongo_url=mongo_url.replace("mongodb://", f"mongodb://somebody:{SECRET}@"),
        state_dir=state_dir,
    )
    redis, _, mongodb = await examine(settings)
    assert redis.problem.endswith("refused the login")
    assert mongodb.problem == "it refuses the user or the password"
    for health, name in ((redis, "REDIS_URL"), (mongodb, "MONGO_URL")):
        assert name in health.remedy
        assert not health.reachable
        assert SECRET not in repr(health)


@pytest.mark.parametrize("login", [f"u:{SECRET}@", f"u:%5B{SECRET}@", f"u:{SECRET}%2Fx@", ""])
@pytest.mark.parametrize(
    ("host", "reasons"),
    [
        ("127.0.0.1:1", ("nobody listens at redis://", "nothing listens there")),
        ("no-such-host.invalid", ("cannot be reached", "host name is unknown")),
    ],
)
async def test_unreachable_urls(
    login: str, host: str, reasons: tuple[str, str], state_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SECONDS", 1.0)
    settings = Settings(
        redis_url=f"redis://{login}{host}/0",
        postgres_url=f"postgresql://{login}{host}/x",
        mongo_url=f"mongodb://{login}{host}/x",
        state_dir=state_dir,
    )
    for health, reason in zip(await examine(settings), (*reasons, reasons[1]), strict=True):
        assert reason in health.problem, health
        assert health.remedy
        assert SECRET not in repr(health)


@pytest.mark.parametrize("url", ["postgresql://u:{}@h:port:port/x", "postgresql://u@h/x?nonsense={}&password={}"])
async def test_an_address_that_no_driver_takes_gives_nothing_away(url: str) -> None:
    with pytest.raises(StoreUnavailable) as failure:
        await doctor._ask("postgresql", url.format(SECRET, SECRET))
    assert SECRET not in str(failure.value)
    assert "DATABASE_URL" in failure.value.remedy


async def test_a_server_too_old(redis_url: str, state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(doctor.OLDEST, "redis", (99, 5))
    redis, *_ = await examine(Settings(redis_url=redis_url, state_dir=state_dir))
    assert redis.reachable
    assert redis.problem.endswith("is too old, it must be 99.5 or newer")
    assert "REDIS_URL" in redis.remedy


def test_too_old_means_the_same_to_the_doctor_and_to_the_stores() -> None:
    assert doctor.OLDEST["mongodb"] == mongo_errors.LEAST_VERSION
    assert doctor.OLDEST["postgresql"] == (postgres_faults.OLDEST,)
    assert doctor.OLDEST["redis"] == greeting.OLDEST


async def test_what_the_store_would_refuse_is_told(
    redis_url: str, postgres_url: str, mongo_url: str, state_dir: Path
) -> None:
    with psycopg.connect(postgres_url, autocommit=True) as admin:
        name = f"latin_{state_dir.name.removeprefix('rc-')}"
        admin.execute(
            sql.SQL("create database {} encoding 'LATIN1' locale 'C' template template0").format(sql.Identifier(name))
        )
        settings = Settings(
            redis_url=redis_url.partition("?")[0] + "?db=99",
            postgres_url=f"{postgres_url.rpartition('/')[0]}/{name}?{postgres_url.partition('?')[2]}",
            mongo_url=f"{mongo_url}&no_such_option=1",
            state_dir=state_dir,
        )
        redis, postgresql, mongodb = await examine(settings)
        admin.execute(sql.SQL("drop database {}").format(sql.Identifier(name)))
    assert redis.problem.endswith("has no database of that number")
    assert postgresql.problem == "the database has the encoding LATIN1"
    assert mongodb.problem.startswith("Unknown option: no_such_option")
    assert all(health.remedy for health in (redis, postgresql, mongodb))


async def test_a_server_of_another_kind_is_told(state_dir: Path) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with await asyncio.start_unix_server(answer, state_dir / "http.sock"):
        redis, *_ = await examine(Settings(redis_url=f"unix://{state_dir}/http.sock", state_dir=state_dir))
    assert redis.problem.endswith("does not speak the Redis protocol")
    assert "REDIS_URL" in redis.remedy


async def test_a_disk_too_full_for_new_data_is_told(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    used = shutil.disk_usage(state_dir)
    monkeypatch.setattr("shutil.disk_usage", lambda path: used._replace(free=12_000_000))
    redis, postgresql, mongodb = await examine(Settings(state_dir=state_dir / "new"))
    assert not redis.problem, "it keeps nothing on disk"
    for health in (postgresql, mongodb):
        assert "has 12 MB left" in health.problem
        assert "Free some space" in health.remedy


async def test_what_is_missing_or_broken_comes_with_a_remedy(state_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = state_dir / "mongod"
    broken.write_text("#!/bin/sh\necho 'mongod: libcurl.so.4: cannot open shared object file' >&2; exit 127\n")
    broken.chmod(0o700)
    real = find_binary("mongodb")
    assert real is not None
    replaced = {"redis": None, "mongodb": type(real)(broken, "path")}
    monkeypatch.setattr(doctor, "find_binary", lambda name: replaced.get(name, find_binary(name)))
    redis, postgresql, mongodb = await examine(Settings(state_dir=state_dir))
    assert (redis.found, redis.problem) == ("nowhere", "not installed")
    assert "REDIS_URL" in redis.remedy
    assert postgresql.problem == ""
    assert mongodb.problem == "it cannot be run: libcurl.so.4 is missing"
    assert "libcurl4" in mongodb.remedy


async def test_a_state_folder_that_cannot_serve_is_told(state_dir: Path) -> None:
    settings = dataclasses.replace(Settings(), state_dir=state_dir / "file")
    settings.state_dir.touch()
    for health in await examine(settings):
        assert str(settings.state_dir) in health.problem
        assert "REELCACHE_STATE_DIR" in health.remedy
