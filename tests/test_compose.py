"""compose.yaml brings up what Settings can name: the same three servers, for this machine alone."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from core.servers.doctor import OLDEST
from core.settings import Settings
from core.sources import ENVIRONMENT, read_settings

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
