"""A real Prometheus scrapes a real catalogue, and is asked for what it has seen."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.parser import text_string_to_metric_families

from core import Catalogue, Query, Settings, open_catalogue, replace
from core.errors import CannotListen
from core.observe.prometheus import exposition
from core.telemetry import Telemetry
from tests.core.movies import movies
from tests.core.observe.dashboard import expressions
from tests.core.sources import ListSource
from tests.debian import DebianProgram, debian_program
from tests.processes import free_port

CHANGING = {"cache_push_age_seconds"}
"""What is another value at each look."""


@pytest.fixture(scope="module")
def prometheus() -> DebianProgram:
    return debian_program("prometheus", "prometheus")


class Asked:
    """A running Prometheus."""

    def __init__(self, address: str, client: aiohttp.ClientSession) -> None:
        self._address, self._client = address, client

    async def query(self, expression: str, moment: float | None = None) -> list[dict[str, Any]]:
        """What it answers now, or would have answered at that moment in seconds since 1970."""
        params = {"query": expression} if moment is None else {"query": expression, "time": f"{moment:.3f}"}
        async with self._client.get(f"{self._address}/api/v1/query", params=params) as answer:
            said = await answer.json()
        assert said["status"] == "success", (expression, said)
        found: list[dict[str, Any]] = said["data"]["result"]
        return found

    async def ready(self) -> bool:
        try:
            async with self._client.get(f"{self._address}/-/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False


@asynccontextmanager
async def scraping(program: DebianProgram, target: object, folder: Path) -> AsyncIterator[Asked]:
    address = f"127.0.0.1:{free_port()}"
    config = folder / "prometheus.yaml"
    config.write_text(
        "global: {scrape_interval: 1s, scrape_timeout: 1s}\n"
        f"scrape_configs: [{{job_name: reelcache, static_configs: [{{targets: ['{target}']}}]}}]\n"
    )
    options = (f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", f"--web.listen-address={address}")
    process = await asyncio.create_subprocess_exec(
        program.path, *options, env=program.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        async with aiohttp.ClientSession() as client:
            asked = Asked(f"http://{address}", client)
            async with asyncio.timeout(60):
                while not await asked.ready():
                    assert process.returncode is None, "Prometheus ended"
                    await asyncio.sleep(0.05)
            yield asked
    finally:
        process.terminate()
        await process.wait()


def told(catalogue: Catalogue) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(exposition(catalogue.stats()).decode())
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in families
        for sample in family.samples
        if sample.name.startswith("cache_") and sample.name not in CHANGING
    }


async def seen(asked: Asked, moment: float) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    found = await asked.query('{__name__=~"cache_.+"}', moment)
    series = {}
    for each in found:
        labels = {name: value for name, value in each["metric"].items() if name not in ("__name__", "instance", "job")}
        if each["metric"]["__name__"] not in CHANGING:
            series[each["metric"]["__name__"], frozenset(labels.items())] = float(each["value"][1])
    return series


async def browse(catalogue: Catalogue) -> None:
    """A bit of everything that the counters tell apart."""
    await catalogue.browse(Query(), 0, 50)
    await catalogue.genres(Query())
    await asyncio.gather(*(catalogue.read(f"Q{number}") for number in range(1, 10)))
    film = await catalogue.get("Q3")
    await catalogue.save(replace(film, runtime=(film.runtime or 90) + 1))
    await asyncio.gather(*(catalogue.read("Q3") for _ in range(10)))


async def test_prometheus_has_seen_what_the_catalogue_counted(
    prometheus: DebianProgram, redis_url: str, postgres_url: str, tmp_path: Path
) -> None:
    settings = Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path, metrics="0")
    async with open_catalogue(settings) as catalogue:
        await catalogue.load(ListSource(movies(30)))
        with Telemetry(settings) as telemetry:
            assert telemetry.address is not None
            taken = dataclasses.replace(settings, metrics=str(telemetry.address.port))
            with pytest.raises(CannotListen) as refused, Telemetry(taken):
                pass
            assert f"Port {telemetry.address.port} of 127.0.0.1 is taken" in str(refused.value)
            assert f"--metrics {telemetry.address.port + 1}" in refused.value.remedy
            async with (
                telemetry.of(catalogue.stats, pytest.fail),
                scraping(prometheus, telemetry.address, tmp_path) as asked,
                asyncio.timeout(180),
            ):
                for strategy in ("cache-aside", "write-through", "no-cache"):
                    await catalogue.use_strategy(strategy)
                    await browse(catalogue)
                while not await holds(asked, "count_over_time(up[30s]) >= 2"):
                    await browse(catalogue)
                    await asyncio.sleep(0.1)
                moment = time.time()
                while await seen(asked, moment) != told(catalogue):
                    await asyncio.sleep(0.1)
                    moment = time.time()
                # A look that comes too late has Prometheus know of nothing until the next: it is asked about then.
                stats = catalogue.stats().strategies["cache-aside"]
                (hits,) = await asked.query('sum(cache_requests_total{strategy="cache-aside",tier=~"l1|l2"})', moment)
                assert float(hits["value"][1]) == stats.hits > 0
                written = 'cache_writes_total{strategy="write-through",result="committed"}'
                (committed,) = await asked.query(written, moment)
                assert float(committed["value"][1]) == catalogue.stats().strategies["write-through"].writes > 0
                for expression in expressions():
                    assert await asked.query(expression, moment), expression
                quantile = "histogram_quantile(0.99, sum by (le) (cache_load_duration_seconds_bucket))"
                (slowest,) = await asked.query(quantile, moment)
                assert 0 < float(slowest["value"][1]) < 56


async def holds(asked: Asked, condition: str) -> bool:
    return bool(await asked.query(condition))
