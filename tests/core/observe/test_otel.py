"""OpenTelemetry: what a real receiver is sent over OTLP/HTTP, and what is said where that cannot be."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from core.errors import ExtraMissing, SettingsError
from core.observe.histogram import COARSE_BOUNDS, coarse
from core.observe.metrics import metrics
from core.observe.otel import Export
from core.observe.stats import LatencyStats
from core.settings import Settings
from core.telemetry import Telemetry
from tests.tui.feed import Feed


class Collector:
    """A receiver of OTLP/HTTP that answers with `status`."""

    def __init__(self) -> None:
        self.status = 200
        self.received: asyncio.Queue[Any] = asyncio.Queue()
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        message = ExportMetricsServiceRequest()
        message.ParseFromString(await request.read())
        self.received.put_nowait(message)
        return web.Response(status=self.status)


@asynccontextmanager
async def receiving() -> AsyncIterator[Collector]:
    collector = Collector()
    application = web.Application()
    application.router.add_post("/v1/metrics", collector.take)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    collector.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield collector
    finally:
        await runner.cleanup()


async def test_a_receiver_gets_the_snapshot_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    feed = Feed()
    feed.reads(9, 4)
    stats = feed.sample()
    async with receiving() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
        monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=desk")
        with Telemetry(Settings(state_dir=tmp_path, otel=True)) as telemetry:
            assert telemetry.where == {"OTLP": f"They are pushed to {collector.url}/v1/metrics."}
            async with telemetry.of(lambda: stats, pytest.fail), asyncio.timeout(30):
                message = await collector.received.get()
            assert collector.received.qsize() == 1, "one more at the end"
    (resource,) = message.resource_metrics
    attributes = {each.key: each.value.string_value for each in resource.resource.attributes}
    assert (attributes["service.name"], attributes["deployment.environment"]) == ("reelcache", "desk")
    (scope,) = resource.scope_metrics
    sent = {each.name: each for each in scope.metrics}
    assert len(sent) == len(scope.metrics)
    expected = metrics(stats)
    assert list(sent) == [metric.name for metric in expected]
    for metric in expected:
        got = sent[metric.name]
        assert (got.unit, got.description) == (metric.unit or "1", metric.about)
        data = got.histogram if metric.kind == "histogram" else got.gauge if metric.kind == "gauge" else got.sum
        for sample, point in zip(metric.samples, data.data_points, strict=True):
            assert {each.key: each.value.string_value for each in point.attributes} == sample.labels
            if isinstance(sample.value, LatencyStats):
                assert (point.count, point.sum) == (sample.value.count, sample.value.total)
                assert list(point.bucket_counts) == coarse(sample.value)
                assert list(point.explicit_bounds) == list(COARSE_BOUNDS)
            else:
                assert (point.as_int or point.as_double) == sample.value
        if metric.kind == "counter":
            assert data.is_monotonic
        if metric.kind != "gauge":
            assert data.aggregation_temporality == 2, "cumulative"


async def test_a_receiver_that_refuses_is_told_of_once(monkeypatch: pytest.MonkeyPatch, capfd: Any) -> None:
    stats = Feed().sample()
    told: list[str] = []
    async with receiving() as collector:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", f"{collector.url}/v1/metrics")
        monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
        collector.status = 400
        async with Export().running(lambda: stats, told.append), asyncio.timeout(30):
            for _ in range(3):
                await collector.received.get()
            assert len(told) == 1
            collector.status = 200
            for _ in range(2):
                await collector.received.get()
    (problem,) = told
    assert problem.startswith(f"{collector.url}/v1/metrics did not take the metrics: ")
    assert "400" in problem
    assert capfd.readouterr() == ("", ""), "nothing may be written over the screen"


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "localhost:4318", "such as http://127.0.0.1:4318"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://me:s3cret@[:4318", "OTEL_EXPORTER_OTLP_ENDPOINT cannot be"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "give http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "delta", "give cumulative"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "1 minute", "Give milliseconds"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nan", "Give milliseconds"),
    ],
)
def test_a_variable_that_means_nothing_is_named(variable: str, value: str, says: str) -> None:
    with pytest.raises(SettingsError) as refused:
        Export({variable: value})
    assert variable in refused.value.message
    assert says in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_without_the_extra_it_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert importlib.util.find_spec("opentelemetry.sdk") is not None
    monkeypatch.delitem(sys.modules, "core.observe.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry.exporter.otlp.proto.http.metric_exporter", None)
    with pytest.raises(ExtraMissing) as refused, Telemetry(Settings(state_dir=tmp_path, otel=True, metrics="0")):
        pass
    assert "pip install 'reelcache[otel]'" in refused.value.remedy
