"""What was counted: immutable snapshots, cumulative since the start, from which windows are had by subtraction."""

from __future__ import annotations

from typing import Final, Literal

import msgspec

from core.query import Tier

BreakerState = Literal["closed", "open", "half-open"]


class LatencyStats(msgspec.Struct, frozen=True):
    """Durations in seconds, counted in log-spaced buckets (`core.observe.histogram` has their bounds)."""

    count: int = 0
    total: float = 0.0
    buckets: tuple[int, ...] = ()


class StrategyStats(msgspec.Struct, frozen=True):
    """What one strategy did. A record read counts once, wherever it came from; a page of 50 counts 50 of them.

    `hits` came from a cache tier, `misses` were looked for there and read from the store, `bypasses` went to the store
    without asking a cache (no-cache, or the cache not to be believed). `negatives` are hits on a known absence, `stale`
    hits past their soft TTL, `fail_safe` last known states served and labelled while the store was away, `near_hits`
    those from the near tier; all four are among the hits. `hit_latency` is of hits in Redis, `near_latency` of near
    ones. `negatives`, `stale`, `fail_safe` and `near_hits` exclude each other. `store_reads` counts queries that the
    store answered, `load_latency` how long each took, `failed_loads` and `cancelled_loads` those that it did not
    answer, `saved` those that hits avoided; `coalesced` reads shared a load that was under way. `early_refreshes` were
    begun before the soft TTL had passed. `failed_writes` are among the `errors`.
    """

    hits: int = 0
    near_hits: int = 0
    misses: int = 0
    bypasses: int = 0
    negatives: int = 0
    stale: int = 0
    fail_safe: int = 0
    errors: int = 0
    failed_writes: int = 0
    writes: int = 0
    conflicts: int = 0
    store_reads: int = 0
    failed_loads: int = 0
    cancelled_loads: int = 0
    saved: int = 0
    coalesced: int = 0
    early_refreshes: int = 0
    load_latency: LatencyStats = LatencyStats()
    hit_latency: LatencyStats = LatencyStats()
    near_latency: LatencyStats = LatencyStats()
    miss_latency: LatencyStats = LatencyStats()
    bypass_latency: LatencyStats = LatencyStats()
    write_latency: LatencyStats = LatencyStats()


class StrategyTotals(msgspec.Struct, frozen=True):
    """What one strategy did in all running copies of the program; as in StrategyStats."""

    hits: int = 0
    near_hits: int = 0
    misses: int = 0
    bypasses: int = 0
    errors: int = 0
    writes: int = 0
    store_reads: int = 0
    saved: int = 0


class SharedStats(msgspec.Struct, frozen=True):
    """What all running copies behind this Redis counted together, by strategy, as of about a second ago, and how many
    run: 0 where that is not known, and `problem` says why, if it was ever asked."""

    copies: int = 0
    strategies: dict[str, StrategyTotals] = msgspec.field(default_factory=dict)
    problem: str | None = None


class RedisStats(msgspec.Struct, frozen=True):
    """What the Redis server says of itself (server-wide: all its clients). Bytes, counts, seconds."""

    version: str
    used_memory: int
    max_memory: int
    keys: int
    evicted: int
    expired: int
    clients: int
    used_memory_rss: int = 0
    used_memory_peak: int = 0
    used_memory_dataset: int = 0
    fragmentation: float = 0.0
    uptime: int = 0
    commands: int = 0
    hits: int = 0
    misses: int = 0
    tracking_clients: int = 0
    blocked_clients: int = 0
    rejected_connections: int = 0
    error_replies: int = 0
    cpu_user: float = 0.0
    cpu_system: float = 0.0
    eviction_exceeded: float = 0.0
    loop_duration: float = 0.0


