"""Orders: the sorted answers to the filters that people look at, kept in this process (see `kept`).

A store finds the rows at some depth by walking there, and the exact length of an answer by counting it. What was walked
and counted once is remembered here, until too much else is looked at.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from typing import ClassVar, Final

import msgspec

from core.cache.background import Background
from core.cache.redis import RedisCache
from core.errors import StoreUnavailable
from core.query import Query
from core.stores.base import SortKey, Store, Window
from core.strategies.kept import LEAST, Keeper, Kept, Tokens
from core.strategies.order import Order

_AT_ONCE: Final = 2
"""Changes that are placed before others have their turn: each takes some hundred keys."""


class Making(msgspec.Struct, frozen=True):
    """An order that is being made: of which query, and how many of how many rows it has."""

    query: Query
    rows: int
    of: int


class Orders(Keeper[Query, Order]):
    """The orders of one store's movies, each for both directions."""

    most_bytes: ClassVar[int] = 6_000_000
    most_moved: ClassVar[int] = 256

    def __init__(self, store: Store, cache: RedisCache, background: Background) -> None:
        super().__init__(store, cache, background)
        self._making: Making | None = None

    @property
    def making(self) -> Making | None:
        """What is under way."""
        return self._making if self.being_made else None

    async def window(self, query: Query, offset: int, limit: int) -> Window | None:
        """A window as it is now; None where no order has it. To be asked while the cache is believed.

        Raises CacheUnavailable, StoreUnavailable."""
        return await self._window(query, offset, limit, believed=True)

    async def asked(self, query: Query, offset: int, limit: int) -> Window:
        """A window as the store has it: where an order knows the rows, it is asked for what changed alone.

        Raises StoreUnavailable."""
        with suppress(StoreUnavailable):  # which may not tell what changed, and answer all the same
            window = await self._window(query, offset, limit, believed=False)
            if window is not None:
                return window
        return await self._store.window(query, offset, limit)

    async def _window(self, query: Query, offset: int, limit: int, *, believed: bool) -> Window | None:
        order = await self._right(_both_ways(query), believed=believed)
        return None if order is None else order.window(offset, limit, descending=query.descending)

    def want(self, query: Query, offset: int, total: int) -> None:
        """A window of this query, which has so many rows, was had from elsewhere: make its order if it is worth it and
        nothing else is being made."""
        asked = _both_ways(query)
        often = self._looked(asked, query)
        if total >= LEAST and (often or offset >= LEAST) and not self.being_made and self._begin(asked, total):
            self._making = Making(query, 0, total)

    def _new(self, asked: Query, rows: int) -> Order:
        return Order(rows)

    def _rows(self, asked: Query) -> AsyncGenerator[Sequence[tuple[str, SortKey]]]:
        return self._store.order(asked)

    def _grown(self, asked: Query, what: Order) -> None:
        if self._making is not None:
            self._making = msgspec.structs.replace(self._making, rows=len(what))

    async def _carry_in(self, kept: Kept[Query, Order], ids: Sequence[str], tokens: Tokens) -> bool:
        order = kept.what
        # Read after they were noted, and noted after they were committed.
        keys = await self._store.keys(kept.asked, ids) if ids else {}
        for start in range(0, len(ids), _AT_ONCE):
            part = ids[start : start + _AT_ONCE]
            placed = {id: keys[id] for id in part if id in keys}
            beside = order.beside(placed)
            order.replace(part, placed, await self._store.keys(kept.asked, [*beside]) if beside else {})
        return not order.worn


def _both_ways(query: Query) -> Query:
    return msgspec.structs.replace(query, descending=False) if query.descending else query
