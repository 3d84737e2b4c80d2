"""Settings: what is refused, what is never shown."""

from __future__ import annotations

import pytest

from core.errors import SettingsError, UnknownStore, UnknownStrategy
from core.masking import masked, masked_address
from core.settings import Settings


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
        ("postgresql://my name:pw@h/db", "postgresql://my name:***@h/db"),
        (
            "mongodb://u@h/db?tlsCertificateKeyFilePassword=abc&w=1",
            "mongodb://u@h/db?tlsCertificateKeyFilePassword=***&w=1",
        ),
        (None, ""),
    ],
)
def test_masking(url: str | None, shown: str) -> None:
    assert masked(url) == shown


@pytest.mark.parametrize(
    ("flawed", "shown"),
    [
        ("me:s3:c@ret@db/movies", "me:***@db/movies"),
        ("postgresql:me:s3cret@db", "postgresql:***@db"),
        ("postgresql:///me:s3cret@db", "postgresql:///me:***@db"),
        ("redis://me@cache:6379/0", "redis://me@cache:6379/0"),
        ("cache:6379", "cache:6379"),
        ("host=db password=s3cret", "host=db password=***"),
    ],
)
def test_masking_of_what_is_no_address(flawed: str, shown: str) -> None:
    assert masked_address(flawed) == shown


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
    ("name", "url"),
    [
        ("postgres_url", "postgresql://u:p@one:5432,two:5433/movies?target_session_attrs=read-write"),
        ("postgres_url", "postgresql:///movies?host=%2Frun&user=me@cloud"),
        ("mongo_url", "mongodb://u:p@one:27017,two:27018/sample_mflix?replicaSet=rs0"),
        ("mongo_url", "mongodb://%2Frun%2Fmongo.sock/reelcache"),
        ("redis_url", "redis://[::1]:6379/0"),
        ("redis_url", "redis://u:p%2Fq@host"),
        ("redis_url", "unix:///home/a@b/redis.sock?db=0"),
        ("redis_url", "redis+sentinel://u:p%2Fq@one:26379,[::1],two/mymaster/0?sentinel_password=x"),
        ("redis_url", "rediss+sentinel://one/mymaster?ssl_ca_certs=/ca.pem"),
        ("redis_url", "redis+cluster://:p@one:7000,two:7001"),
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
        ("redis_url", "redis://u:Wor@one,two/0", "redis+sentinel:// or redis+cluster://"),
        ("redis_url", "redis+sentinel://u:Wor@one:26379", "the name of their service"),
        ("redis_url", "redis+sentinel://u:Wor@one/mymaster/movies", "/mymaster/0"),
        ("redis_url", "redis+sentinel://u:Rds@Pa/Wor:Ld@host/mymaster", "percent-encoded"),
        ("redis_url", "redis+sentinel://one:x/mymaster?sentinel_password=Wor", "from 1 to 65535"),
        ("redis_url", "redis+cluster://u:Wor@one/3", "no database but 0"),
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
