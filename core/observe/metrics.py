"""Metrics: a snapshot of the counters under the names and units that monitoring systems ask for.

Names are OpenTelemetry's way of writing them (`cache.requests`, unit `s`); `core.observe.prometheus` and
`core.observe.otel` make of them what each wants. A label's values are few and known: no key, no title. What Redis says
of itself goes by the names of the exporter for it that is used everywhere (redis_exporter).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal, NamedTuple

from core.observe.stats import AUDIT_AGES, BreakerState, LatencyStats, RedisStats, Stats, StrategyStats

Kind = Literal["counter", "gauge", "histogram"]
Unit = Literal["", "s", "By"]
Labels = Mapping[str, str]
Value = float | LatencyStats

FILLS: Final = ("set", "lease_lost", "writing", "below_floor", "newer")
FINISHES: Final = ("set", "dropped", "newer", "contended", "token_lost")
_NO_LABELS: Final[Labels] = {}


class Sample(NamedTuple):
    """One value of a metric; a histogram's is a LatencyStats."""

    labels: Labels
    value: Value


class Metric(NamedTuple):
    """One metric at one moment. Counters and histograms count from the program's start; seconds and bytes."""

    name: str
    kind: Kind
    unit: Unit
    about: str
    samples: tuple[Sample, ...]


def metrics(stats: Stats) -> tuple[Metric, ...]:
    """All metrics of one snapshot; of Redis' own none while it is away."""
    return (*_requests(stats), *_loads(stats), *_writes(stats), *_keeping(stats), *_state(stats), *_redis(stats.redis))


def _requests(stats: Stats) -> Iterable[Metric]:
    yield _counter(
        "cache.requests",
        "Records read, each by the tier that answered (l1: this process, l2: Redis, store) and by how: a stale one was "
        "past its soft TTL or the last known state, a negative one a known absence, a bypass asked no cache.",
        _by_strategy(stats, _answered),
    )
    yield Metric(
        "cache.operation.duration",
        "histogram",
        "s",
        "How long reads and writes took, whole pages as one; tier and result as of cache.requests.",
        tuple(_by_strategy(stats, _durations)),
    )
    yield _counter(
        "cache.fail_safe.activations",
        "Records answered with the last known state while the store was away; among the stale ones of cache.requests.",
        _by_strategy(stats, lambda each: [({}, each.fail_safe)]),
    )
    yield _counter(
        "cache.store_reads_saved",
        "Queries that hits spared the store.",
        _by_strategy(stats, lambda each: [({}, each.saved)]),
    )


def _answered(each: StrategyStats) -> list[tuple[Labels, Value]]:
    plain = each.hits - each.near_hits - each.stale - each.fail_safe - each.negatives
    return [
        ({"tier": "l1", "result": "hit"}, each.near_hits),
        ({"tier": "l2", "result": "hit"}, plain),
        ({"tier": "l2", "result": "stale"}, each.stale + each.fail_safe),
        ({"tier": "l2", "result": "negative"}, each.negatives),
        ({"tier": "store", "result": "miss"}, each.misses),
        ({"tier": "store", "result": "bypass"}, each.bypasses),
        ({"tier": "store", "result": "error"}, each.errors - each.failed_writes),
    ]


def _durations(each: StrategyStats) -> list[tuple[Labels, Value]]:
    return [
        ({"op": "read", "tier": "l1", "result": "hit"}, each.near_latency),
        ({"op": "read", "tier": "l2", "result": "hit"}, each.hit_latency),
        ({"op": "read", "tier": "store", "result": "miss"}, each.miss_latency),
        ({"op": "read", "tier": "store", "result": "bypass"}, each.bypass_latency),
        ({"op": "write", "tier": "store", "result": "committed"}, each.write_latency),
    ]


