"""Settings: which source wins, what is refused, what is never shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.errors import SettingsError, UnknownStore, UnknownStrategy
from core.masking import masked
from core.settings import Settings, read_settings


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


def test_no_secret_is_shown() -> None:
    settings = Settings(postgres_url="postgresql://me:s3cret@db/movies", redis_url="redis://:s3cret@cache:6379/0")
    assert "s3cret" not in repr(settings)
    assert "me:***@db" in repr(settings)
    with pytest.raises(SettingsError) as refused:
        Settings(postgres_url="mysql://me:s3cret@db/movies")
    assert "s3cret" not in str(refused.value)
    assert "postgresql://" in refused.value.remedy


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mongodb://u:a:b@c@h1,h2/db?w=majority", "mongodb://u:***@h1,h2/db?w=majority"),
        ("postgresql://postgres@/db?host=%2Frun&password=abc", "postgresql://postgres@/db?host=%2Frun&password=***"),
        ("unix:///run/redis.sock?db=0", "unix:///run/redis.sock?db=0"),
        (None, ""),
    ],
)
def test_masking(url: str | None, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"store": "sqlite"}, UnknownStore),
        ({"strategy": "fastest"}, UnknownStrategy),
        ({"consistency": "maybe"}, SettingsError),
        ({"soft_ttl": 0.0}, SettingsError),
        ({"soft_ttl": 700.0}, SettingsError),
        ({"redis_maxmemory": "lots"}, SettingsError),
        ({"redis_url": "http://cache"}, SettingsError),
        ({"redis_url": "redis://cache:port"}, SettingsError),
    ],
)
def test_a_setting_that_means_nothing_is_refused(wrong: dict[str, object], error: type[SettingsError]) -> None:
    with pytest.raises(error) as refused:
        Settings(**wrong)  # type: ignore[arg-type]  # wrong on purpose
    assert refused.value.remedy


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
    ("name", "url"),
    [
        ("postgres_url", "postgresql://u:p@one:5432,two:5433/movies?target_session_attrs=read-write"),
        ("postgres_url", "postgresql:///movies?host=%2Frun&user=me@cloud"),
        ("mongo_url", "mongodb://u:p@one:27017,two:27018/sample_mflix?replicaSet=rs0"),
        ("mongo_url", "mongodb://%2Frun%2Fmongo.sock/reelcache"),
        ("redis_url", "redis://[::1]:6379/0"),
        ("redis_url", "redis://u:p%2Fq@host"),
        ("redis_url", "unix:///home/a@b/redis.sock?db=0"),
    ],
)
def test_addresses_as_the_drivers_take_them(name: str, url: str) -> None:
    assert getattr(Settings(**{name: url}), name) == url  # type: ignore[arg-type]  # every value is an address


@pytest.mark.parametrize(
    ("name", "url", "remedy"),
    [
        ("redis_url", "redis://:Rds@Pa/Wor:Ld@host:6379/0", "percent-encoded"),
        ("postgres_url", "postgresql://u:Rds@Pa/Wor%Ld@host/movies", "percent-encoded"),
        ("postgres_url", "postgresql://u:Pa#Wor@host/movies", "percent-encoded"),
        ("postgres_url", "postgresql://u:Pa[Wor@host/movies", "percent-encoded"),
        ("mongo_url", "mongodb://u:Rds@Pa/Wor:Ld@host/x", "percent-encoded"),
        ("mongo_url", "mongodb://u:Wor@host:99999/x", "from 1 to 65535"),
        ("postgres_url", "postgresql://u:Wor@one:5432,two:x/movies", "from 1 to 65535"),
        ("redis_url", "redis://u:Wor@host:0/0", "from 1 to 65535"),
        ("redis_url", "redis://u:Wor@host:6379/movies", "number of a database"),
        ("redis_url", "http://u:Pa Wor@host", "starts with redis://"),
        ("postgres_url", "host=h password='Pa Wor' dbname=x", "starts with postgresql://"),
        ("postgres_url", "host=h password = Wor", "starts with postgresql://"),
    ],
)
def test_a_flawed_address_is_told_with_its_remedy_and_without_its_password(name: str, url: str, remedy: str) -> None:
    with pytest.raises(SettingsError) as refusal:
        Settings(**{name: url})  # type: ignore[arg-type]  # every value is an address
    assert remedy in refusal.value.remedy
    assert name in refusal.value.message
    for secret in ("Pa", "Wor", "Ld", "Rds"):
        assert secret not in f"{refusal.value} {refusal.value!r}"
