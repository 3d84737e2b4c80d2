"""The change stream as the log of what happened to the movies, whoever did it: handed out in order, none left out."""

from __future__ import annotations

import asyncio
import secrets
import time
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
from core.stores.mongo_indexes import make_missing
from core.stores.mongo_lease import LEASE, Lease
from core.stores.mongo_mark import Mark
from core.stores.mongo_removals import removals
from core.stores.mongo_stream import ChangeStream, HistoryLost

_IDLE: Final = 10.0
"""Seconds after which a quiet stream's place is kept too: it must not fall out of the server's history."""
_FIRST_LOOK: Final = 0.002
"""Seconds until it is looked whether a barrier has passed: most often it does at once, and a start waits for it."""
_LAST_LOOK: Final = 0.2
"""The same, after many looks."""
_PATIENCE: Final = 1.0


async def follow(at: MongoConnection, apply: Apply, mark: Mark) -> None:
    """Hand every committed change to `apply`, until cancelled; while another process does, wait to take its place.

    What this process loads in bulk bears the mark and is not looked at one by one: while such a load goes on all movies
    count as changed, all the time."""
    lease = Lease(at)
    while True:
        if await lease.take():
            async with lease.held():
                await _Leader(at, lease, apply, mark).lead()
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

    def __init__(self, at: MongoConnection, lease: Lease, apply: Apply, mark: Mark) -> None:
        self._at = at
        self._lease = lease
        self._apply = apply
        self._mark = mark
        self._kept = 0.0

    async def lead(self) -> None:
        """Hand out all changes from the place kept; all movies where there is none, or none that the server knows."""
        with self._at.call():
            place = await self._lease.place()
        while True:
            mark = secrets.token_hex(4)
            try:
                async with ChangeStream(self._at, place, without=mark) as stream:
                    if place is None:
                        await self._hand_out_everything(stream)
                    self._mark.offered = mark
                    await self._hand_out_all_but(mark, stream)
                    place = stream.place
            except HistoryLost:
                place = None
            finally:
                self._mark.offered = ""

    async def _hand_out_all_but(self, mark: str, stream: ChangeStream) -> None:
        """Hand out all changes but the insertion of what bears the mark, until that is used up.

        While a load goes on, each batch ends with a change of all, and the place is not kept: whoever leads after a
        death in between begins before the load."""
        removed: set[Any] = set()
        before, used_up = time.time(), False
        while not used_up:
            events = await stream.batch()
            used_up = self._mark.offered != mark
            if not (used_up or self._mark.loading):
                await self._hand_out(events, stream)
                before = time.time()
                continue
            removed |= {event["documentKey"]["_id"] for event in events if event["operationType"] == "delete"}
            if used_up or any(map(_is_barrier, events)):
                # Others may have put back what they had removed, edited, and with the mark that hides it.
                with self._at.long_call():
                    await heal(self._at, list(filter(nameable, removed)))
            await self._hand_out(events, stream, and_all_since=before)
            before = time.time()

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

    async def _hand_out(
        self, events: Sequence[Document], stream: ChangeStream, *, and_all_since: float | None = None
    ) -> None:
        """Hand out what these say; and that since a moment all movies may have changed, which keeps no place."""
        # A document costs some 50 µs.
        changes = await asyncio.to_thread(_changes, events)
        if changes:
            with self._at.long_call():
                changes = await self._healed(changes)
        if and_all_since is not None:
            changes.append(Changed("", 0, and_all_since))
        if changes:
            await self._apply(changes)
        with self._at.call():
            await self._let_pass([event["documentKey"]["_id"] for event in events if _is_barrier(event)])
            late = asyncio.get_running_loop().time() > self._kept + _IDLE
            if and_all_since is None and (changes or late):
                await self._keep_place(stream)

    async def _healed(self, changes: Sequence[Changed]) -> list[Changed]:
        """The changes once what others wrote was healed, and with the versions that this gave."""
        if any(change.id == "" for change in changes):
            # Our indexes went with the collection; what took its place may never have been ours.
            await make_missing(self._at)
            await heal_all(self._at)
        forced = list({change.id: None for change in changes if change.forced and change.id != THEATERS})
        if not forced:
            return list(changes)
        # What is there is the answer: a removal that was given up leaves a tombstone above a movie that lives on.
        versions = await removals(self._at, forced) | await heal(self._at, [key_of(id) for id in forced])
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


def _changes(events: Sequence[Document]) -> list[Changed]:
    return [change for event in events if (change := _change(event)) is not None]


def _change(event: Document) -> Changed | None:
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
    return Changed(id_of(key), version_of(document), at, forced=not intact(document))


def _is_barrier(event: Document) -> bool:
    return event["operationType"] == "insert" and bool(event["ns"]["coll"] == RELAY)


def _seconds(moment: datetime) -> float:
    return moment.replace(tzinfo=UTC).timestamp()