def _loads(stats: Stats) -> Iterable[Metric]:
    yield _counter(
        "cache.loads",
        "Queries sent to the store to answer reads, by how they ended.",
        _by_strategy(
            stats,
            lambda each: [
                ({"result": "ok"}, each.store_reads),
                ({"result": "error"}, each.failed_loads),
                ({"result": "cancelled"}, each.cancelled_loads),
            ],
        ),
    )
    yield _counter(
        "cache.loads.coalesced",
        "Reads that shared a load of another one instead of asking the store.",
        _by_strategy(stats, lambda each: [({}, each.coalesced)]),
    )
    yield Metric(
        "cache.load.duration",
        "histogram",
        "s",
        "How long the store took to answer a query.",
        tuple(_by_strategy(stats, lambda each: [({}, each.load_latency)])),
    )
    yield _gauge("cache.loads.in_flight", "Queries to the store that are under way.", stats.in_flight)
    yield _histogram(
        "cache.lease.wait", "How long reads waited for another one who held the lease to load.", stats.lease_wait
    )
    yield _counter(
        "cache.early_refreshes",
        "Loads begun behind a reader's back before the soft TTL had passed.",
        _by_strategy(stats, lambda each: [({}, each.early_refreshes)]),
    )


def _writes(stats: Stats) -> Iterable[Metric]:
    yield _counter(
        "cache.writes",
        "Writes by how they ended: a conflict met another version than its base.",
        _by_strategy(
            stats,
            lambda each: [
                ({"result": "committed"}, each.writes),
                ({"result": "conflict"}, each.conflicts),
                ({"result": "error"}, each.failed_writes),
            ],
        ),
    )
    yield _counter(
        "cache.fills",
        "Entries that readers offered to Redis, by its verdict: all but set are races prevented.",
        [({"result": verdict}, stats.fills.get(verdict, 0)) for verdict in FILLS],
    )
    yield _counter(
        "cache.finishes",
        "Committed writes of which Redis was told in time, by its verdict: but for set and dropped, races prevented.",
        [({"result": verdict}, stats.finishes.get(verdict, 0)) for verdict in FINISHES],
    )
    yield _counter(
        "cache.invalidations",
        "Keys told to be outdated: by this copy's writes, by the store's log (relay: PostgreSQL's outbox, cdc: "
        "MongoDB's change stream), by pushes of Redis to the near tier (push); under epoch, flushes of all keys.",
        [
            ({"source": "write"}, sum(stats.finishes.values())),
            *(({"source": source}, stats.invalidations.get(source, 0)) for source in ("relay", "cdc")),
            ({"source": "push"}, stats.near.pushed),
            ({"source": "epoch"}, stats.invalidations.get("epoch", 0)),
        ],
    )


def _keeping(stats: Stats) -> Iterable[Metric]:
    near, relay = stats.near, stats.relay
    yield _counter(
        "cache.evictions",
        "Entries that left the near tier (l1): for want of room, because they changed, or for a younger one. What "
        "leaves Redis it counts over all its keys: redis.evicted_keys, redis.expired_keys.",
        [
            ({"tier": "l1", "cause": "size"}, near.evicted),
            ({"tier": "l1", "cause": "invalidated"}, near.invalidated),
            ({"tier": "l1", "cause": "replaced"}, near.replaced),
        ],
    )
    yield _gauge("cache.l1.entries", "Entries in the near tier.", near.entries)
    yield _gauge("cache.l1.max_entries", "Entries that the near tier may hold.", near.most_entries)
    yield _gauge("cache.l1.used", "About how much memory the near tier takes.", near.size, "By")
    yield _gauge("cache.l1.max", "How much memory the near tier may take.", near.most_size, "By")
    if near.age is not None:
        yield _gauge("cache.push.age", "Time since every push until then is known to have been heard.", near.age, "s")
    yield _histogram(
        "cache.outbox.lag", "From a commit until the change was carried from the store's log into Redis.", relay.lag
    )
    yield _counter(
        "cache.outbox.applied", "Changes carried from the store's log into Redis by this copy.", [({}, relay.applied)]
    )
    if relay.pending is not None:
        yield _gauge("cache.outbox.pending", "Changes in the store's log that nobody has carried yet.", relay.pending)
    yield _histogram(
        "cache.staleness", "For how long an entry had been outdated when the relay removed it.", relay.staleness
    )
    ages = [f"{age:g}" for age in AUDIT_AGES]
    yield _counter(
        "cache.consistency.checks",
        "Writes at which an outside observer looked again when they were so old (age, in seconds).",
        [({"age": age}, n) for age, n in zip(ages, stats.audit.looked, strict=True)],
    )
    yield _counter(
        "cache.consistency.violations",
        "Those of them that the cache still held in an older state.",
        [({"age": age}, n) for age, n in zip(ages, stats.audit.outdated, strict=True)],
    )