class NearStats(msgspec.Struct, frozen=True):
    """The near tier: whether it is wanted, why it keeps nothing all the same (None: it does), how much it holds of how
    much it may, and what left it: because it changed (of that: because Redis pushed so), for want of room, or for a
    younger one of the same name. `age`: seconds since all that was pushed until then is known to have been heard, None
    where nothing is kept. Bytes are an estimate."""

    on: bool = False
    problem: str | None = None
    entries: int = 0
    most_entries: int = 0
    size: int = 0
    most_size: int = 0
    invalidated: int = 0
    pushed: int = 0
    evicted: int = 0
    replaced: int = 0
    age: float | None = None


class RelayStats(msgspec.Struct, frozen=True):
    """What this copy's relay carried from the store's log of changes into the cache.

    `lag` is from the commit of a batch's oldest change until the batch was applied; `staleness` is, for each entry that
    the relay found outdated and removed, the time since it was. `pending` counts changes nobody has applied yet, None
    where the store cannot tell.
    """

    applied: int = 0
    lag: LatencyStats = LatencyStats()
    staleness: LatencyStats = LatencyStats()
    pending: int | None = None


AUDIT_AGES: Final = (0.1, 1.0, 10.0)
"""Seconds after a write at which an outside observer compares the cache with the store."""


class AuditStats(msgspec.Struct, frozen=True):
    """How many writes were looked at when they were so old (AUDIT_AGES), and how many were outdated in the cache."""

    looked: tuple[int, ...] = (0,) * len(AUDIT_AGES)
    outdated: tuple[int, ...] = (0,) * len(AUDIT_AGES)


class Step(msgspec.Struct, frozen=True):
    """One leg of an operation: whom it asked, what came of it, and in how many seconds; None where nobody measured."""

    where: Literal["near", "redis", "store"]
    outcome: str
    seconds: float | None = None


class TraceLine(msgspec.Struct, frozen=True):
    """One operation as it went: when (Unix seconds), what, on which key, by which strategy, and how it ended."""

    number: int
    at: float
    operation: str
    key: str
    strategy: str
    tier: Tier | None
    verdict: str
    version: int | None
    seconds: float
    steps: tuple[Step, ...] = ()
    """The way it took, as far as that is known; `seconds` covers more than their sum."""


class Stats(msgspec.Struct, frozen=True):
    """Everything that the panels show, at one moment (`at`, monotonic seconds)."""

    at: float
    store: str
    strategy: str
    strategies: dict[str, StrategyStats]
    """By strategy name; those never used have zeroes."""
    refused: dict[str, int]
    """Races prevented: refused fills and finishes by verdict (lease_lost, writing, below_floor, newer, ...)."""
    breaker: BreakerState
    cache_problem: str | None
    """Why Redis is not used just now, in words; None while it is."""
    redis: RedisStats | None
    """None until Redis was first asked, and while it is away."""
    trace: tuple[TraceLine, ...]
    """The newest last."""
    doubt: str | None = None
    """Why the cache is not believed just now, though Redis may answer; None while it is."""
    relay: RelayStats = RelayStats()
    audit: AuditStats = AuditStats()
    generation: str | None = None
    """The name of the collection's state in the cache, another one after every write by whomever; None while nobody
    has asked for any answer since the last write, or the cache is away."""
    breaker_opened: int = 0
    """How often the breaker opened."""
    breaker_entered: dict[BreakerState, int] = {}
    """How often it entered each state."""
    fills: dict[str, int] = {}
    """Entries that readers brought, by verdict: `set`, or why it was refused."""
    finishes: dict[str, int] = {}
    """Ends of committed writes that the cache was told in time, by verdict."""
    invalidations: dict[str, int] = {}
    """Keys that this copy told the cache are outdated, by who said so: relay (the outbox of PostgreSQL), cdc (the
    change stream of MongoDB); under epoch, how often the whole namespace was flushed."""
    in_flight: int = 0
    """Queries to the store that are under way."""
    lease_wait: LatencyStats = LatencyStats()
    """How long readers waited for another one who held the lease."""
    near: NearStats = NearStats()
    shared: SharedStats = SharedStats()
    faults: tuple[str, ...] = ()
    """What is broken on purpose just now, each in two or three words."""
