"""Where settings come from: which source wins, and that each is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError
from core.settings import Settings
from core.sources import ENVIRONMENT, gather, judge, read_settings


@pytest.fixture
def dotenv(tmp_path: Path) -> Path:
    """The name of a .env file that is not there yet."""
    return tmp_path / ".env"


def test_a_flag_beats_the_environment_beats_dotenv_beats_the_file(tmp_path: Path, dotenv: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('store = "mongodb"\nsoft_ttl = 5\nhard_ttl = 50\nstrategy = "no-cache"\n')
    dotenv.write_text("REELCACHE_SOFT_TTL=6\nREELCACHE_STRATEGY=write-through\n")
    environment = {"REELCACHE_SOFT_TTL": "7"}

    def read(**flags: object) -> Settings:
        return read_settings(flags, environment=environment, config_file=config, dotenv_file=dotenv)

    assert read().store == "mongodb"
    assert read().strategy == "write-through"
    assert read().soft_ttl == 7.0
    assert read(soft_ttl=8, store=None).soft_ttl == 8.0
    assert read().hard_ttl == 50.0


def test_the_names_of_the_systems_before_work_too(dotenv: Path) -> None:
    environment = {
        "DATABASE_URL": "postgresql://me@db/movies",
        "MONGO_URL": "mongodb+srv://me@cluster/sample_mflix",
        "REDIS_HOST": "cache",
        "REDIS_PORT": "6380",
        "REDIS_PASSWORD": "p@ss/word",
    }
    settings = read_settings(environment=environment, dotenv_file=dotenv)
    assert settings.postgres_url == "postgresql://me@db/movies"
    assert settings.mongo_url == "mongodb+srv://me@cluster/sample_mflix"
    assert settings.redis_url == "redis://:p%40ss%2Fword@cache:6380/0"


def test_each_source_is_named(tmp_path: Path, dotenv: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text('strategy = "no-cache"\nsoft_ttl = 5\n')
    dotenv.write_text("DATABASE_URL=postgresql://me:s3cret@db/movies\nREELCACHE_SOFT_TTL=6\n")
    given = gather(
        {"state_dir": tmp_path, "mongo_url": None},
        environment={"REDIS_HOST": "cache", "REDIS_PASSWORD": "s3cret", "REDIS_DB": "", "REELCACHE_HARD_TTL": "99"},
        config_file=config,
        dotenv_file=dotenv,
        fallbacks={"store": "mongodb", "strategy": "cache-aside"},
    )
    assert {name: each.source for name, each in given.items()} == {
        "store": "what was remembered",
        "postgres_url": "DATABASE_URL in .env",
        "mongo_url": "the default",
        "redis_url": "REDIS_HOST, REDIS_PASSWORD in the environment",
        "strategy": "the config file",
        "near_cache": "the default",
        "soft_ttl": "REELCACHE_SOFT_TTL in .env",
        "hard_ttl": "REELCACHE_HARD_TTL in the environment",
        "redis_maxmemory": "the default",
        "state_dir": "--state-dir on the command line",
        "consistency": "the default",
        "metrics": "the default",
        "otel": "the default",
    }
    assert given.keys() == ENVIRONMENT.keys()
    assert judge(given).soft_ttl == 6.0
    assert "s3cret" not in repr(given)


@pytest.mark.parametrize(
    ("environment", "blamed"),
    [
        ({"REELCACHE_STORE": "oracle"}, "store from REELCACHE_STORE in the environment: There is no store"),
        ({"REELCACHE_STORE": "redis://:s3cret@db/0"}, "There is no store named 'redis://:***@db/0'"),
        ({"REELCACHE_STRATEGY": "guess"}, "strategy from REELCACHE_STRATEGY in the environment: There is no strategy"),
        ({"REELCACHE_NEAR_CACHE": "perhaps"}, "near_cache from REELCACHE_NEAR_CACHE in the environment"),
        ({"REELCACHE_HARD_TTL": "nan"}, "hard_ttl from REELCACHE_HARD_TTL in the environment: soft_ttl (60 s) and"),
        (
            {"REELCACHE_METRICS": "70000"},
            "metrics from REELCACHE_METRICS in the environment: metrics cannot be '70000'",
        ),
        ({"REELCACHE_METRICS": "me:s3cret@host:1"}, "metrics from REELCACHE_METRICS in the environment"),
        ({"DATABASE_URL": "me:s3cret@db"}, "postgres_url from DATABASE_URL in the environment: postgres_url cannot"),
    ],
)
def test_a_wrong_value_is_blamed_on_its_source(dotenv: Path, environment: dict[str, str], blamed: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        read_settings(environment=environment, dotenv_file=dotenv)
    assert blamed in refusal.value.message
    assert "s3cret" not in f"{refusal.value} {refusal.value!r}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("store = mongodb", "cannot be read"),
        ('colour = "red"', "sets 'colour', which is no setting"),
        ('soft_ttl = "soon"', "soft_ttl from the config file"),
        ('near_cache = "perhaps"', "near_cache from the config file"),
    ],
)
def test_a_broken_config_file_is_named(tmp_path: Path, dotenv: Path, text: str, says: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text)
    with pytest.raises(SettingsError, match=says):
        read_settings(environment={}, config_file=config, dotenv_file=dotenv)


def test_a_named_config_file_must_exist(tmp_path: Path, dotenv: Path) -> None:
    with pytest.raises(SettingsError, match="does not exist"):
        read_settings(environment={}, config_file=tmp_path / "none.toml", dotenv_file=dotenv)


def test_a_port_that_is_none_is_refused(dotenv: Path) -> None:
    with pytest.raises(SettingsError, match="REDIS_PORT"):
        read_settings(environment={"REDIS_HOST": "cache", "REDIS_PORT": "99999"}, dotenv_file=dotenv)


@pytest.mark.parametrize(
    ("environment", "flags", "on"),
    [
        ({}, {}, False),
        ({"OTEL_METRICS_EXPORTER": "console, otlp"}, {}, True),
        ({"OTEL_METRICS_EXPORTER": "none"}, {}, False),
        ({"OTEL_METRICS_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "true"}, {}, False),
        ({"OTEL_METRICS_EXPORTER": "otlp", "REELCACHE_OTEL": "no"}, {}, False),
        ({"OTEL_SDK_DISABLED": "true"}, {"otel": True}, True),
        ({"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}, {}, False),
    ],
)
def test_opentelemetrys_own_variables_switch_the_export(
    dotenv: Path, environment: dict[str, str], flags: dict[str, object], on: bool
) -> None:
    assert read_settings(flags, environment=environment, dotenv_file=dotenv).otel is on


def test_a_flag_takes_the_metrics_of_the_config_file_back(tmp_path: Path, dotenv: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text("metrics = 9464\n")
    assert read_settings({}, environment={}, config_file=config, dotenv_file=dotenv).metrics == "9464"
    assert read_settings({"metrics": "off"}, environment={}, config_file=config, dotenv_file=dotenv).metrics is None