def _state(stats: Stats) -> Iterable[Metric]:
    states: tuple[BreakerState, ...] = ("closed", "half-open", "open")
    yield Metric(
        "cache.breaker.state",
        "gauge",
        "",
        "1 for the state that the circuit breaker of Redis is in.",
        tuple(Sample({"state": state}, float(state == stats.breaker)) for state in states),
    )
    yield _counter(
        "cache.breaker.transitions",
        "How often the breaker entered each state.",
        [({"state": state}, stats.breaker_entered.get(state, 0)) for state in states],
    )
    believed = stats.doubt is None and stats.cache_problem is None
    yield _gauge("cache.believed", "1 while what Redis holds is believed, 0 while the store is asked.", believed)
    yield Metric(
        "cache.in_force",
        "gauge",
        "",
        "1, for the strategy and the store that are in force.",
        (Sample({"strategy": stats.strategy, "store": stats.store}, 1.0),),
    )


def _redis(redis: RedisStats | None) -> Iterable[Metric]:
    yield _gauge("redis.up", "1 while Redis answers.", redis is not None)
    if redis is None:
        return
    yield _gauge("redis.memory.used", "Memory in use.", redis.used_memory, "By")
    yield _gauge("redis.memory.max", "Memory that may be used; 0 is no limit.", redis.max_memory, "By")
    yield _gauge("redis.memory.used_rss", "Memory as the system sees it.", redis.used_memory_rss, "By")
    yield _gauge("redis.memory.used_peak", "The most memory that was in use.", redis.used_memory_peak, "By")
    yield _gauge("redis.memory.used_dataset", "Memory of the data alone.", redis.used_memory_dataset, "By")
    yield _gauge("redis.mem_fragmentation_ratio", "Memory as the system sees it over that in use.", redis.fragmentation)
    yield _gauge("redis.keys", "Keys of all databases.", redis.keys)
    yield _gauge("redis.uptime_in_seconds", "Time since the server started.", redis.uptime)
    yield _gauge("redis.connected_clients", "Connections.", redis.clients)
    yield _gauge("redis.tracking_clients", "Connections that are told what changes.", redis.tracking_clients)
    yield _gauge("redis.blocked_clients", "Connections that wait in a blocking command.", redis.blocked_clients)
    yield _gauge("redis.eventloop.duration", "One turn of the event loop just now.", redis.loop_duration, "s")
    about_keys = "of all programs, gates and leases among them: not the hit ratio of this cache."
    for name, about, value in (
        ("commands_processed", "Commands answered.", redis.commands),
        ("evicted_keys", "Keys removed for want of room.", redis.evicted),
        ("expired_keys", "Keys removed at the end of their life.", redis.expired),
        ("keyspace_hits", f"Look-ups that found a key, {about_keys}", redis.hits),
        ("keyspace_misses", f"Look-ups that found none, {about_keys}", redis.misses),
        ("rejected_connections", "Connections refused for want of room.", redis.rejected_connections),
        ("error_replies", "Commands answered with an error.", redis.error_replies),
    ):
        yield _counter(f"redis.{name}", about, [({}, value)])
    for name, about, seconds in (
        ("cpu.user", "Processor time in the program.", redis.cpu_user),
        ("cpu.sys", "Processor time in the system.", redis.cpu_system),
        ("eviction_exceeded_time", "Time with more memory in use than allowed.", redis.eviction_exceeded),
    ):
        yield _counter(f"redis.{name}", about, [({}, seconds)], "s")


def _by_strategy(stats: Stats, of: Callable[[StrategyStats], Iterable[tuple[Labels, Value]]]) -> Iterable[Sample]:
    for strategy, each in stats.strategies.items():
        for labels, value in of(each):
            yield Sample({"strategy": strategy, **labels}, value)


def _counter(name: str, about: str, samples: Iterable[tuple[Labels, Value]], unit: Unit = "") -> Metric:
    return Metric(name, "counter", unit, about, tuple(Sample(*sample) for sample in samples))


def _gauge(name: str, about: str, value: float, unit: Unit = "") -> Metric:
    return Metric(name, "gauge", unit, about, (Sample(_NO_LABELS, float(value)),))


def _histogram(name: str, about: str, value: LatencyStats) -> Metric:
    return Metric(name, "histogram", "s", about, (Sample(_NO_LABELS, value),))
