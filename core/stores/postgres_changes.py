"""The change log of PostgreSQL: rows that triggers leave in `reelcache.outbox`, handed out until they are applied."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Final

from core.errors import StoreUnavailable
from core.stores import postgres_journal as journal
from core.stores.base import Apply, Changed, ChangedSince, Standing
from core.stores.postgres_connections import Connection, Connections

_BATCH: Final = 1000
"""Changes that go out at once."""
_CUT_OFF_AFTER: Final = 1_000
"""Changes that went out after which the journal's beginning is cut off."""
_LOOK_AGAIN: Final = 1.0
"""Seconds after which a follower looks for itself: a notification is lost where nobody listened, and a change that
another follower gave back causes none."""
_TOGETHER: Final = 0.01
"""Seconds from a notification to the look: writers tell the cache of their own changes meanwhile, and what else is
committed goes out together."""
_LOOK_UNTOLD: Final = 0.2
"""The same where a pooler is in between, which hands no notification on."""
_APPLY_LIMIT: Final = "30s"
"""How long a follower may take over a batch until the server gives it to another one: for one that was stopped, or cut
off by its network. Well above the limits that applying has by itself."""
_RESERVED_LIMIT: Final = 1.0
"""Seconds of each statement about the cache's standing."""
_PAUSES: Final = (0.02, 0.25)
"""Seconds between two looks of `settle`: the first pause, and the longest."""

# A deletion lost in a crash of the server goes out again; so it need not wait for the disk.
_FOLLOWING: Final = """
select set_config('synchronous_commit', 'off', %s), set_config('idle_in_transaction_session_timeout', %s, %s)
"""
# array(), or the plan may run the inner query more than once and claim more than it hands out.
_CLAIM: Final = """
with claimed as (
  delete from reelcache.outbox
  where seq = any(array(select seq from reelcache.outbox order by seq limit %s for update skip locked))
  returning seq, id, version, extract(epoch from at)::float8 as at, forced
)
select id, version, at, forced from claimed order by seq
"""
_STANDING: Final = """
select
  (select count(*) from reelcache.suspensions where until > clock_timestamp()),
  (select count(*) from (select from reelcache.outbox limit 10000) as pending),
  (select text from reelcache.notes where name = 'cache')
"""
_FIRST_CACHE: Final = "insert into reelcache.notes values ('cache', %s) on conflict do nothing returning name"
_NEXT_CACHE: Final = "update reelcache.notes set text = %s where name = 'cache' and text = %s returning name"
_SUSPEND: Final = """
insert into reelcache.suspensions values (%s, clock_timestamp() + %s * interval '1 second')
on conflict (holder) do update set until = excluded.until
returning holder
"""
# And the suspensions of copies that died: only long after, so that two who resume do not wait for each other's rows.
_RESUME: Final = """
delete from reelcache.suspensions where holder = %s or until < clock_timestamp() - interval '1 hour'
returning holder
"""


class ChangeLog:
    """What keeps a cache in front right, on the database at `url`; errors as in the contract.

    Followers have a connection of their own each, taken apart from `connections`. The standing is asked on two that are
    reserved for it, so that it never waits behind readers.
    """

    def __init__(self, url: str, connections: Connections, *, timeout: float) -> None:
        self._connections = connections
        self._timeout = timeout
        self._reserved = Connections(url, timeout=min(timeout, _RESERVED_LIMIT), most=2, brittle=True)

    async def open(self) -> None:
        """Connect the reserved connection, while there is room on the server."""
        # A look at the standing must be short, but not the handshake before the first: nothing waits for it yet.
        await self._reserved.open(patience=self._timeout)

    async def close(self) -> None:
        """Close the reserved connections. Idempotent."""
        await self._reserved.close()

    async def follow(self, apply: Apply) -> None:
        """Hand out what is there, and again whenever something is added. Ends with the store: StoreUnavailable."""
        async with self._connections.apart() as connection:
            async with self._connections.asking(connection):
                if not self._connections.pooled:
                    await connection.execute(_FOLLOWING, (False, _APPLY_LIMIT, False))
                    await connection.execute("listen reelcache")
            handed_out = _CUT_OFF_AFTER
            while True:
                if handed_out >= _CUT_OFF_AFTER:
                    async with self._connections.asking(connection):
                        await journal.cut_off(connection)
                    handed_out = 0
                handed_out += (changes := await self._hand_out(connection, apply))
                if changes < _BATCH:
                    await self._wait(connection)

    async def changed_since(self, place: bytes | None) -> ChangedSince:
        """What the journal says was committed since."""
        return await journal.changed_since(self._connections, place)

    async def settle(self) -> None:
        """Wait until no row is left that is there now, nor one with a lower number that was committed meanwhile."""
        (newest,) = (await self._reserved.rows("select max(seq) from reelcache.outbox"))[0]
        pause, longest = _PAUSES
        while newest is not None:
            left = await self._reserved.rows("select from reelcache.outbox where seq <= %s limit 1", (newest,))
            if not left:
                return
            await asyncio.sleep(pause)
            pause = min(pause * 1.5, longest)

    async def standing(self) -> Standing:
        """Count suspensions that are not over, and what nobody has applied yet (to 10,000); say which is the cache."""
        ((suspended, pending, cache),) = await self._reserved.rows(_STANDING)
        return Standing(suspended=suspended, pending=pending, cache=cache)

    async def name_cache(self, before: str | None, after: str) -> bool:
        """Replace the note of which Redis is the cache, where it still says what it said before."""
        if before is None:
            return bool(await self._reserved.rows(_FIRST_CACHE, (after,)))
        return bool(await self._reserved.rows(_NEXT_CACHE, (after, before)))

    async def suspend(self, holder: str, seconds: float) -> None:
        """Set the holder's suspension to end so many seconds from now, by the clock of the server."""
        await self._reserved.rows(_SUSPEND, (holder, seconds))

    async def resume(self, holder: str) -> None:
        """Remove the holder's suspension."""
        await self._reserved.rows(_RESUME, (holder,))

    async def _hand_out(self, connection: Connection, apply: Apply) -> int:
        """How many changes were applied. They are gone when this transaction commits, and free again if it does not."""
        async with self._connections.asking(connection):
            await connection.execute("begin isolation level read committed")
            if self._connections.pooled:
                await connection.execute(_FOLLOWING, (True, _APPLY_LIMIT, True))
            claimed = await (await connection.execute(_CLAIM, (_BATCH,))).fetchall()
        if claimed:
            try:
                await apply([Changed(*row) for row in claimed])
            except BaseException:
                with suppress(StoreUnavailable):
                    async with self._connections.asking(connection):
                        await connection.execute("rollback")
                raise
        async with self._connections.asking(connection):
            await connection.execute("commit")
        return len(claimed)

    async def _wait(self, connection: Connection) -> None:
        if self._connections.pooled:
            await asyncio.sleep(_LOOK_UNTOLD)
            return
        async with self._connections.asking(connection, limit=2 * _LOOK_AGAIN):
            async for _ in connection.notifies(timeout=_LOOK_AGAIN, stop_after=1):
                await asyncio.sleep(_TOGETHER)
