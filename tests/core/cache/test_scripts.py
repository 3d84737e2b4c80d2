"""The Lua scripts against their Python twin: every verb from every small state gives the same verdict and state."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import product
from typing import Any, cast

import pytest
from redis.asyncio import Redis

from core.cache import protocol
from core.cache.entry import Entry, pack, unpack
from core.cache.journal import JOURNAL
from core.cache.keys import Key
from core.cache.protocol import Gate, Holder, State
from core.cache.redis import Loaded, RedisCache
from tests.core.cache.conftest import SPACE

NOW = 1_000_000
ALIVE, DEAD = 3_600_000, -60_000
"""Deadlines (ms from now) so far away that both clocks agree on every one of them."""

ENTRIES = [None, Entry(False, 0, 0, 0, "m", b""), *(Entry(True, v, 0, 0, "m", b"old") for v in (1, 2, 3))]
READERS = [None, Holder("a", NOW + ALIVE), Holder("b:1", NOW + ALIVE)]
WRITERS = [
    frozenset(holders)
    for holders in (
        [],
        [Holder("a", NOW + ALIVE)],
        [Holder("b:1", NOW + ALIVE)],
        [Holder("a", NOW + ALIVE), Holder("b:1", NOW + ALIVE)],
        [Holder("a", NOW + DEAD)],
        [Holder("a", NOW + ALIVE), Holder("b:1", NOW + DEAD)],
        [Holder("a", NOW + ALIVE, void=True)],
        [Holder("a", NOW + ALIVE), Holder("b:1", NOW + ALIVE, void=True)],
        [Holder("a", NOW + DEAD, void=True), Holder("b:1", NOW + ALIVE)],
    )
]
FLOORS = [0, 2, 3]
STATES = [
    State(entry, Gate(reader, writers, floor))
    for entry, reader, writers, floor in product(ENTRIES, READERS, WRITERS, FLOORS)
]
KEYS = [Key("movie", f"{number}:{{½}}") for number in range(len(STATES))]


def value(version: int) -> Entry:
    return Entry(True, version, 0, 0, "m", b"new")


def lease_key(key: Key) -> bytes:
    return SPACE.all_keys(key)[2]


def plain(entry: Entry | None) -> tuple[bool, int, bytes] | None:
    """An entry without its times, which the twin does not set."""
    return None if entry is None else (entry.known, entry.version, entry.payload)


@pytest.fixture
async def seconds(client: Redis) -> int:
    """The server's clock."""
    return int((await client.time())[0])


@pytest.fixture
async def install(client: Redis, seconds: int, cache: RedisCache) -> None:
    """Each of the states, under a key of its own."""

    def deadline(holder: Holder) -> int:
        return seconds * 1000 + holder.deadline - NOW

    async with client.pipeline(transaction=False) as pipe:
        for key, state in zip(KEYS, STATES, strict=True):
            if state.entry is not None:
                pipe.set(SPACE.entry_key(key), pack(state.entry))
            gate: dict[Any, Any] = {
                f"{'v' if writer.void else 'w'}:{writer.token}": str(deadline(writer)) for writer in state.gate.writers
            }
            if state.gate.reader is not None:
                pipe.set(lease_key(key), state.gate.reader.token, px=state.gate.reader.deadline - NOW)
            if state.gate.floor:
                gate["f"] = f"{state.gate.floor:016x}"
            if gate:
                pipe.hset(SPACE.gate_key(key), mapping=gate)
        await pipe.execute()


async def found(client: Redis, seconds: int) -> list[tuple[object, Gate]]:
    """What Redis holds of each key, on the twin's clock."""

    def holder(name: bytes, deadline: bytes) -> Holder:
        at = NOW + (ALIVE if int(deadline) > seconds * 1000 else DEAD)
        return Holder(name[2:].decode(), at, name.startswith(b"v:"))

    async with client.pipeline(transaction=False) as pipe:
        for key in KEYS:
            pipe.get(SPACE.entry_key(key))
            pipe.hgetall(SPACE.gate_key(key))
            pipe.get(lease_key(key))
        replies = await pipe.execute()
    states: list[tuple[object, Gate]] = []
    for data, fields, token in zip(
        cast("list[bytes | None]", replies[::3]),
        cast("list[dict[bytes, bytes]]", replies[1::3]),
        cast("list[bytes | None]", replies[2::3]),
        strict=True,
    ):
        floor = int(fields.pop(b"f", b"0"), 16)
        writers = frozenset(holder(name, at) for name, at in fields.items())
        gate = Gate(None if token is None else Holder(token.decode(), NOW + ALIVE), writers, floor)
        states.append((plain(None if data is None else unpack(data)), gate))
    return states


