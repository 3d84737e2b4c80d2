"""FaultSwitches: break the embedded servers in earnest, and mend them again.

Nothing is simulated but the slow store: signals go to the processes, commands to the real Redis, an edit into the real
database. The embedded servers alone are broken; one that was given by URL belongs to somebody else, and is left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal

import msgspec

from core.cache.redis import RedisCache
from core.errors import FaultRefused, ServerFailed, StoreUnavailable
from core.lab.slow import Slowness
from core.servers.binaries import TITLES, ServerName
from core.servers.embedded import EmbeddedServers
from core.servers.unbroken import unbroken
from core.settings import Settings
from core.stores.base import StoreName

FaultName = Literal[
    "pause-redis", "kill-redis", "fill-redis", "flush-redis", "slow-store", "pause-store", "edit-behind-the-back"
]
SLOWER: Final = 0.25
"""Seconds that a slow store takes more for each call."""
_ANSWER: Final = 2.0
"""Seconds that Redis has for a command of ours."""


class Fault(msgspec.Struct, frozen=True):
    """One thing that can be broken. One that is not `lasting` happens once, and there is nothing to switch off."""

    name: FaultName
    title: str
    description: str
    lasting: bool = True


FAULTS: Final[tuple[Fault, ...]] = (
    Fault("pause-redis", "Pause Redis", "Its process stands still: connections stay open, no answer comes."),
    Fault("kill-redis", "Kill Redis", "Its process ends at once; it is started anew, empty, after 3 seconds."),
    Fault("fill-redis", "Fill Redis", "It refuses whatever needs memory, and still answers reads."),
    Fault("flush-redis", "Flush Redis", "Everything it holds is gone at once, entries and gates.", lasting=False),
    Fault("slow-store", "Slow store", f"Every call to the store takes {SLOWER * 1000:.0f} ms more."),
    Fault("pause-store", "Pause the store", "All its processes stand still: only what is cached can be had."),
    Fault(
        "edit-behind-the-back",
        "Edit behind the back",
        "A movie becomes a minute longer in the database; nobody is told.",
        lasting=False,
    ),
)
FAULT: Final[dict[FaultName, Fault]] = {fault.name: fault for fault in FAULTS}


class FaultSwitches:
    """The switches of one catalogue. Every method raises FaultRefused for what cannot be done, in one sentence.

    `store` tells the store in force, `note` hears of every switch: the fault, what became of it.
    """

    def __init__(
        self,
        servers: EmbeddedServers,
        settings: Settings,
        cache: RedisCache,
        slowness: Slowness,
        store: Callable[[], str],
        note: Callable[[str, str], None],
    ) -> None:
        self._servers = servers
        self._settings = settings
        self._cache = cache
        self._slowness = slowness
        self._store = store
        self._note = note
        self._paused: ServerName | None = None
        self._killed: int | None = None
        """How often Redis had been greeted when it was killed."""
        self._limits: dict[str, str] | None = None
        """What bounded the memory of a Redis that is full on purpose."""

    # ------------------------------------------------------------------------------------------------- what is broken

    @property
    def active(self) -> dict[FaultName, str]:
        """What is broken just now, each in two or three words."""
        faults: dict[FaultName, str] = {}
        if self._servers.paused("redis"):
            faults["pause-redis"] = "Redis paused"
        if self._killed is not None and self._killed == self._cache.greetings:
            faults["kill-redis"] = "Redis killed"
        if self._limits is not None:
            faults["fill-redis"] = "Redis full"
        if self._slowness.seconds:
            faults["slow-store"] = f"store slower by {self._slowness.seconds * 1000:.0f} ms"
        if self._paused is not None:
            faults["pause-store"] = f"{TITLES[self._paused]} paused"
        return faults

    # -------------------------------------------------------------------------------------------------------- switching

    async def on(self, name: FaultName, *, movie: str | None = None) -> str:
        """Break it; returns what was done, as a sentence. Again does nothing.

        `movie` is the id of the movie to edit behind the back; None lets the database choose one."""
        if name in self.active:
            return f"{FAULT[name].title}: it is on already."
        try:
            done = await self._broken(name, movie)
        except (ServerFailed, StoreUnavailable) as problem:
            raise FaultRefused(f"{FAULT[name].title}: {problem.message}.", remedy=problem.remedy) from None
        self._note(name, "on" if FAULT[name].lasting else done)
        return done

    async def off(self, name: FaultName) -> None:
        """Mend it. Nothing happens where it is not on."""
        if name not in self.active:
            return
        match name:
            case "pause-redis":
                self._servers.server("redis").resume()
            case "kill-redis":
                try:
                    await self._servers.redis()
                except ServerFailed as problem:
                    raise FaultRefused(f"Redis does not start: {problem.message}.", remedy=problem.remedy) from None
            case "fill-redis":
                await self._restore()
            case "slow-store":
                self._slowness.seconds = 0.0
            case "pause-store" if self._paused is not None:
                self._servers.server(self._paused).resume()
                self._paused = None
        self._note(name, "off")

    async def lift(self) -> None:
        """Mend everything, whatever happens to the caller meanwhile; what cannot be mended, nobody can use any more."""
        broken = list(self.active)
        # Signals first: they take no time, and what stands still answers nothing.
        self._servers.resume()
        self._paused = None
        self._slowness.seconds = 0.0
        await unbroken(self._restored_or_gone())
        for name in broken:
            if name not in self.active:
                self._note(name, "off")

    # ---------------------------------------------------------------------------------------------------------- details

    async def _broken(self, name: FaultName, movie: str | None) -> str:
        match name:
            case "pause-redis":
                self._own_redis()
                await self._servers.server("redis").pause()
                return "Redis stands still until the fault is lifted."
            case "kill-redis":
                self._own_redis()
                self._servers.server("redis").kill()
                self._killed = self._cache.greetings
                self._limits = None  # it starts anew with its own
                return "Redis was killed, and is started anew after 3 seconds."
            case "fill-redis":
                self._own_redis()
                return await self._fill()
            case "flush-redis":
                self._own_redis()
                await self._ask(["FLUSHALL"])
                return "Redis has forgotten everything."
            case "slow-store":
                self._slowness.seconds = SLOWER
                return f"Every call to the store takes {SLOWER * 1000:.0f} ms more."
            case "pause-store":
                store = self._own_store()
                self._paused = store
                try:
                    await self._servers.server(store).pause()
                except ServerFailed:
                    self._paused = None
                    raise
                return f"{TITLES[store]} stands still until the fault is lifted."
            case "edit-behind-the-back":
                return await self._edit(movie)

    def _own_redis(self) -> None:
        if self._settings.redis_url is not None:
            raise FaultRefused("This Redis was given by URL, and only the embedded one is broken on purpose.")

    def _own_store(self) -> StoreName:
        store: StoreName = "mongodb" if self._store() == "mongodb" else "postgresql"
        if self._settings.url(store) is not None:
            raise FaultRefused(
                f"This {TITLES[store]} was given by URL, and only the embedded one is broken on purpose."
            )
        return store

    async def _edit(self, movie: str | None) -> str:
        store = self._own_store()
        from core.lab.edits import edit_behind_the_back  # the one fault that talks to a database

        edit = await edit_behind_the_back(store, self._servers.server(store).url, movie)
        if edit is None:
            raise FaultRefused("There is no such movie in the store to edit.")
        before = "unknown" if edit.before is None else f"{edit.before} min"
        return f"“{edit.title}” ({edit.id}): runtime {before} → {edit.after} min, straight in {TITLES[store]}."

    async def _fill(self) -> str:
        used, limit, policy = await self._ask(
            ["INFO", "memory"], ["CONFIG", "GET", "maxmemory"], ["CONFIG", "GET", "maxmemory-policy"]
        )
        # A little less than that: what one client frees by leaving would make room for a dozen entries.
        bound = int(used["used_memory"]) * 9 // 10
        self._limits = {**limit, **policy}
        await self._ask(["CONFIG", "SET", "maxmemory", str(bound), "maxmemory-policy", "noeviction"])
        return f"Redis is full: at most {bound / 2**20:.1f} MB, and nothing makes room."

    async def _restore(self) -> None:
        limits = self._limits
        if limits is not None:
            words = [word for setting in limits.items() for word in setting]
            await self._ask(["CONFIG", "SET", *words])
            self._limits = None

    async def _restored_or_gone(self) -> None:
        try:
            await self._restore()
        except FaultRefused:
            self._limits = None

    async def _ask(self, *commands: list[str]) -> list[Any]:
        """Send commands to the embedded Redis over a connection of their own."""
        from redis.asyncio import Redis
        from redis.exceptions import RedisError

        client: Any = Redis.from_url(
            self._servers.redis_url, socket_timeout=_ANSWER, socket_connect_timeout=_ANSWER, decode_responses=True
        )
        try:
            async with client:
                return [await client.execute_command(*command) for command in commands]
        except (RedisError, OSError, TimeoutError) as problem:
            reason = str(problem) or "no answer in time"
            raise FaultRefused(f"Redis cannot be told: {reason}.", remedy="Lift its other faults first.") from None
