"""RowWindow: which rows of a long answer are held, and which page to ask for next. Knows no terminal and no clock."""

from __future__ import annotations

from collections import OrderedDict
from typing import Final, NamedTuple

import msgspec

from core.model import Movie
from core.query import Page, Tier

PAGE_ROWS: Final = 100
"""Rows that are fetched together."""


class Row(NamedTuple):
    """One movie of the answer, and the tier it came from (None where that is unknown)."""

    movie: Movie
    tier: Tier | None
    views: float = 0.0
    """How often it was looked at, decayed, in an answer sorted by that."""


class Request(msgspec.Struct, frozen=True):
    """One page to fetch. `number` tells its answer from those of requests that were given up."""

    number: int
    offset: int
    limit: int


class _Held(msgspec.Struct):
    rows: tuple[Row, ...]
    generation: int


class RowWindow:
    """The pages of one query's answer that are held, least recently seen dropped first.

    One request is under way at a time; the next one is always for the newest viewport: first the pages in it, then the
    neighbour in the direction of travel. `renew` keeps old rows readable until newer ones replace them, so that nothing
    flickers; `restart` keeps them until the first answer to the new query.
    """

    def __init__(self, *, page_size: int = PAGE_ROWS, keep: int = 32) -> None:
        self.page_size = page_size
        self.total: int | None = None
        self.counted = True
        """Whether the answer is known to end where `total` says."""
        self._keep = keep
        self._held: OrderedDict[int, _Held] = OrderedDict()
        self._generation = 0
        self._restarted = False
        self._number = 0
        self._under_way: Request | None = None
        self._viewport = range(1)
        self._backwards = False
        self.travelling = True
        """Whether the viewport goes on from where it was, and does not leap."""

    @property
    def outdated(self) -> bool:
        """Whether rows of the viewport are those of before a `renew` or `restart`."""
        held = (self._held.get(page) for page in self._visible())
        return any(page is not None and page.generation < self._generation for page in held)

    @property
    def blank(self) -> bool:
        """Whether a row of the viewport is not held."""
        return any(page not in self._held for page in self._visible())

    @property
    def under_way(self) -> Request | None:
        """The request that was not answered yet."""
        return self._under_way

    @property
    def waiting(self) -> bool:
        """Whether there is one."""
        return self._under_way is not None

    @property
    def astray(self) -> Request | None:
        """The request under way, where its rows are neither in sight nor next to it."""
        request = self._under_way
        if request is None or self._restarted or request.offset // self.page_size in self._wishes():
            return None
        return request

    def row(self, number: int) -> Row | None:
        """The row of this number, the first being 0; None while it is not held."""
        held = self._held.get(number // self.page_size)
        if held is None or not 0 <= (place := number % self.page_size) < len(held.rows):
            return None
        return held.rows[place]

    def find(self, id: str) -> int | None:
        """The number of the row that holds this movie, among the rows that are up to date."""
        for page, held in self._held.items():
            if held.generation == self._generation:
                for place, row in enumerate(held.rows):
                    if row.movie.id == id:
                        return page * self.page_size + place
        return None

    def look(self, first: int, count: int) -> None:
        """Say which rows are on the screen now: `count` of them from row `first`."""
        first = max(0, first)
        if leap := abs(first - self._viewport.start):
            self._backwards = first < self._viewport.start
            self.travelling = leap <= 2 * count
        self._viewport = range(first, first + max(1, count))
        for page in self._visible():
            if page in self._held:
                self._held.move_to_end(page)

    def next_request(self) -> Request | None:
        """The page to fetch now, or None when all is there or a request is under way."""
        if self._under_way is not None:
            return None
        page = next((page for page in self._wishes() if not self._fresh(page)), None)
        if page is None:
            return None
        self._number += 1
        self._under_way = Request(self._number, page * self.page_size, self.page_size)
        return self._under_way

    @property
    def restarted(self) -> bool:
        """Whether nothing of the newest query is held yet."""
        return self._restarted

    def answer(self, request: Request, page: Page) -> bool:
        """Take the answer to a request; False, and no effect, when that request was given up meanwhile.

        After a page that is not counted the request is still under way, as if the answer ended with that page."""
        if request != self._under_way:
            return False
        if page.counted:
            self._under_way = None
        if self._restarted:
            self._held.clear()
            self._restarted = False
        if self.total is not None and page.total < self.total:
            self._drop_from(page.total)
        self.total, self.counted = page.total, page.counted
        tiers = page.tiers or (None,) * len(page.movies)
        views = page.views or (0.0,) * len(page.movies)
        rows = tuple(map(Row, page.movies, tiers, views))
        number = request.offset // self.page_size
        self._held[number] = _Held(rows, self._generation)
        self._held.move_to_end(number)
        while len(self._held) > self._keep:
            self._held.popitem(last=False)
        return True

    def give_up(self, request: Request) -> bool:
        """Forget a request that failed; False when it was given up already."""
        if request != self._under_way:
            return False
        self._under_way = None
        return True

    def renew(self) -> None:
        """Ask again for what is shown: the same query may have another answer now."""
        self._generation += 1
        self._under_way = None

    def restart(self) -> None:
        """Begin another query: what is held belongs to the one before."""
        self.renew()
        self._restarted = True

    def _visible(self) -> range:
        last = self._viewport.stop - 1
        if self.total is not None:
            last = min(last, self.total - 1)
        return range(self._viewport.start // self.page_size, max(0, last) // self.page_size + 1)

    def _wishes(self) -> list[int]:
        visible = self._visible()
        order = list(reversed(visible)) if self._backwards else list(visible)
        if not self.travelling:
            order.sort(key=self._in_view, reverse=True)
        neighbour = visible.start - 1 if self._backwards else visible.stop
        if neighbour >= 0 and self.total is not None and neighbour * self.page_size < self.total:
            order.append(neighbour)
        return order

    def _in_view(self, page: int) -> int:
        """How many rows of a page are in view."""
        first = page * self.page_size
        return min(first + self.page_size, self._viewport.stop) - max(first, self._viewport.start)

    def _fresh(self, page: int) -> bool:
        held = self._held.get(page)
        if held is None or held.generation < self._generation:
            # A page past the end has no rows to fetch, except the first, which tells the total.
            return self.total is not None and page > 0 and page * self.page_size >= self.total and not self._restarted
        return True

    def _drop_from(self, total: int) -> None:
        for page in [page for page in self._held if page * self.page_size >= total]:
            del self._held[page]