async def check(
    client: Redis, seconds: int, verdicts: list[object], twin: Callable[[State], tuple[State, object]]
) -> None:
    expected = [twin(state) for state in STATES]
    states = await found(client, seconds)
    for before, (after, verdict), got, state in zip(STATES, expected, verdicts, states, strict=True):
        assert (got, state) == (verdict, (plain(after.entry), after.gate)), before


async def test_near_tiers_are_waited_for_where_the_announcement_was_lost_not_where_it_is_void(
    cache: RedisCache, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody can have filled behind a void token."""
    heard: list[str] = []

    async def noted() -> None:
        heard.append(token)

    monkeypatch.setattr(cache, "heard", noted)
    for token in ("good", "void", "lost"):
        await cache.begin([KEYS[0]], token, 60)
        if token == "void":
            await cache.invalidate(KEYS[0], 0, force=True)
        elif token == "lost":
            await cache.forget(KEYS[0])
        await cache.finish(token, [(KEYS[0], 1, b"new")])
    assert heard == ["lost"]


async def test_a_flush_frees_a_name_from_a_writer_who_died(cache: RedisCache) -> None:
    await cache.begin(KEYS[:2], "died", 60)
    await cache.flush(KEYS[0])
    assert (await cache.acquire(KEYS[0], "r", 5)).verdict == "token"
    assert (await cache.acquire(KEYS[1], "r", 5)).verdict == "writing"


@pytest.mark.usefixtures("install")
class TestEveryState:
    @pytest.mark.parametrize("refresh", [False, True])
    async def test_acquire(self, cache: RedisCache, client: Redis, seconds: int, refresh: bool) -> None:
        got = await cache.acquire_many(KEYS, "a", ALIVE / 1000, refresh=refresh)

        def twin(state: State) -> tuple[State, object]:
            after, verdict, entry = protocol.acquire(state, NOW, "a", ALIVE, refresh=refresh)
            return after, (verdict, plain(entry))

        await check(client, seconds, [(one.verdict, plain(one.entry)) for one in got], twin)

    @pytest.mark.parametrize("version", [1, 2, 3])
    async def test_fill(self, cache: RedisCache, client: Redis, seconds: int, version: int) -> None:
        got = await cache.fill_many("a", [Loaded(key, version, b"new", 0) for key in KEYS])
        await check(client, seconds, [*got], lambda state: protocol.fill(state, NOW, "a", value(version)))

    async def test_fill_with_an_absence(self, cache: RedisCache, client: Redis, seconds: int) -> None:
        got = await cache.fill_many("a", [Loaded(key, 9, None, 0) for key in KEYS])
        absence = Entry(False, 0, 0, 0, "m", b"")
        await check(client, seconds, [*got], lambda state: protocol.fill(state, NOW, "a", absence))

    @pytest.mark.parametrize("hide", [False, True])
    async def test_begin(self, cache: RedisCache, client: Redis, seconds: int, hide: bool) -> None:
        await cache.begin(KEYS, "a", ALIVE / 1000, hide=hide)
        nothing: list[object] = [None] * len(KEYS)
        await check(client, seconds, nothing, lambda state: (protocol.begin(state, NOW, "a", ALIVE, hide=hide), None))

    @pytest.mark.parametrize("version", [1, 2, 3])
    @pytest.mark.parametrize("payload", [b"new", None])
    async def test_finish(
        self, cache: RedisCache, client: Redis, seconds: int, version: int, payload: bytes | None
    ) -> None:
        got = await cache.finish("a", [(key, version, payload) for key in KEYS])
        entry = None if payload is None else value(version)
        await check(client, seconds, [*got], lambda state: protocol.finish(state, NOW, "a", version, entry))

    async def test_abort(self, cache: RedisCache, client: Redis, seconds: int) -> None:
        await cache.abort(KEYS, "a")
        nothing: list[object] = [None] * len(KEYS)
        await check(client, seconds, nothing, lambda state: (protocol.abort(state, NOW, "a"), None))

    @pytest.mark.parametrize("version", [1, 2, 3])
    @pytest.mark.parametrize("force", [False, True])
    async def test_invalidate(self, cache: RedisCache, client: Redis, seconds: int, version: int, force: bool) -> None:
        got = [await cache.invalidate(key, version, force=force) for key in KEYS]
        await check(client, seconds, [*got], lambda state: protocol.invalidate(state, NOW, version, force=force))

    async def test_forget(self, cache: RedisCache, client: Redis, seconds: int) -> None:
        for key in KEYS:
            await cache.forget(key)
        nothing: list[object] = [None] * len(KEYS)
        await check(client, seconds, nothing, lambda state: (protocol.forget(), None))

    async def test_flush(self, cache: RedisCache, client: Redis, seconds: int) -> None:
        """Readers and floors are forgotten; writers stay, and their tokens are void."""
        await cache.cut_journal()
        await cache.note(["Q1"])
        beside = SPACE.gate_key(Key("board", "all"))
        await client.hset(beside, mapping={"build": "1", "floor:all": "2"})
        assert await cache.flush() == sum(state.entry is not None for state in STATES)

        def twin(state: State) -> tuple[State, object]:
            writers = frozenset(Holder(one.token, one.deadline, True) for one in state.gate.writers)
            return State(None, Gate(None, writers)), None

        nothing: list[object] = [None] * len(KEYS)
        await check(client, seconds, nothing, twin)
        assert not await client.exists(SPACE.gate_key(JOURNAL), beside)


@pytest.mark.parametrize("seed", range(4))
async def test_random_operations_one_after_the_other(cache: RedisCache, client: Redis, seconds: int, seed: int) -> None:
    """Fifteen keys go through forty operations each, by three tokens; verdicts and states stay those of the twin."""
    draw = random.Random(seed)
    states = dict.fromkeys(KEYS, State())
    for _ in range(600):
        key = draw.choice(KEYS[:15])
        token, version, state = draw.choice("abc"), draw.randrange(1, 5), states[key]
        got: object = None
        verdict: object = None
        match draw.choice(["acquire", "refresh", "fill", "absence", "begin", "finish", "drop", "abort", "invalidate"]):
            case "acquire" | "refresh" as asked:
                refresh = asked == "refresh"
                got = (await cache.acquire(key, token, ALIVE / 1000, refresh=refresh)).verdict
                state, verdict, _entry = protocol.acquire(state, NOW, token, ALIVE, refresh=refresh)
            case "fill":
                got = await cache.fill(key, token, version, b"new")
                state, verdict = protocol.fill(state, NOW, token, value(version))
            case "absence":
                got = await cache.fill(key, token, version, None)
                state, verdict = protocol.fill(state, NOW, token, Entry(False, 0, 0, 0, "m", b""))
            case "begin":
                hide = draw.random() < 0.5
                await cache.begin([key], token, ALIVE / 1000, hide=hide)
                state = protocol.begin(state, NOW, token, ALIVE, hide=hide)
            case "finish":
                got = (await cache.finish(token, [(key, version, b"new")]))[0]
                state, verdict = protocol.finish(state, NOW, token, version, value(version))
            case "drop":
                got = (await cache.finish(token, [(key, version, None)]))[0]
                state, verdict = protocol.finish(state, NOW, token, version, None)
            case "abort":
                await cache.abort([key], token)
                state = protocol.abort(state, NOW, token)
            case "invalidate":
                force = draw.random() < 0.3
                got = await cache.invalidate(key, version, force=force)
                state, verdict = protocol.invalidate(state, NOW, version, force=force)
        assert got == verdict, f"seed {seed}"
        states[key] = state
    for (entry, gate), state in zip(await found(client, seconds), states.values(), strict=True):
        assert (entry, gate) == (plain(state.entry), state.gate), f"seed {seed}"


async def test_bytes_of_another_format_count_as_absent(cache: RedisCache, client: Redis) -> None:
    key = KEYS[0]
    await client.set(SPACE.entry_key(key), b"2V" + b"0" * 60)
    assert await cache.get(key) is None
    assert (await cache.acquire(key, "r", 5)).verdict == "token"
    assert await cache.fill(key, "r", 1, b"new") == "set"


async def test_bytes_that_only_look_like_an_entry_are_never_shown(cache: RedisCache, client: Redis) -> None:
    key = KEYS[0]
    await client.set(SPACE.entry_key(key), b"1V" + b"?" * 60)
    assert await cache.get(key) is None
    assert (await cache.acquire(key, "r", 5)).verdict == "writing"


class Doing:
    """What is done in this block takes its time, by the server's clock: what it left ends so much later or earlier."""

    def __init__(self, client: Redis) -> None:
        self._client = client

    async def __aenter__(self) -> Doing:
        self.began = await self._now()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.ended = await self._now()

    async def _now(self) -> int:
        seconds, microseconds = await self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    async def left(self, name: bytes, milliseconds: int) -> bool:
        """Whether this ends so long after some moment of it, but for what was rounded."""
        end = await self._client.pexpiretime(name.decode())
        return self.began - 1 <= end - milliseconds <= self.ended + 1


async def test_the_gate_outlives_its_longest_deadline_by_half_a_minute(cache: RedisCache, client: Redis) -> None:
    key = KEYS[0]
    async with Doing(client) as beginning:
        await cache.begin([key], "w", 10)
    await cache.invalidate(key, 3)
    await cache.acquire(key, "r", 0.5)
    assert await beginning.left(SPACE.gate_key(key), 40_000)


async def test_a_gate_lives_on_when_its_only_token_becomes_void(cache: RedisCache, client: Redis) -> None:
    key = KEYS[0]
    async with Doing(client) as beginning:
        await cache.begin([key], "w", 10)
    await cache.invalidate(key, 0, force=True)
    assert await beginning.left(SPACE.gate_key(key), 40_000)
    await cache.forget(key)
    async with Doing(client) as beginning:
        await cache.begin([key], "w", 10)
    await cache.flush()
    assert await beginning.left(SPACE.gate_key(key), 40_000)


async def test_a_floor_is_remembered_for_half_a_minute(cache: RedisCache, client: Redis) -> None:
    async with Doing(client) as finishing:
        await cache.finish("w", [(KEYS[0], 3, None)])
    assert await finishing.left(SPACE.gate_key(KEYS[0]), 30_000)


async def test_times_to_live_vary_by_a_tenth(redis_url: str, client: Redis) -> None:
    draws = iter([0.0, 0.999999, 0.0, 0.5])
    cache = RedisCache(
        redis_url, SPACE, soft_ttl=60, hard_ttl=600, negative_ttl=20, budget=5, random=lambda: next(draws)
    )
    await cache.open()
    for number, (payload, keep, fresh) in enumerate(
        [(b"x", 540_000, 54_000), (b"x", 660_000, 66_000), (None, 18_000, 18_000), (None, 20_000, 20_000)]
    ):
        key = Key("movie", str(number))
        await cache.acquire(key, "r", 5)
        async with Doing(client) as filling:
            began = cache.now_ms()
            await cache.fill(key, "r", 1, payload, load_ms=7)
            ended = cache.now_ms()
        entry = await cache.get(key)
        assert entry is not None
        assert entry.load_ms == 7
        assert began - 1 <= entry.fresh_until - fresh <= ended + 1
        assert await filling.left(SPACE.entry_key(key), keep)
    await cache.close()


async def test_the_clock_is_the_servers(redis_url: str, client: Redis) -> None:
    """As far as its greeting took no time."""
    cache = RedisCache(redis_url, SPACE, soft_ttl=60, hard_ttl=600, budget=5)
    async with Doing(client) as greeting:
        await cache.open()
    async with Doing(client) as looking:
        now = cache.now_ms()
    assert looking.began - (greeting.ended - greeting.began) - 1 <= now <= looking.ended + 1
    await cache.close()
