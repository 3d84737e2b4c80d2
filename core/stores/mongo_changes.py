"""The change stream as the log of what happened to the movies, whoever did it: handed out in order, none left out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Final

import msgspec
from bson import ObjectId

from core.errors import StoreUnavailable
from core.stores import mongo_connection
from core.stores.base import THEATERS, Apply, Changed
from core.stores.mongo_adoption import prepare, refuse_foreign
from core.stores.mongo_connection import MOVIES, RELAY, MongoConnection
from core.stores.mongo_documents import OURS, Document, id_of, intact, key_of, nameable, version_of
from core.stores.mongo_healing import heal, heal_all
from core.stores.mongo_lease import LEASE, Lease
from core.stores.mongo_queries import indexes
from core.stores.mongo_removals import removals
from core.stores.mongo_stream import ChangeStream, HistoryLost

_IDLE: Final = 10.0
"""Seconds after which a quiet stream's place is kept too: it must not fall out of the server's history."""
_FIRST_LOOK: Final = 0.02
_LAST_LOOK: Final = 0.2
_PATIENCE: Final = 1.0


async def follow(at: MongoConnection, apply: Apply, own: dict[str, int]) -> None:
    """Hand every committed change to `apply`, until cancelled; while another process does, wait to take its place.

    `own` holds the versions of what this process inserted, of which the events are still to come: the first event of
    such an insertion needs no look at the document. They are taken out as they come."""
    lease = Lease(at)
    while True:
        if await lease.take():
            async with lease.held():
                await _Leader(at, lease, apply, own).lead()
        else:
            # The database was dropped, or the collection was given back.
            with at.long_call():
                await refuse_foreign(at)
                await prepare(at, foreign=False)
                await lease.lose_place()


async def settle(at: MongoConnection) -> None:
    """Return once everything that was committed before was applied: a barrier written now has come to its turn."""
    barrier = {"_id": {"$eq": ObjectId()}}
    pause = _FIRST_LOOK
    try:
        while True:
            with at.call():
                seen = await at.relay.find_one(barrier)
                if seen is None:
                    # Not yet there, or waiting longer than such a document lives.
                    await at.relay.update_one(barrier, [{"$set": {"at": "$$NOW"}}], upsert=True)
                elif "passed" in seen:
                    return
            await asyncio.sleep(pause)
            pause = min(2 * pause, _LAST_LOOK)
    finally:
        with suppress(StoreUnavailable), at.call(_PATIENCE):
            await at.relay.delete_one(barrier)


class _Leader:
    """The one process that applies the changes, as long as it holds the lease."""

    def __init__(self, at: MongoConnection, lease: Lease, apply: Apply, own: dict[str, int]) -> None:
        self._own = own
        self._at = at
        self._lease = lease
        self._apply = apply
        self._kept = 0.0

    async def lead(self) -> None:
        """Hand out all changes from the place kept; all movies where there is none, or none that the server knows."""
        with self._at.call():
            place = await self._lease.place()
        while True:
            with suppress(HistoryLost):
                async with ChangeStream(self._at, place) as stream:
                    if place is None:
                        await self._hand_out_everything(stream)
                    while True:
                        await self._hand_out(await stream.batch(), stream)
            place = None

    async def _hand_out_everything(self, stream: ChangeStream) -> None:
        """Say that all movies may have changed, once the stream that sees the later changes is open."""
        with self._at.call():
            now = (await self._at.database.command("hello"))["localTime"]
            waiting = [barrier["_id"] async for barrier in self._at.relay.find({"_id": {"$ne": LEASE}}, {"_id": 1})]
        await self._apply((Changed("", 0, _seconds(now)),))
        with self._at.long_call():
            await self._let_pass(waiting)
            await heal_all(self._at)
            await self._keep_place(stream)

    async def _hand_out(self, events: Sequence[Document], stream: ChangeStream) -> None:
        # A document costs some 50 µs.
        changes = await asyncio.to_thread(_changes, events, self._own)
        if changes:
            with self._at.long_call():
                changes = await self._healed(changes)
            await self._apply(changes)
        with self._at.call():
            await self._let_pass([event["documentKey"]["_id"] for event in events if _is_barrier(event)])
            if changes or asyncio.get_running_loop().time() > self._kept + _IDLE:
                await self._keep_place(stream)

    async def _healed(self, changes: Sequence[Changed]) -> list[Changed]:
        """The changes once what others wrote was healed, and with the versions that this gave."""
        if any(change.id == "" for change in changes):
            # Our indexes went with the collection; what took its place may never have been ours.
            await self._at.movies.create_indexes(indexes())
            await heal_all(self._at)
        forced = list({change.id: None for change in changes if change.forced and change.id != THEATERS})
        if not forced:
            return list(changes)
        versions = await removals(self._at, forced)
        for id, version in (await heal(self._at, [key_of(id) for id in forced])).items():
            versions[id] = max(version, versions.get(id, 0))
        return [
            msgspec.structs.replace(change, version=max(change.version, versions.get(change.id, 0)))
            if change.forced
            else change
            for change in changes
        ]

    async def _let_pass(self, barriers: Sequence[Any]) -> None:
        # Before the place is kept: who dies in between lets them pass once more.
        if barriers:
            await self._at.relay.update_many({"_id": {"$in": list(barriers)}}, {"$set": {"passed": True}})

    async def _keep_place(self, stream: ChangeStream) -> None:
        await self._lease.keep_place(stream.place)
        self._kept = asyncio.get_running_loop().time()


def _changes(events: Sequence[Document], own: dict[str, int]) -> list[Changed]:
    return [change for event in events if (change := _change(event, own)) is not None]


def _change(event: Document, own: dict[str, int]) -> Changed | None:
    """What an event says of a movie; None where nothing."""
    at = _seconds(event["wallTime"])
    kind = event["operationType"]
    if event.get("ns", {}).get("coll") == mongo_connection.THEATERS:
        return Changed(THEATERS, 0, at, forced=True)
    if kind not in ("insert", "update", "replace", "delete"):
        return Changed("", 0, at)
    key = event["documentKey"]["_id"]
    if event["ns"]["coll"] != MOVIES or not nameable(key):
        return None
    if kind == "update":
        # Every update of ours changes the version, and nobody else's does.
        version = event["updateDescription"]["updatedFields"].get(f"{OURS}.version")
        ours = isinstance(version, int)
        return Changed(id_of(key), version if ours else 0, at, forced=not ours)
    if kind == "delete":
        return Changed(id_of(key), 0, at, forced=True)
    # Others may have put back a document that they had read, with our sub-document as it was then.
    document = event["fullDocument"]
    version = version_of(document)
    ours = kind == "insert" and own.pop(id_of(key), None) == version > 0
    return Changed(id_of(key), version, at, forced=not (ours or intact(document)))


def _is_barrier(event: Document) -> bool:
    return event["operationType"] == "insert" and bool(event["ns"]["coll"] == RELAY)


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
