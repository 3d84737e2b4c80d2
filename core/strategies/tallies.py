"""Tallies: the histograms that people look at, kept in this process (see `kept`), so that an edit does not have all
counted anew.

What changed is asked of the store, for those movies alone. What this process wrote itself it knows already, as long as
nobody else can have changed that movie since.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import AsyncGenerator, Sequence
from typing import ClassVar, Final

from core.cache.background import Background
from core.cache.redis import RedisCache
from core.model import value_of
from core.query import Query, ValueCount
from core.stores.base import Store
from core.strategies.base import Written
from core.strategies.kept import LEAST, Keeper, Kept, Tokens
from core.strategies.tally import Tally, Values

FIELDS: Final = ("genres", "year")
"""The fields that have few enough values for most movies to share theirs."""
_MOST_WRITTEN: Final = 64

_Asked = tuple[Query, str]


class Tallies(Keeper[_Asked, Tally]):
    """The histograms of one store's movies."""

    most_bytes: ClassVar[int] = 10_000_000
    most_moved: ClassVar[int] = 64

    def __init__(self, store: Store, cache: RedisCache, background: Background) -> None:
        super().__init__(store, cache, background)
        self._written: OrderedDict[bytes, Written] = OrderedDict()
        """What this process wrote last, by the token under which the journal tells of it."""

    async def counts(self, query: Query, field: str) -> tuple[ValueCount, ...] | None:
        """The counts as they are now; None where no tally has them. To be asked while the cache is believed.

        Raises CacheUnavailable, StoreUnavailable."""
        tally = await self._right((query, field), believed=True)
        return None if tally is None else tally.counts()

    def want(self, query: Query, field: str, counted: Sequence[ValueCount] | None) -> None:
        """These counts were had from elsewhere: have them kept if that is worth it. None: they could not be had, which
        a store that needs too long for them says, too; to walk through it has all the time it needs."""
        often = self._looked((query, field), query)
        few = counted is not None and sum(value.count for value in counted) < LEAST
        if field in FIELDS and often and not few:
            self._begin((query, field), 0)

    def wrote(self, written: Written) -> None:
        """This process wrote it; to be told before the write is acknowledged."""
        self._written[written.token] = written
        if len(self._written) > _MOST_WRITTEN:
            self._written.popitem(last=False)

    def _new(self, asked: _Asked, rows: int) -> Tally:
        return Tally()

    def _rows(self, asked: _Asked) -> AsyncGenerator[Sequence[tuple[str, Values]]]:
        return self._store.values(*asked)

    async def _carry_in(self, kept: Kept[_Asked, Tally], ids: Sequence[str], tokens: Tokens) -> bool:
        query, field = kept.asked
        known = {} if query.selective else self._known(kept, tokens)
        found = {id: _values(written, field) for id, written in known.items() if written.movie is not None}
        if asked := [id for id in ids if id not in known]:
            # Read after they were noted, and noted after they were committed.
            found |= await self._store.values_of(query, field, asked)
            kept.read_at = time.monotonic()
        kept.what.replace(ids, found)
        return True

    def _known(self, kept: Kept[_Asked, Tally], tokens: Tokens) -> dict[str, Written]:
        """The movies that nobody but this process wrote, as it left them.

        Who asked the store in between may have found what came after a write before the journal tells of the write."""
        known = {}
        for id, noted in tokens.items():
            written = [self._written[token] for token in noted if token in self._written]
            if len(written) == len(noted) and all(write.begun > kept.read_at for write in written):
                known[id] = max(written, key=lambda write: write.version)
        return known


def _values(written: Written, field: str) -> Values:
    """The values of a field in what was written, as a store tells them."""
    value = value_of(written.movie, field) if written.movie is not None else None
    return tuple(map(str, value)) if isinstance(value, tuple) else () if value is None else (str(value),)
