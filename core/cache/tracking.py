"""Tracking: what keeps the near tier of this process, and those of all others, from showing the past.

Redis remembers what was read on the lane of the reads and pushes each name that changes on that same connection.
Replies and pushes come in the server's own order, and a reply is kept while it is parsed; so what is kept is as of the
last byte that was read (race R11; `test_near.py`, 4,000 trials).

How far that last byte lies back is what strict consistency has to know. Each copy with a near tier notes in Redis,
every BEAT seconds, that it believes what it keeps for LEASE seconds from before that note was sent, and asks for the
bell on its tracked lane: with the answer it has heard every push from before. A strict writer hides the entry, rings
the bell, and commits only when each noted copy has said that it heard this ring, or when its lease has run out: from
then on no near tier holds the state before the write, wherever a reader looks. That is the argument of leases again
(Gray and Cheriton, SOSP 1989): durations alone, no two clocks compared. The bell is a tracked key like any other,
pushed behind the names that were changed before it. Where nobody but the writer keeps anything, nobody is waited for.

Bounded consistency waits for nobody: a near tier is behind by the time of a push, at most by LEASE.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from core.cache import scripts
from core.cache.failures import explain
from core.cache.link import Link, ScriptCall
from core.cache.near import Near
from core.cache.wire import Command, NotRedis, Refused, Reply
from core.errors import CacheUnavailable

if TYPE_CHECKING:
    from core.cache.lane import Lane

LEASE: Final = 0.5
"""Seconds that a near tier is believed after a beat: what a writer waits at most for a copy that died."""
BEAT: Final = 0.15
"""Seconds between two beats: two may come late."""
TEST: Final = 1.0
"""Seconds for the push of the start-up test to come."""
AGAIN: Final = 0.5
"""Seconds until tracking is tried again after it failed."""
LIST: Final = b"rc:n:{rc}"
BELL: Final = b"rc:b:{rc}"
_LEASE_MS: Final = int(LEASE * 1000)
_POLLS: Final = 20
"""Looks for the ears of the others without a pause between them; then each a millisecond later."""


class Tracking:
    """Runs the near tier of one process while it is wanted, and rings for the writers of this process."""

    def __init__(self, near: Near) -> None:
        self.wanted = False
        self.problem: str | None = None
        """Why nothing is kept near although it is wanted; None while all is well."""
        self.dropped = 0
        """Slots that were dropped because Redis pushed that they changed."""
        self._near = near
        self._copy = secrets.token_hex(8)
        self._link: Link | None = None
        self._task: asyncio.Task[None] | None = None
        self._rung = asyncio.Event()
        self._probe = b"rc:p:{rc}:" + self._copy.encode()
        self._probed = asyncio.Event()

    # ------------------------------------------------------------------------------------------------ what is pushed

    def pushed(self, push: list[Any]) -> None:
        """Redis pushed something on the lane of the reads."""
        if push[0] != b"invalidate":
            return
        names: list[bytes] | None = push[1]
        if names is None:  # everything was flushed
            self._near.clear()
            self._rung.set()
            return
        self.dropped += self._near.drop(names)
        if BELL in names:
            self._rung.set()
        if self._probe in names:
            self._probed.set()

    @property
    def age(self) -> float | None:
        """Seconds since all that was pushed until then is known to have been heard; None where nothing is kept."""
        return time.monotonic() - (self._near.until - LEASE) if self._near.until else None

    def lost(self) -> None:
        """The lane of the reads was lost: pushes may have been, too."""
        self._near.keeping = False
        self._near.until = 0.0
        self._near.clear()
        self._rung.set()

    # --------------------------------------------------------------------------------------------------- on and off

    async def use(self, link: Link, on: bool) -> None:
        """Begin or end to keep what is read; returns when it is known whether that works, or nothing is kept."""
        self._link = link
        if on == self.wanted:
            return
        self.wanted = on
        self.problem = None
        if on:
            if link.lanes is None:
                self.problem = "this address of Redis is served by redis-py, which cannot keep a near tier coherent"
                return
            known = asyncio.Event()
            self._task = asyncio.create_task(self._run(link, known))
            await known.wait()
        else:
            await self.close()

    async def close(self) -> None:
        """Keep nothing any more."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        self.lost()
        link = self._link
        if link is not None and link.lanes is not None and link.breaker.state == "closed":
            with suppress(OSError, NotRedis, Refused, CacheUnavailable):
                await (await link.lanes.tracked()).call([("CLIENT", "TRACKING", "OFF")])
                await link.exchange([("HDEL", LIST, f"c:{self._copy}")])

    async def _run(self, link: Link, known: asyncio.Event) -> None:
        while True:
            try:
                await self._follow(link, known)
            except (OSError, NotRedis, Refused, CacheUnavailable) as error:
                self.problem = explain(error, link.address, LEASE, link.user)[0].reason
            finally:
                self._near.keeping = False
                self._near.until = 0.0
                self._near.clear()
            known.set()
            await asyncio.sleep(AGAIN)
            await link.answering()

    async def _follow(self, link: Link, known: asyncio.Event) -> None:
        """Track one connection until it is lost."""
        assert link.lanes is not None
        if link.breaker.state != "closed":
            raise CacheUnavailable("Redis", link.breaker.problem or "not reached yet.")
        lane = await link.lanes.tracked()
        _accepted(await lane.call([("CLIENT", "TRACKING", "ON"), ("GET", BELL), ("GET", self._probe)]))
        # Replies parsed from here on are tracked; those of reads from before have been parsed.
        self._near.keeping = not lane.closed
        await self._test(link)
        heard = 0
        while True:
            if self._rung.is_set():
                self._rung.clear()
                heard = await self._heard(lane)
            noted = time.monotonic()
            _accepted(await link.run([(scripts.BEAT, (LIST, BELL), (self._copy, _LEASE_MS, heard))]))
            last = await self._heard(lane)
            if lane.closed:
                raise ConnectionError("the connection was lost")
            self._near.until = noted + LEASE
            self.problem = None
            known.set()
            if last != heard:
                heard = last
                continue
            with suppress(TimeoutError):
                async with asyncio.timeout(BEAT):
                    await self._rung.wait()

    async def _test(self, link: Link) -> None:
        """Whether a change does come back as a push: a silent failure would show the past for ever."""
        self._probed.clear()
        _accepted(await link.exchange([("SET", self._probe, 1, "PX", 10_000)]))
        try:
            async with asyncio.timeout(TEST):
                await self._probed.wait()
        except TimeoutError:
            raise Refused("NEAR Redis does not push what changes") from None

    async def _heard(self, lane: Lane) -> int:
        """The last ring of which everything that was pushed before it has been heard."""
        return int(_accepted(await lane.call([("GET", BELL)]))[0] or 0)

    # -------------------------------------------------------------------------------------------------- for writers

    def drop(self, names: Sequence[bytes] | None) -> None:
        """What is kept of these here may be outdated, and what reads under way will say of them; None means all."""
        if self._link is not None and self._near.keeping:
            if self._link.lanes is not None:
                self._link.lanes.bar(names)
            if names is None:
                self._near.clear()
            else:
                self._near.drop(names)

    def ring(self, link: Link) -> ScriptCall:
        """To be run behind what hides an entry; its reply is for `heard`."""
        return scripts.RING, (LIST, BELL), (self._copy, _LEASE_MS, link.life, int(self._near.keeping))

    async def heard(self, link: Link, ring: Sequence[Any]) -> None:
        """Wait until every near tier has heard this ring, or does not believe what it keeps any more."""
        if not ring:
            return
        number, unknown, copies = int(ring[0]), int(ring[1]) / 1000, [*ring[2:]]
        began = time.monotonic()
        until = began + (max(unknown, LEASE) if copies else unknown)
        polls = 0
        lost = unknown > 0
        while (copies or lost) and (left := until - time.monotonic()) > 0:
            if lost:
                # Nobody knows who would have to be asked.
                await asyncio.sleep(left)
                return
            if polls >= _POLLS:
                await asyncio.sleep(min(0.001, left))
            polls += 1
            fields: Command = ("HMGET", LIST, "n", *(b"c:" + copy for copy in copies))
            try:
                reply = _accepted(await link.exchange([fields]))[0]
            except (CacheUnavailable, Refused):
                lost = True
                continue
            if int(reply[0] or 0) < number:
                lost = True
                continue
            # Who is in the list no more has emptied its tier first.
            copies = [
                copy
                for copy, noted in zip(copies, reply[1:], strict=True)
                if noted is not None and int(noted.partition(b":")[2]) < number
            ]


def _accepted(replies: list[Reply]) -> list[Reply]:
    for reply in replies:
        if isinstance(reply, Exception):
            raise reply
    return replies
