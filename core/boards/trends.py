"""Trends: which movies stand first in an answer that is sorted by how often movies were looked at.

Views change while somebody scrolls through such an answer. So what stands first is held still from one look at the
first row to the next: the windows of one reading belong together.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from core.boards.views import Span, Views
from core.model import forbidden
from core.query import Query
from core.stores.base import Window

FIRST: Final = 100
"""How many movies stand first at most, most looked at first; behind them all others go by title."""
HELD: Final = 2.0
"""Seconds that they stay the same even when the first row is looked at again."""

Asked = Callable[[Query, int, int], Awaitable[Window]]
Keys = Callable[[Query, Sequence[str]], Awaitable[Mapping[str, Any]]]


class Trend(NamedTuple):
    """The movies most looked at, most first, each with how often; `name` is another one for other movies or another
    order of them."""

    views: Mapping[str, float]
    name: str

    async def window(self, asked: Asked, keys: Keys, query: Query, offset: int, limit: int) -> Window:
        """A window of a query's answer that is sorted by this, from one of the same movies by title.

        `asked` and `keys` are those of a store. Raises StoreUnavailable."""
        titled = query.by_title
        known = await keys(titled, list(self.views)) if self.views else {}
        first = [id for id in self.views if id in known]
        if not query.descending:
            first.reverse()
        head = first[offset : offset + limit]
        lacking, beyond = limit - len(head), max(0, offset - len(first))
        # Of all movies by title, so many rows from here on hold the others that are lacking, whichever stand first.
        titles = await asked(titled, beyond, max(1, lacking) + len(first))
        others = [id for id in titles.ids if id not in known]
        skipped = 0
        if beyond and titles.ids:
            begin = titles.ids[0]
            place = (await keys(titled, [begin])).get(begin, ""), begin
            skipped = sum((known[id], id) < place for id in first)
        return Window((*head, *others[skipped : skipped + lacking]), titles.total)


class Trends:
    """The trends that are held for one store's movies."""

    def __init__(self, views: Views, clock: Callable[[], float] = time.monotonic) -> None:
        self._views = views
        self._clock = clock
        self._held: dict[Span, tuple[Trend, float]] = {}

    async def at(self, span: Span, offset: int) -> Trend:
        """The trend that a window from this row belongs to."""
        trend, since = self._held.get(span, (None, 0.0))
        if trend is None or (offset == 0 and self._clock() - since > HELD):
            trend = await self._look(span)
            self._held[span] = trend, self._clock()
        return trend

    async def moved(self, span: Span) -> bool:
        """Whether a look at the first row would find other movies there, or in another order."""
        held = self._held.get(span)
        return held is not None and (await self._look(span)).name != held[0].name

    async def _look(self, span: Span) -> Trend:
        most = await self._views.most(span, FIRST)
        views = {id: count for id, count in most.counts if not forbidden(id)}  # others may write there
        return Trend(views, hashlib.blake2b("\n".join(views).encode(), digest_size=8).hexdigest())
