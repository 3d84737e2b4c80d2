"""The Redis side of the cache: the protocol's verbs, each one round trip within a time budget."""

from __future__ import annotations

import copy
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from functools import partial
from random import random
from typing import Final, NamedTuple

from core.cache import scripts
from core.cache.breaker import Breaker
from core.cache.entry import Entry, entry_in, hexadecimal, pack
from core.cache.info import RedisInfo, redis_info
from core.cache.journal import JOURNAL, MOST, Changes, Place, changes, place_of
from core.cache.keys import Key, Namespace
from core.cache.link import Link, ScriptCall
from core.cache.near import Near, Shelf
from core.cache.protocol import FillVerdict, FinishVerdict, InvalidateVerdict
from core.cache.replies import FILLED, FINISHED, INVALIDATED, Acquired, acquired
from core.cache.scripts import Script
from core.cache.tracking import Tracking
from core.cache.wire import Batch, Command, Refused, Reply
from core.errors import CacheUnavailable

Call = tuple[Script, Key, tuple[bytes | str | int, ...]]
Ask = Callable[[Sequence[Command]], Awaitable[list[Reply]]]
"""One round trip."""

_SCAN_COUNT: Final = 1000


class Loaded(NamedTuple):
    """A value for `fill_many`; a payload of None is a known absence, whose version does not count."""

    key: Key
    version: int
    payload: bytes | None
    load_ms: int


class Outdated(NamedTuple):
    """What a committed write made worthless: a key, which is forgotten, and the ids that the journal notes first, so
    that who finds the key again finds them there, too. `token` marks that note; any will do without."""

    key: Key
    ids: Sequence[str]
    token: bytes = b""


