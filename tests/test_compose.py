"""compose.yaml brings up what Settings can name, the same three servers, and their watchers: for this machine alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from core.listening import address_of
from core.observe.prometheus import exposition
from core.servers.doctor import OLDEST
from core.settings import Settings
from core.sources import ENVIRONMENT, read_settings
from tests.core.observe.dashboard import FOLDER, expressions, names, panels
from tests.tui.feed import Feed

FILE = Path(__file__).parent.parent / "compose.yaml"
PORTS = {"redis": 6379, "postgresql": 5432, "mongodb": 27017}


@pytest.fixture(scope="module")
def compose() -> Any:
    return yaml.safe_load(FILE.read_text("utf-8"))


@pytest.fixture(scope="module")
def documented() -> dict[str, str]:
    """The variables that the comment at the top says to set."""
    return dict(re.findall(r"^#   ([A-Z_]+)=(\S+)$", FILE.read_text("utf-8"), re.MULTILINE))


def test_the_three_servers_with_pinned_images(compose: Any) -> None:
    images = {name: service["image"].split(":") for name, service in compose["services"].items()}
    assert {name: image for name, (image, _) in images.items() if name in PORTS} == {
        "redis": "redis",
        "postgresql": "postgres",
        "mongodb": "mongo",
    }
    for name in PORTS:
        major = images[name][1]
        assert major.isdigit()
        assert int(major) >= OLDEST[name][0]  # type: ignore[index]  # the keys of PORTS are the servers' names


@pytest.mark.parametrize("name", PORTS)
def test_each_is_checked_kept_and_open_to_this_machine_alone(compose: Any, name: str) -> None:
    service = compose["services"][name]
    assert service["ports"] == [f"127.0.0.1:{PORTS[name]}:{PORTS[name]}"]
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["healthcheck"].keys() >= {"interval", "timeout", "retries"}
    volumes = {volume.split(":")[0] for volume in service["volumes"]}
    assert volumes
    assert volumes <= compose["volumes"].keys()


def test_redis_has_the_memory_that_the_embedded_one_has(compose: Any) -> None:
    command = compose["services"]["redis"]["command"]
    assert command[command.index("--maxmemory") + 1] == Settings().redis_maxmemory
    assert command[command.index("--maxmemory-policy") + 1] == "allkeys-lru"


def test_every_variable_to_set_is_one_that_settings_read(documented: dict[str, str]) -> None:
    known = {variable for variables in ENVIRONMENT.values() for variable in variables}
    assert documented.keys() == {"REDIS_URL", "DATABASE_URL", "MONGO_URL"}
    assert documented.keys() <= known


def test_mongodb_is_a_replica_set_that_its_health_check_makes(compose: Any) -> None:
    mongodb = compose["services"]["mongodb"]
    name = mongodb["command"][mongodb["command"].index("--replSet") + 1]
    assert f'rs.initiate({{ _id: "{name}"' in mongodb["healthcheck"]["test"][-1]
    seconds = {key: int(mongodb["healthcheck"][key].removesuffix("s")) for key in ("interval", "timeout")}
    assert seconds["interval"] >= 15, "the shell costs more than a second of a processor each time"
    assert seconds["timeout"] >= 30, "and takes more than ten on a busy machine"


def test_the_addresses_to_set_are_understood(compose: Any, documented: dict[str, str], tmp_path: Path) -> None:
    settings = read_settings(environment=documented, dotenv_file=tmp_path / "none")
    for name, port in PORTS.items():
        url = settings.url(name)
        assert url is not None
        assert (urlsplit(url).hostname, urlsplit(url).port) == ("127.0.0.1", port)
    environment = compose["services"]["postgresql"]["environment"]
    assert settings.postgres_url is not None
    address = urlsplit(settings.postgres_url)
    assert (address.password, address.path) == (environment["POSTGRES_PASSWORD"], f"/{environment['POSTGRES_DB']}")


def test_the_addresses_to_set_work_from_a_dotenv_file(documented: dict[str, str], tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in documented.items()), "utf-8")
    settings = read_settings(environment={}, dotenv_file=file)
    assert [settings.redis_url, settings.postgres_url, settings.mongo_url] == list(documented.values())


# --------------------------------------------------------------------------------------------- Prometheus and Grafana


@pytest.mark.parametrize("name", ["prometheus", "grafana"])
def test_the_watchers_are_pinned_checked_kept_and_open_to_this_machine_alone(compose: Any, name: str) -> None:
    service = compose["services"][name]
    assert re.fullmatch(r"[a-z]+/[a-z]+:v?[0-9]+\.[0-9]+\.[0-9]+", service["image"])
    assert service["healthcheck"]["test"][0] == "CMD"
    assert service["network_mode"] == "host", "the metrics are open to this machine alone"
    listens = " ".join(map(str, (*service.get("command", ()), *service.get("environment", {}).values())))
    assert "127.0.0.1" in listens
    kept: list[str] = []
    brought: list[str] = []
    for volume in service["volumes"]:
        source, target, *read_only = volume.split(":")
        (brought if source.startswith("./") else kept).append(source)
        if source.startswith("./"):
            assert (FILE.parent / source).exists()
            assert read_only == ["ro"]
            assert target.startswith("/etc/")
    assert kept
    assert set(kept) <= compose["volumes"].keys()
    assert brought


def test_prometheus_scrapes_the_port_that_the_comment_says_to_serve_at(compose: Any) -> None:
    (told,) = re.findall(r"`reelcache --metrics (\S+)`", FILE.read_text("utf-8"))
    config = yaml.safe_load((FOLDER.parent / "prometheus.yaml").read_text("utf-8"))
    (job,) = config["scrape_configs"]
    assert job["static_configs"] == [{"targets": [str(address_of(told))]}]
    command = compose["services"]["prometheus"]["command"]
    mounted = [volume.split(":")[1] for volume in compose["services"]["prometheus"]["volumes"]]
    (named,) = (option.partition("=")[2] for option in command if option.startswith("--config.file="))
    assert named in mounted


def test_grafana_is_given_the_prometheus_that_runs_beside_it_and_the_dashboard(compose: Any) -> None:
    (source,) = yaml.safe_load((FOLDER / "datasources" / "prometheus.yaml").read_text("utf-8"))["datasources"]
    assert f"--web.listen-address={urlsplit(source['url']).netloc}" in compose["services"]["prometheus"]["command"]
    assert {panel["datasource"]["uid"] for panel in panels()} == {source["uid"]}
    (provider,) = yaml.safe_load((FOLDER / "dashboards" / "dashboards.yaml").read_text("utf-8"))["providers"]
    grafana = compose["services"]["grafana"]
    assert f"./core/observe/grafana/dashboards:{provider['options']['path']}:ro" in grafana["volumes"]
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/reelcache.json"


def test_grafana_asks_nobody_outside_this_machine_for_anything(compose: Any) -> None:
    environment = compose["services"]["grafana"]["environment"]
    assert {name for name, value in environment.items() if value == "false"} == {
        "GF_ANALYTICS_REPORTING_ENABLED",
        "GF_ANALYTICS_CHECK_FOR_UPDATES",
        "GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "GF_NEWS_NEWS_FEED_ENABLED",
    }
    assert environment["GF_PLUGINS_PREINSTALL_DISABLED"] == "true"


def test_each_line_of_the_dashboard_has_a_name_of_its_own_however_many_programs_are_scraped() -> None:
    for panel in panels():
        told: set[str] = set()
        for target in panel["targets"]:
            expression, legend = target["expr"], target["legendFormat"]
            assert re.match(r"(sum|min|max|histogram_quantile)\b", expression), expression
            kept = {label for labels in re.findall(r"\bby \(([^)]*)\)", expression) for label in labels.split(", ")}
            assert set(re.findall(r"{{(\w+)}}", legend)) == kept - {"le"}, (expression, legend)
            assert legend not in told
            told.add(legend)


def test_each_value_of_the_dashboard_is_shown_in_its_unit() -> None:
    for panel in panels():
        units = {
            override["matcher"]["options"]: override["properties"][0]["value"]
            for override in panel["fieldConfig"]["overrides"]
        }
        for target in panel["targets"]:
            expression = target["expr"]
            unit = units.get(target["refId"], panel["fieldConfig"]["defaults"]["unit"])
            assert (unit == "s") == expression.startswith("histogram_quantile("), (expression, unit)
            assert (unit == "bytes") == any(name.endswith("_bytes") for name in names(expression)), (expression, unit)
        assert units.keys() <= {target["refId"] for target in panel["targets"]}


def test_every_metric_of_the_dashboard_is_served() -> None:
    feed = Feed()
    served = set(re.findall(r"^([a-z0-9_]+)[{ ]", exposition(feed.sample()).decode(), re.MULTILINE))
    asked = [names(expression) for expression in expressions()]
    assert all(asked)
    assert set().union(*asked) <= served
    assert len({panel["id"] for panel in panels()}) == len(panels())


def test_the_dashboard_has_a_panel_for_whatever_is_asked_of_it() -> None:
    asked = set().union(*map(names, expressions()))
    assert asked >= {
        *("cache_requests_total", "cache_operation_duration_seconds_bucket", "cache_loads_total", "cache_fills_total"),
        *("cache_finishes_total", "cache_breaker_state", "cache_outbox_lag_seconds_bucket", "cache_outbox_pending"),
        *("redis_memory_used_bytes", "redis_memory_max_bytes", "redis_evicted_keys_total", "redis_connected_clients"),
        *("redis_rejected_connections_total", "redis_tracking_clients", "redis_commands_processed_total"),
    }
    text = " ".join(expressions())
    assert "sum by (strategy)" in text
    assert 'tier="l1"' in text
