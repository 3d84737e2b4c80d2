"""The journal of PostgreSQL: what was committed since somebody looked, told from the transactions that they saw then.

A place in it is a snapshot: the transactions that were over when it was taken. What changed since is what those did
that were not, and are over now, in whichever order they began, numbered their rows or were committed.
"""

from __future__ import annotations

from typing import Final

import msgspec

from core.stores.base import ChangedSince
from core.stores.postgres_connections import Connection, Connections

_KEPT: Final = 5_000
"""Changes that are kept when the beginning is cut off."""
_MOST: Final = 1_000
"""Changes that are told one by one."""
# Transactions have numbers on this server in this life; rows with numbers still to come are from a dump.
_SINCE: Final = """
select
  array[pg_postmaster_start_time()::text, 'reelcache.movies'::regclass::oid::text],
  pg_current_snapshot()::text,
  array(
    select distinct id from reelcache.journal
    where transaction >= pg_snapshot_xmin(coalesce(%(seen)s::pg_snapshot, pg_current_snapshot()))
    and transaction < pg_snapshot_xmax(pg_current_snapshot())
    and (id is null or not pg_visible_in_snapshot(transaction, coalesce(%(seen)s::pg_snapshot, pg_current_snapshot())))
    limit %(most)s
  )
"""
_CUT_OFF: Final = """
with last as (
  select transaction from reelcache.journal order by transaction desc offset %s limit 1
), gone as (
  delete from reelcache.journal using last where journal.transaction <= last.transaction returning journal.transaction
)
insert into reelcache.journal (transaction) select max(transaction) from gone having count(*) > 0 returning transaction
"""


class _Place(msgspec.Struct, array_like=True, frozen=True):
    server: list[str]
    snapshot: str


async def changed_since(connections: Connections, place: bytes | None) -> ChangedSince:
    """What was committed since a place; None for its ids where that cannot be told, or is too much."""
    seen = None if place is None else msgspec.json.decode(place, type=_Place)
    parameters = {"seen": seen and seen.snapshot, "most": _MOST + 1}
    ((server, snapshot, ids),) = await connections.rows(_SINCE, parameters)
    told = seen is not None and seen.server == server and len(ids) <= _MOST and None not in ids and "" not in ids
    return ChangedSince(tuple(ids) if told else None, msgspec.json.encode(_Place(server, snapshot)))


async def cut_off(connection: Connection) -> None:
    """Forget all but the last changes. To be asked on a connection that waits for nobody."""
    await connection.execute(_CUT_OFF, (_KEPT,))
