"""`reelcache adopt`: make a foreign MongoDB collection browsable in place, or take that back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import Progress

from core import ForeignCollection

if TYPE_CHECKING:
    from core.stores.mongo import MongoStore


async def strangeness(url: str) -> str:
    """Why the collection cannot be browsed as it is; empty where it can."""
    async with _store(url) as store:
        try:
            await store.open()
        except ForeignCollection as foreign:
            return foreign.reason
    return ""


async def adopt(url: str) -> int:
    """Add to each movie what browsing needs, showing how far it has come; returns how many there are."""
    async with _store(url) as store:
        with Progress(
            console=(console := Console(stderr=True)), transient=True, disable=not console.is_terminal
        ) as bar:
            row = bar.add_task("Adopting")
            return await store.adopt(lambda done, total: bar.update(row, completed=done, total=total))


async def disown(url: str) -> int:
    """Take out all that was added; returns how many documents that changed."""
    async with _store(url) as store:
        return await store.disown()


@asynccontextmanager
async def _store(url: str) -> AsyncIterator[MongoStore]:
    from core.stores.mongo import MongoStore

    store = MongoStore(url)
    try:
        yield store
    finally:
        await store.close()
