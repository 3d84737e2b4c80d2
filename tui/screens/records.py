"""RecordScreen: what is done to one movie: going to it, opening it, editing, adding and removing it."""

from __future__ import annotations

from functools import partial

from textual import on

from core.catalogue import Catalogue
from core.errors import EditConflict, MovieNotFound
from core.model import Movie
from tui.completing import Word
from tui.locate import locate
from tui.remembered import Memory
from tui.screens.confirm import ConfirmScreen
from tui.screens.detail import DetailScreen
from tui.screens.edit import EditScreen
from tui.screens.filtering import FilteredScreen
from tui.widgets.filter_bar import FilterBar
from tui.widgets.movie_table import MovieTable
from tui.widgets.movie_text import heading
from tui.widgets.status import STORE_NAMES
from tui.work import run


class RecordScreen(FilteredScreen):
    """Changes movies through the catalogue, and has the table follow; how that is read is for a subclass to say."""

    def __init__(self, catalogue: Catalogue, memory: Memory) -> None:
        super().__init__(catalogue.strategies, catalogue.stores, memory)
        self.catalogue = catalogue

    @property
    def store_name(self) -> str:
        """The store in force as people call it."""
        return STORE_NAMES.get(self.catalogue.store, self.catalogue.store)

    def action_reload(self) -> None:
        """Ask again for what is shown."""
        raise NotImplementedError

    # ------------------------------------------------------------------------------------------------------ opening

    @on(MovieTable.Opened)
    def open_movie(self, event: MovieTable.Opened) -> None:
        id = event.movie.id

        def closed(wish: str | None) -> None:
            if wish == "edit":
                self._begin_edit(id)

        self.app.push_screen(DetailScreen(partial(self.catalogue.read, id)), closed)

    def complete(self, word: Word) -> None:
        """Offer the values that a word of the filter could become."""
        run(self, self._complete(word), doing="look up what there is", group="complete")

    async def _complete(self, word: Word) -> None:
        assert word.term is not None
        found = await self.catalogue.completions(word.term.field, word.value, among=self.query_now)
        self.query_one(FilterBar).suggest(word, [value.name for value in found])

    def jump(self, text: str) -> None:
        """Go to a row number, a percentage or an id."""
        run(self, self._jump(text), doing="find the row", group="jump")

    async def _jump(self, text: str) -> None:
        table, bar = self.query_one(MovieTable), self.query_one(FilterBar)
        total = table.window.total or 0
        figure = text.replace(",", "").replace(" ", "").replace("_", "")
        if figure.isdecimal() and len(figure) <= 12:
            table.go_to(int(figure) - 1)
        elif figure.endswith("%") and figure[:-1].isdecimal() and len(figure) <= 4:
            table.go_to(round((total - 1) * min(100, int(figure[:-1])) / 100))
        else:
            try:
                movie = await self.catalogue.get(text)
            except MovieNotFound:
                bar.refuse(f"There is no row number, percentage or id {text[:40]!r}.")
                return
            if not await self._go_to_movie(movie):
                bar.refuse(f"“{movie.title}” is not among the movies that are filtered: Esc clears the filter.")
                return
        self.leave_bar()

    async def _go_to_movie(self, movie: Movie) -> bool:
        number = await locate(self.catalogue.browse, self.query_now, movie)
        if number is not None:
            self.query_one(MovieTable).go_to(number, movie.id)
        return number is not None

    # ----------------------------------------------------------------------------------------------------- changing

    def action_edit(self) -> None:
        if (movie := self.query_one(MovieTable).current) is not None:
            self._begin_edit(movie.id)

    def _begin_edit(self, id: str) -> None:
        run(self, self._edit(id), doing="edit the movie", group="edit")

    async def _edit(self, id: str) -> None:
        form = EditScreen(await self.catalogue.get(id), self.catalogue.save, genres=self.known_genres)
        await self._follow(await self.app.push_screen_wait(form), "Saved")

    def action_add(self) -> None:
        run(self, self._add(), doing="add a movie", group="edit")

    async def _add(self) -> None:
        form = EditScreen.for_new(self.catalogue.add, genres=self.known_genres)
        await self._follow(await self.app.push_screen_wait(form), "Added")

    async def _follow(self, saved: Movie | None, done: str) -> None:
        """Show a movie that was just written where it stands now, or say that the filter hides it."""
        if saved is None:
            return
        self.action_reload()
        hidden = "" if await self._go_to_movie(saved) else " The filter hides it: Esc clears."
        self.notify(f"“{saved.title}” is saved in {self.store_name}.{hidden}", title=done, markup=False)

    def action_remove(self) -> None:
        if (movie := self.query_one(MovieTable).current) is not None:
            run(self, self._remove(movie.id), doing="remove the movie", group="edit")

    async def _remove(self, id: str) -> None:
        """Remove a movie after asking; one that was changed while the question stood is asked about again."""
        movie, changed = await self.catalogue.get(id), ""
        while True:
            question = f"{changed}Remove “{heading(movie)[:60]}” from {self.store_name}? It cannot be undone."
            if not await self.app.push_screen_wait(ConfirmScreen(question, yes="remove", no="keep it", danger=True)):
                return
            try:
                await self.catalogue.remove(id, version=movie.version)
            except EditConflict as conflict:
                movie, changed = conflict.current, "Somebody else changed it just now. "
            else:
                break
        self.action_reload()
        self.notify(f"“{movie.title}” is no longer in {self.store_name}.", title="Removed", markup=False)
