"""What a Redis server says of itself (INFO)."""

from __future__ import annotations

import msgspec


class RedisInfo(msgspec.Struct, frozen=True):
    """Figures over all clients and databases of the server. Bytes, counts; a `max_memory` of 0 is no limit."""

    version: str
    used_memory: int
    max_memory: int
    keys: int
    evicted: int
    expired: int
    clients: int


def info_fields(reply: bytes) -> dict[str, str]:
    """The fields of an INFO reply by name."""
    lines = (line.partition(":") for line in reply.decode("utf-8", "replace").splitlines())
    return {name: value for name, colon, value in lines if colon and not name.startswith("#")}


def life(info: dict[str, str]) -> str:
    """Which life of which server it is: another one means that the data may be of any age.

    A process that was demoted and promoted again has its predecessor's data and goes by a new replication id.
    """
    return f"{info.get('run_id', '')}.{info.get('master_replid', '')}"


def redis_info(reply: bytes) -> RedisInfo:
    """The figures in an INFO reply; those that a server does not tell are 0."""
    info = info_fields(reply)
    databases = (value for name, value in info.items() if name.startswith("db") and value.startswith("keys="))
    return RedisInfo(
        version=info.get("redis_version", ""),
        used_memory=int(info.get("used_memory", 0)),
        max_memory=int(info.get("maxmemory", 0)),
        keys=sum(int(value.removeprefix("keys=").partition(",")[0]) for value in databases),
        evicted=int(info.get("evicted_keys", 0)),
        expired=int(info.get("expired_keys", 0)),
        clients=int(info.get("connected_clients", 0)),
    )
