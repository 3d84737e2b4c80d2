"""FilteredScreen: what is searched, filtered and sorted by, and the keys that change it."""

from __future__ import annotations

import msgspec
from textual import on
from textual.widgets import Input

from core.errors import InvalidQuery
from core.filter_text import FilterProblem, filter_text, parse_filter, with_filters
from core.model import Movie
from core.query import SORTED_AS_TEXT, Query
from tui.columns import TITLE, TRENDING
from tui.completing import Word, names_beginning
from tui.remembered import Memory
from tui.screens.watching import WatchedScreen
from tui.widgets.filter_bar import FilterBar
from tui.widgets.genres import GenrePanel
from tui.widgets.movie_table import MovieTable
from tui.years import parse_years, show_years


class FilteredScreen(WatchedScreen):
    """Keeps the query in force; how its answer is read is for a subclass to say."""

    def __init__(self, strategies: tuple[str, ...], stores: tuple[str, ...], memory: Memory) -> None:
        super().__init__(strategies, stores, memory)
        self.query_now = self._remembered()
        self._before: Query | None = None
        """The query that was shown when the filter's box was opened."""
        self.known_genres: tuple[str, ...] = ()
        """The genres that there are, without a filter."""

    def _remembered(self) -> Query:
        """The query of the last run, as far as it still means something."""
        now = self.memory.now
        try:
            order = Query(sort=now.sort or "title", descending=now.descending)
            return with_filters(order, parse_filter(now.filter))
        except (FilterProblem, InvalidQuery):
            return Query()

    def show_query(self, query: Query, *, keep_place: bool = False) -> None:
        """Show another query's movies and genres."""
        raise NotImplementedError

    def complete(self, word: Word) -> None:
        """Offer the values that a word could become."""
        raise NotImplementedError

    def jump(self, text: str) -> None:
        """Go to the row that a person named."""
        raise NotImplementedError

    def go_to_title(self, beginning: str) -> None:
        """Go to the first row whose title begins so."""
        raise NotImplementedError

    def stay_with(self, movie: Movie) -> None:
        """Go to where a movie stands in the answer that is asked for now, if it is in it."""
        raise NotImplementedError

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The keys that open a box come before all others, so they must let a box have them that is open already."""
        return action != "ask" or not isinstance(self.focused, Input)

    async def action_ask(self, asking: str) -> None:
        await self.whole.wait()
        self.action_pane("movies")
        bar = self.query_one(FilterBar)
        if asking == "text":
            self._before = self.query_now
            bar.ask("text", filter_text(self.query_now), self.memory.now.searches)
        elif asking == "years":
            bar.ask("years", show_years(self.query_now.year_from, self.query_now.year_to))
        elif asking == "title":
            if self.query_now.sort != "title":
                self.change(sort="title", descending=False)
            bar.ask("title")
        else:
            bar.ask("jump")

    @on(FilterBar.Typed)
    def search(self, event: FilterBar.Typed) -> None:
        """Show what is typed as far as it is right; what could be typed is offered below."""
        bar = self.query_one(FilterBar)
        if bar.asking == "title":
            self.go_to_title(event.text)
            return
        try:
            self.filter_by(self._parsed(event.text))
        except (FilterProblem, InvalidQuery) as problem:
            bar.refuse(str(problem))
        if event.word.has_values:
            self.complete(event.word)
        else:
            bar.suggest(event.word, names_beginning(event.word))

    @on(FilterBar.Answered)
    def answer(self, event: FilterBar.Answered) -> None:
        bar = self.query_one(FilterBar)
        if event.asking == "text":
            try:
                self.filter_by(self._parsed(event.text))
            except (FilterProblem, InvalidQuery) as problem:
                bar.refuse(str(problem))
                return
            self.memory.searched(event.text)
        elif event.asking == "years":
            try:
                first, last = parse_years(event.text)
            except ValueError as problem:
                bar.refuse(str(problem))
                return
            self.change(year_from=first, year_to=last)
        elif event.asking == "jump" and event.text:
            self.jump(event.text)
            return
        elif event.asking == "title" and event.text:
            self.go_to_title(event.text)  # what was typed last has not been looked for yet
        self.leave_bar()

    @on(FilterBar.Left)
    def leave(self, event: FilterBar.Left) -> None:
        if event.asking == "text" and self._before is not None:
            self.filter_by(self._before)
        self.leave_bar()

    def _parsed(self, text: str) -> Query:
        return with_filters(self.query_now, parse_filter(text, self.known_genres))

    def filter_by(self, query: Query) -> None:
        """Filter by what a query filters by, in the order in force."""
        query = with_filters(self.query_now, query)
        if query != self.query_now:
            self.show_query(query)

    def leave_bar(self) -> None:
        """Put the box away and go back to the table."""
        self.query_one(FilterBar).close()
        self.query_one(MovieTable).focus()

    @on(GenrePanel.Chosen)
    def toggle_genre(self, event: GenrePanel.Chosen) -> None:
        chosen = self.query_now.genres
        without = tuple(genre for genre in chosen if genre != event.name)
        self.change(genres=without if event.name in chosen else (*chosen, event.name))

    def action_clear(self) -> None:
        table, query = self.query_one(MovieTable), self.query_now
        movie = table.current if table.cursor else None
        self._clear_last(query)
        if movie is not None and self.query_now != query:
            self.stay_with(movie)

    def _clear_last(self, query: Query) -> None:
        if self.alone:
            self.action_full()
        elif query.ranges:
            self.change(ranges=query.ranges[:-1])
        elif query.within:
            self.change(within=query.within[:-1])
        elif query.text:
            self.change(text="")
        elif query.year_from is not None or query.year_to is not None:
            self.change(year_from=None, year_to=None)
        elif query.genres:
            self.change(genres=query.genres[:-1])

    @on(MovieTable.SortChosen)
    def sort_by(self, event: MovieTable.SortChosen) -> None:
        if event.field == self.query_now.sort:
            self.action_sort_flip()
        else:
            self.change(sort=event.field, descending=event.field not in SORTED_AS_TEXT)

    def action_sort_next(self) -> None:
        # Also by one that there is no room for: the table shows the column that it is sorted by.
        columns = (TITLE, *self.query_one(MovieTable).columns, *TRENDING.values())
        sorts = [column.sort for column in columns if column.sort]
        place = sorts.index(self.query_now.sort) + 1 if self.query_now.sort in sorts else 0
        field = sorts[place % len(sorts)]
        self.change(sort=field, descending=field not in SORTED_AS_TEXT)

    def action_sort_flip(self) -> None:
        self.change(descending=not self.query_now.descending)

    def change(self, **changes: object) -> None:
        """Show the query with some of its fields changed."""
        self.show_query(msgspec.structs.replace(self.query_now, **changes))
