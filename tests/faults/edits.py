"""Edits behind the back: what somebody does in psql, or with a driver of his own, who knows nothing of a cache."""

from __future__ import annotations

import random
from typing import Any, Final

import psycopg
import pymongo
from pymongo import AsyncMongoClient, ReturnDocument
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.errors import PyMongoError

from tests.faults.history import Edited, genres_of, now

_LIMIT: Final = 3
"""Seconds that an edit may take: a killed client may have left a lock on the movie."""
_KINDS: Final = ("update", "update", "update", "remove", "insert")


class Editor:
    """Edits hot movies of one store past the program. `url` names its database."""

    def __init__(self, store: str, url: str) -> None:
        self._store = store
        self._url = url
        self._number = 0
        self._sent = ""
        """The content of the edit under way, as it went to the store."""

    async def edit(self, key: str, detail: int) -> Edited | None:
        """One edit; None where there was nothing to edit."""
        dice = random.Random(detail)
        kind = dice.choice(_KINDS)
        self._number += 1
        began = now()
        token = self._sent = f"hoob{self._number}{dice.choice('rb')}" if kind != "remove" else ""
        try:
            done = await (self._postgres if self._store == "postgresql" else self._mongo)(kind, key, token)
        except (psycopg.Error, PyMongoError):
            done = 0, self._sent
        if done is None:
            return None
        version, left = done
        order = self._number if self._store == "mongodb" else 0
        return Edited(self._store, key, version, order, left, began, now())

    async def _postgres(self, kind: str, key: str, token: str) -> tuple[int, str] | None:
        limit = f"-c statement_timeout={_LIMIT * 1000}"
        async with await psycopg.AsyncConnection.connect(self._url, options=limit) as connection:
            genres = list(genres_of(token))
            if kind == "update":
                row = await _one(
                    connection,
                    "update reelcache.movies set title = %s, genres = %s where id = %s returning version",
                    (token, genres, key),
                )
                return (int(row[0]), token) if row else None
            if kind == "insert":
                row = await _one(
                    connection,
                    "insert into reelcache.movies (id, title, genres, type) values (%s, %s, %s, 'movie')"
                    " on conflict do nothing returning version",
                    (key, token, genres),
                )
                return (int(row[0]), token) if row else None
            if await _one(connection, "delete from reelcache.movies where id = %s returning id", (key,)):
                row = await _one(connection, "select version from reelcache.removals where id = %s", (key,))
                assert row is not None
                return int(row[0]), ""
            return None

    async def _mongo(self, kind: str, key: str, token: str) -> tuple[int, str] | None:
        client: AsyncMongoClient[dict[str, Any]] = AsyncMongoClient(self._url)
        async with client:
            with pymongo.timeout(_LIMIT):
                return await self._by_driver(client, kind, key, token)

    async def _by_driver(
        self, client: AsyncMongoClient[dict[str, Any]], kind: str, key: str, token: str
    ) -> tuple[int, str] | None:
        movies: AsyncCollection[dict[str, Any]] = client.get_default_database()["movies"]
        if kind == "remove":
            gone = await movies.find_one_and_delete({"_id": key})
            return (int(gone["reelcache"]["version"]), "") if gone else None
        present = await movies.find_one({"_id": key})
        if present is None:
            return None
        # The colour stays: our own sub-document, from which windows are computed, is unknown to such a program.
        token = self._sent = token[:-1] + present["title"][-1]
        changed = await movies.find_one_and_update(
            {"_id": key, "title": present["title"]},
            {"$set": {"title": token}},
            return_document=ReturnDocument.AFTER,
        )
        return (int(changed["reelcache"]["version"]), token) if changed else None


async def _one(connection: psycopg.AsyncConnection[Any], statement: Any, parameters: tuple[object, ...]) -> Any:
    return await (await connection.execute(statement, parameters)).fetchone()
