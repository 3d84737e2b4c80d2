"""What a Redis server says of itself (INFO)."""

from __future__ import annotations

import msgspec


class RedisInfo(msgspec.Struct, frozen=True):
    """Figures over all clients and databases of the server. Bytes, counts, seconds; a `max_memory` of 0 is no limit.

    `eviction_exceeded` is how long it used more memory than it may, `loop_duration` what one turn of its event loop
    takes just now."""

    version: str
    used_memory: int
    max_memory: int
    keys: int
    evicted: int
    expired: int
    clients: int
    used_memory_rss: int
    used_memory_peak: int
    used_memory_dataset: int
    fragmentation: float
    uptime: int
    commands: int
    hits: int
    misses: int
    tracking_clients: int
    blocked_clients: int
    rejected_connections: int
    error_replies: int
    cpu_user: float
    cpu_system: float
    eviction_exceeded: float
    loop_duration: float


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
        used_memory_rss=int(info.get("used_memory_rss", 0)),
        used_memory_peak=int(info.get("used_memory_peak", 0)),
        used_memory_dataset=int(info.get("used_memory_dataset", 0)),
        fragmentation=float(info.get("mem_fragmentation_ratio", 0)),
        uptime=int(info.get("uptime_in_seconds", 0)),
        commands=int(info.get("total_commands_processed", 0)),
        hits=int(info.get("keyspace_hits", 0)),
        misses=int(info.get("keyspace_misses", 0)),
        tracking_clients=int(info.get("tracking_clients", 0)),
        blocked_clients=int(info.get("blocked_clients", 0)),
        rejected_connections=int(info.get("rejected_connections", 0)),
        error_replies=int(info.get("total_error_replies", 0)),
        cpu_user=float(info.get("used_cpu_user", 0)),
        cpu_system=float(info.get("used_cpu_sys", 0)),
        eviction_exceeded=int(info.get("total_eviction_exceeded_time", 0)) / 1e3,
        loop_duration=int(info.get("instantaneous_eventloop_duration_usec", 0)) / 1e6,
    )