class RedisCache:
    """The entries and gates of one namespace on one Redis server.

    Times are in seconds: an entry counts as fresh for `soft_ttl` and is kept for `hard_ttl`, a known absence for
    `negative_ttl`, each changed at random by up to the share `jitter`; every call ends within `budget`. `codec` is one
    printable character that names the encoding of the payloads. Every method raises CacheUnavailable and nothing else
    when Redis cannot serve, and then nothing is known of what the server did. Call `open` first.
    """

    def __init__(
        self,
        url: str,
        namespace: Namespace,
        *,
        soft_ttl: float,
        hard_ttl: float,
        negative_ttl: float = 15.0,
        jitter: float = 0.1,
        budget: float = 0.1,
        codec: str = "m",
        random: Callable[[], float] = random,
        near: Near | None = None,
        place: str = "",
    ) -> None:
        self.namespace = namespace
        self.place = place
        """Where an embedded server is, of which there is only ever one; empty for any other."""
        self.near = near or Near()
        """What is kept in this process."""
        self.tracking = Tracking(self.near)
        """What keeps that right."""
        self._soft_ttl = soft_ttl
        self._hard_ttl = hard_ttl
        self._negative_ttl = negative_ttl
        self._jitter = jitter
        self._codec = codec
        self._random = random
        self._link = Link(url, budget=budget, pushed=self.tracking.pushed, lost=self.tracking.lost)

    @property
    def breaker(self) -> Breaker:
        """The circuit breaker of the connection."""
        return self._link.breaker

    @property
    def address(self) -> str:
        """Where the server is, password masked."""
        return self._link.address

    @property
    def greetings(self) -> int:
        """How often the server was greeted: what it holds is to be believed anew after each time."""
        return self._link.greetings

    @property
    def life(self) -> str:
        """Which life of which server was greeted last."""
        return self._link.life

    @property
    def hard_ttl(self) -> float:
        """Seconds that an entry is kept, as far as chance does not change it."""
        return self._hard_ttl

    def seek(self, problem: str) -> None:
        """Leave the server, for this reason, and find out anew which one it is."""
        self._link.seek(problem)

    async def answering(self) -> None:
        """Wait until the server answers, as far as the breaker knows."""
        await self._link.answering()

    def with_namespace(self, namespace: Namespace) -> RedisCache:
        """The same cache under another prefix; connections and breaker are shared."""
        other = copy.copy(self)
        other.namespace = namespace
        return other

    def now_ms(self) -> int:
        """The clock against which `Entry.fresh_until` counts: the server's, in milliseconds since 1970."""
        return self._link.now_ms()

    async def open(self) -> None:
        """Connect. Where Redis is away the breaker starts open, and the cache recovers by itself."""
        await self._link.open()

    async def close(self) -> None:
        """Close every connection; calls under way are given up. Idempotent; for all namespaces at once."""
        await self.tracking.close()
        await self._link.close()

    async def use_near(self, on: bool) -> None:
        """Begin or end to keep near what is read, for all namespaces at once; `tracking.problem` tells why it cannot
        be, if so."""
        await self.tracking.use(self._link, on)

    def shelf(self, kind: str) -> Shelf:
        """What is kept near of one kind: give it to reads that are to keep what they bring."""
        return self.near.shelf(self.namespace, kind)

    async def get(self, key: Key, shelf: Shelf | None = None) -> Entry | None:
        """The entry, in one plain read; None where there is none, or none of this format."""
        return entry_in(await self._link.get(self.namespace.entry_key(key), shelf))

    async def get_many(self, keys: Sequence[Key], shelf: Shelf | None = None) -> list[Entry | None]:
        """The entries in the order of the keys, in one MGET."""
        if not keys:
            return []
        return list(map(entry_in, await self._link.get_many([*map(self.namespace.entry_key, keys)], shelf)))

    def read(self, batch: Batch) -> None:
        """Read a batch of names that leaves at the end of this tick of the event loop.

        Raises CacheUnavailable where Redis is known to be away; what happens later the batch is told."""
        self._link.read(batch)

    async def get_bulk(self, keys: Sequence[Key]) -> list[Entry | None]:
        """The same on the lane for what may be large."""
        reply = (await self._link.exchange([("MGET", *map(self.namespace.entry_key, keys))]))[0]
        return [entry_in(value) for value in self._accepted(reply)]

    async def look_many(self, keys: Sequence[Key]) -> list[Entry | None]:
        """The entries of these keys, for somebody who only looks, and can wait."""
        reply = (await self._link.look([("MGET", *map(self.namespace.entry_key, keys))]))[0]
        return [entry_in(value) for value in self._accepted(reply)]

    def forget_near(self, keys: Sequence[Key]) -> None:
        """Keep nothing near of these that is known or on its way at this moment."""
        if self.near.keeping:
            self.tracking.drop([*map(self.namespace.entry_key, keys)])

    async def heard(self) -> None:
        """Wait until no near tier anywhere holds what changed in Redis before this call. Raises CacheUnavailable."""
        reply = (await self._link.run([self.tracking.ring(self._link)], invalidates=True))[0]
        await self.tracking.heard(self._link, self._accepted(reply))

    async def acquire(self, key: Key, token: str, lease: float, *, refresh: bool = False) -> Acquired:
        """Ask for the entry, or for the right to fill it within `lease` seconds; `refresh` asks though it is there."""
        keys = self.namespace.all_keys(key)
        reply = await self._link.run_one(scripts.ACQUIRE, keys, token, _ms(lease), int(refresh))
        return acquired(self._accepted(reply))

    async def acquire_many(
        self, keys: Sequence[Key], token: str, lease: float, *, refresh: bool = False
    ) -> list[Acquired]:
        """The same for several keys, in one round trip."""
        arguments = (token, _ms(lease), int(refresh))
        replies = await self._run([(scripts.ACQUIRE, key, arguments) for key in keys])
        return [acquired(self._accepted(reply)) for reply in replies]

    async def fill(self, key: Key, token: str, version: int, payload: bytes | None, *, load_ms: int = 0) -> FillVerdict:
        """Install what was loaded under a token; a payload of None is a known absence."""
        keys, more = self.namespace.all_keys(key), self._filling(token, version, payload, load_ms)
        return FILLED[self._accepted(await self._link.run_one(scripts.FILL, keys, *more))]

    async def fill_many(self, token: str, items: Sequence[Loaded]) -> list[FillVerdict]:
        """The same for several keys, in one round trip. Raises CacheUnavailable when Redis is full, too."""
        calls: list[Call] = [
            (scripts.FILL, key, self._filling(token, version, payload, load_ms))
            for key, version, payload, load_ms in items
        ]
        return [FILLED[self._accepted(reply)] for reply in await self._run(calls)]

    async def begin(self, keys: Sequence[Key], token: str, write: float, *, hide: bool = True) -> None:
        """Announce a write that ends within `write` seconds: nobody fills until then; `hide` removes the entries, from
        every near tier, too."""
        arguments = (token, _ms(write), int(hide))
        calls = [self._call(scripts.BEGIN, key, arguments) for key in keys]
        if hide and keys:
            calls.append(self.tracking.ring(self._link))
        replies = [*map(self._accepted, await self._link.run(calls, invalidates=True))] if calls else []
        if hide and keys:
            self.forget_near(keys)
            await self.tracking.heard(self._link, replies[-1])

    async def finish(
        self, token: str, items: Sequence[tuple[Key, int, bytes | None]], *, outdated: Outdated | None = None
    ) -> list[FinishVerdict]:
        """End committed writes: (key, version, payload) each, where a payload of None drops the entry.

        Where Redis is full, the entry is dropped instead of installed. What is `outdated` ends before them.
        """
        if not items:
            return []
        keys = [key for key, _, _ in items]
        ending = _ending(outdated) if outdated is not None else []
        calls = [self._call(*call) for call in (*ending, *(self._finishing(token, *item) for item in items))]
        held: list[Command] = [("HMGET", self.namespace.gate_key(key), f"w:{token}", f"v:{token}") for key in keys]
        replies = await self._link.run(calls, before=held, invalidates=True)
        held_all, replies = all(map(_stood, replies[: len(held)])), replies[len(held) :]
        for reply in replies[: len(ending)]:
            self._accepted(reply)
        if outdated is not None:
            self.forget_near([outdated.key])
        replies = replies[len(ending) :]
        full = [n for n, reply in enumerate(replies) if isinstance(reply, Exception) and _is_out_of_memory(reply)]
        drops = [self._finishing(token, items[n][0], items[n][1], None) for n in full]
        for n, reply in zip(full, await self._run(drops, invalidates=True), strict=True):
            replies[n] = reply
        self.forget_near(keys)
        if not held_all:
            # The announcement was lost, so the state before may have been filled, and kept near, after all.
            await self.heard()
        return [FINISHED[self._accepted(reply)] for reply in replies]

    async def abort(self, keys: Sequence[Key], token: str) -> None:
        """End a write that is known to be rolled back; one whose outcome is unknown is left to expire."""
        for reply in await self._run([(scripts.ABORT, key, (token,)) for key in keys], invalidates=True):
            self._accepted(reply)

    async def invalidate(self, key: Key, version: int, *, force: bool = False) -> InvalidateVerdict:
        """Carry a foreign write of this version in; `force` is for a write that left no version."""
        return (await self.invalidate_many([(key, version, force)]))[0]

    async def invalidate_many(
        self, items: Sequence[tuple[Key, int, bool]], *, outdated: Outdated | None = None
    ) -> list[InvalidateVerdict]:
        """The same for several keys, (key, version, force) each, one after the other in one round trip. What is
        `outdated` ends before them."""
        ending = _ending(outdated) if outdated is not None else []
        calls: list[Call] = [
            (scripts.INVALIDATE, key, (hexadecimal(version), int(force))) for key, version, force in items
        ]
        replies = await self._run([*ending, *calls], invalidates=True)
        verdicts = [INVALIDATED[self._accepted(reply)] for reply in replies[len(ending) :]]
        changed = [key for (key, _, _), verdict in zip(items, verdicts, strict=True) if verdict != "newer"]
        self.forget_near(changed if outdated is None else [outdated.key, *changed])
        for reply in replies[: len(ending)]:
            self._accepted(reply)
        return verdicts

    async def forget(self, key: Key) -> None:
        """Remove the entry of a key that is a name which never comes back, and all tokens of it."""
        self._accepted((await self._run([(scripts.FORGET, key, ())], invalidates=True))[0])
        self.forget_near([key])

    async def note(self, ids: Sequence[str]) -> None:
        """Note in the journal that these changed."""
        self._accepted((await self._run([_note(ids)], invalidates=True))[0])

    async def cut_journal(self) -> None:
        """Note that anything may have changed."""
        journal: Command = ("UNLINK", self.namespace.gate_key(JOURNAL))
        self._accepted((await self._link.exchange([journal], invalidates=True))[0])

    async def journal_end(self) -> Place:
        """The last place in the journal; one is made where there is none."""
        last: Command = ("XREVRANGE", self.namespace.gate_key(JOURNAL), "+", "-", "COUNT", 1)
        entries = self._accepted((await self._link.exchange([last]))[0])
        while not entries:
            await self.note(())
            entries = self._accepted((await self._link.exchange([last]))[0])
        return place_of(entries[0])

    async def changed_since(self, place: Place) -> Changes | None:
        """What was noted in the journal behind a place; None where that cannot be told."""
        behind: Command = ("XRANGE", self.namespace.gate_key(JOURNAL), place.entry, "+", "COUNT", MOST + 1)
        return changes(place, self._accepted((await self._link.exchange([behind]))[0]))

    async def floors(self, keys: Sequence[Key]) -> list[int]:
        """The highest version of each key that the cache was told of; 0 where it remembers none."""
        replies = await self._link.exchange([("HGET", self.namespace.gate_key(key), "f") for key in keys])
        return [int(self._accepted(reply) or b"0", 16) for reply in replies]

    async def flush(self, *names: Key) -> int:
        """Remove every entry of this namespace, and every gate that no writer is behind; returns how many entries there
        were. Many round trips.

        What was loaded before the call cannot be installed after it: its token is gone, or void. Keys that are `names`
        are forgotten, with whoever writes them.
        """
        # Gates and leases first: an entry that a doomed token still installs meanwhile is there when the entries'
        # scan begins.
        async for found in self._scan(self.namespace.gates):
            self._accepted((await self._link.run([(scripts.CLEAR, tuple(found), ())], invalidates=True))[0])
        for key in names:
            await self.forget(key)
        removed = await self._unlink(self.namespace.entries)
        self.tracking.drop(None)
        return removed

    async def beside(self, commands: Sequence[Command], calls: Sequence[ScriptCall] = ()) -> list[Reply]:
        """Other commands, and scripts behind them, in one round trip: on structures that the protocol does not need.

        Raises CacheUnavailable, also where one is refused, and for want of a permission too: that costs nobody the
        cache."""
        return [*map(self._accepted, await self._link.run(calls, before=commands, optional=True))]

    async def look(self, commands: Sequence[Command]) -> list[Reply]:
        """One round trip for somebody who only looks; refusals are among the replies. Raises CacheUnavailable."""
        return await self._link.look(commands)

    def refusal(self, reply: Refused) -> CacheUnavailable:
        """What a refusal means, for whoever looked."""
        return self._link.refusal(reply)

    async def server(self) -> RedisInfo:
        """What the server says of itself, in one round trip."""
        return redis_info(await self._link.info())

    def _finishing(self, token: str, key: Key, version: int, payload: bytes | None) -> Call:
        if payload is None:
            return scripts.DROP, key, (token, hexadecimal(version))
        entry, keep = self._envelope(version, payload, 0)
        return scripts.FINISH, key, (token, hexadecimal(version), keep, pack(entry))

    def _filling(self, token: str, version: int, payload: bytes | None, load_ms: int) -> tuple[bytes | str | int, ...]:
        entry, keep = self._envelope(version, payload, load_ms)
        return token, keep, pack(entry)

    def _envelope(self, version: int, payload: bytes | None, load_ms: int) -> tuple[Entry, int]:
        """The entry, and for how many milliseconds Redis keeps it."""
        factor = 1 + self._jitter * (2 * self._random() - 1)
        if payload is None:
            keep = max(1, _ms(self._negative_ttl * factor))
            return Entry(False, 0, self.now_ms() + keep, load_ms, self._codec, b""), keep
        fresh_until = self.now_ms() + _ms(self._soft_ttl * factor)
        return Entry(True, version, fresh_until, load_ms, self._codec, payload), max(1, _ms(self._hard_ttl * factor))

    def _call(self, script: Script, key: Key, more: tuple[bytes | str | int, ...]) -> ScriptCall:
        return script, self.namespace.all_keys(key), more

    async def _run(self, calls: Sequence[Call], *, invalidates: bool = False) -> list[Reply]:
        """Run scripts in one round trip."""
        return await self._link.run([self._call(*call) for call in calls], invalidates=invalidates) if calls else []

    async def keys(self) -> AsyncIterator[list[Key]]:
        """Every key that has an entry, some at a time, for somebody who only looks: those that are there all the while
        once at least."""
        async for names in self._scan(self.namespace.entries, self._link.look):
            yield [key for name in names if (key := self.namespace.key_of(name)) is not None]

    async def _unlink(self, pattern: str) -> int:
        removed = 0
        async for names in self._scan(pattern):
            reply = (await self._link.exchange([("UNLINK", *names)], invalidates=True))[0]
            removed += int(self._accepted(reply))
        return removed

    async def _scan(self, pattern: str, ask: Ask | None = None) -> AsyncIterator[list[bytes]]:
        ask = ask or partial(self._link.exchange, invalidates=True)
        cursor = b"0"
        while True:
            scan: Command = ("SCAN", cursor, "MATCH", pattern, "COUNT", _SCAN_COUNT)
            cursor, names = self._accepted((await ask([scan]))[0])
            if names:
                yield names
            if cursor == b"0":
                return

    def _accepted(self, reply: Reply) -> Reply:
        if isinstance(reply, Exception):
            raise self._link.refusal(reply)
        return reply


def _stood(gate: Reply) -> bool:
    """Whether one of these fields of a gate was there."""
    return isinstance(gate, list) and any(field is not None for field in gate)


def _ending(outdated: Outdated) -> list[Call]:
    return [_note(outdated.ids, outdated.token), (scripts.FORGET, outdated.key, ())]


def _note(ids: Sequence[str], token: bytes = b"") -> Call:
    return scripts.NOTE, JOURNAL, (token or secrets.token_bytes(8), "\n".join(ids).encode("utf-8", "surrogatepass"))


def _ms(seconds: float) -> int:
    return int(seconds * 1000)


def _is_out_of_memory(refusal: Exception) -> bool:
    return isinstance(refusal, Refused) and refusal.code == "OOM"
