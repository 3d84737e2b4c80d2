"""RecordScreen: what is done to one movie: going to it, opening it, editing, adding and removing it."""

from __future__ import annotations

from contextlib import suppress
from functools import partial

from textual import on

from core.catalogue import Catalogue
from core.errors import EditConflict, MovieNotFound
from core.model import Movie, replace, same_content
from tui.completing import Word
from tui.formats import visible
from tui.remembered import Memory
from tui.screens import dialogs
from tui.screens.filtering import FilteredScreen
from tui.strategy_texts import STRATEGY_TEXTS
from tui.undoing import Saved, UndoStack
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
        self._undo = UndoStack()

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

        self.catalogue.viewed(id)
        self.app.push_screen(dialogs.DetailScreen(partial(self.catalogue.read, id)), closed)

    def action_boards(self) -> None:
        """Show the rankings, of the genre that the filter names."""
        genre = self.query_now.genres[0] if self.query_now.genres else None
        self.app.push_screen(dialogs.BoardsScreen(self.catalogue, self.known_genres, genre), self._go_to_ranked)

    def _go_to_ranked(self, id: str | None) -> None:
        if id is not None:
            run(self, self._find(id), doing="find the row", group="jump")

    async def _find(self, id: str) -> None:
        movie = await self.catalogue.get(id)
        if not await self._go_to_movie(movie):
            problem = f"“{movie.title}” is not among the movies that are filtered: Esc clears the filter."
            self.notify(problem, title="Boards", severity="warning", markup=False)

    def complete(self, word: Word) -> None:
        """Offer the values that a word of the filter could become."""
        run(self, self._complete(word), doing="look up what there is", group="complete")

    async def _complete(self, word: Word) -> None:
        assert word.term is not None
        found = await self.catalogue.completions(word.term.field, word.value, among=self.query_now)
        self.query_one(FilterBar).suggest(word, [value.name for value in found])

    async def _values_beginning(self, field: str, beginning: str) -> list[str]:
        return [value.name for value in await self.catalogue.completions(field, beginning)]

    @property
    def _yet(self) -> str:
        """What the end of a search without success has to add while the shipped movies are still on their way."""
        return "" if self.catalogue.filling is None else " yet: still loading"

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
                bar.refuse(f"There is no row number, percentage or id {text[:40]!r}{self._yet}.")
                return
            if not await self._go_to_movie(movie):
                bar.refuse(f"“{movie.title}” is not among the movies that are filtered: Esc clears the filter.")
                return
        self.leave_bar()

    def go_to_title(self, beginning: str) -> None:
        """Go to the first row whose title begins so; say so where none does."""
        run(self, self._go_to_title(beginning), doing="find the title", group="jump")

    async def _go_to_title(self, beginning: str) -> None:
        table, bar = self.query_one(MovieTable), self.query_one(FilterBar)
        from tui.locate import first_titled

        number = await first_titled(self.catalogue.browse, self.query_now, beginning)
        if number is not None:
            table.go_to(number)
        elif beginning:
            problem = f"No title here begins with “{visible(beginning[:40])}”{self._yet}."
            if bar.is_open:
                bar.refuse(problem)
            else:
                self.notify(problem, title="Title", severity="warning", markup=False)

    def stay_with(self, movie: Movie) -> None:
        """Keep the cursor on a movie when the filter grows wider around it."""
        run(self, self._stay_with(movie), doing="find the row", group="jump")

    async def _stay_with(self, movie: Movie) -> None:
        await self._go_to_movie(movie)

    async def _go_to_movie(self, movie: Movie) -> bool:
        from tui.locate import locate  # rows are looked for long after the start

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
        before = await self.catalogue.get(id)
        form = dialogs.EditScreen(
            before, self.catalogue.save, completions=self._values_beginning, note=self._what_a_write_does
        )
        saved = await self.app.push_screen_wait(form)
        # After a conflict the form stands on the other person's save: theirs is not for this one to take back.
        if saved is not None and not same_content(form.draft.base, saved):
            self._undo.push(Saved(self.catalogue.store, form.draft.base, saved))
        await self._follow(saved, "Saved")

    @property
    def _what_a_write_does(self) -> str:
        strategy = self.catalogue.strategy
        return f"{strategy}: {STRATEGY_TEXTS[strategy].write}."

    def action_add(self) -> None:
        run(self, self._add(), doing="add a movie", group="edit")

    async def _add(self) -> None:
        form = dialogs.EditScreen.for_new(
            self.catalogue.add, completions=self._values_beginning, note=self._what_a_write_does
        )
        added = await self.app.push_screen_wait(form)
        if added is not None:
            self._undo.push(Saved(self.catalogue.store, None, added))
        await self._follow(added, "Added")

    async def _follow(self, saved: Movie | None, done: str) -> None:
        """Show a movie that was just written where it stands now, or say that the filter hides it."""
        if saved is None:
            return
        self.action_reload()
        hidden = "" if await self._go_to_movie(saved) else " The filter hides it: Esc clears."
        last = self._undo.last(self.catalogue.store)
        undo = " u undoes it." if last is not None and last.after is saved else ""
        self.notify(f"“{saved.title}” is saved in {self.store_name}.{hidden}{undo}", title=done, markup=False)

    def action_remove(self) -> None:
        if (movie := self.query_one(MovieTable).current) is not None:
            run(self, self._remove(movie.id), doing="remove the movie", group="edit")

    async def _remove(self, id: str) -> None:
        """Remove a movie after asking; one that was changed while the question stood is asked about again."""
        movie, changed = await self.catalogue.get(id), ""
        while True:
            question = f"{changed}Remove “{heading(movie)[:60]}” from {self.store_name}?"
            if not await self.app.push_screen_wait(
                dialogs.ConfirmScreen(question, yes="remove", no="keep it", danger=True)
            ):
                return
            try:
                await self.catalogue.remove(id, version=movie.version)
            except EditConflict as conflict:
                movie, changed = conflict.current, "Somebody else changed it just now. "
            else:
                break
        self._undo.push(Saved(self.catalogue.store, movie, None))
        self.action_reload()
        self.notify(
            f"“{movie.title}” is no longer in {self.store_name}. u puts it back.", title="Removed", markup=False
        )

    # ------------------------------------------------------------------------------------------------ taking it back

    def action_undo(self) -> None:
        """Take back the last save in this store, by a new version."""
        saved = self._undo.last(self.catalogue.store)
        if saved is None:
            self.notify(f"Nothing was saved in {self.store_name} in this run.", title="Undo", markup=False)
        else:
            run(self, self._take_back(saved), doing="undo the last save", group="edit")

    async def _take_back(self, saved: Saved) -> None:
        if saved.before is None:
            restored = await self._take_back_addition(saved)
        elif saved.after is None:
            restored = await self._put_back(saved)
        else:
            restored = await self._take_back_edit(saved)
        if restored:
            self._undo.taken_back(saved)

    async def _take_back_addition(self, saved: Saved) -> bool:
        assert saved.after is not None
        movie, changed, meant = saved.after, "", False
        while True:
            question = f"{changed}Undo: remove “{heading(movie)[:60]}”, which you added, from {self.store_name}?"
            confirm = dialogs.ConfirmScreen(question, yes="remove", no="keep it", danger=True)
            if not meant and not await self.app.push_screen_wait(confirm):
                return False
            try:
                with suppress(MovieNotFound):
                    await self.catalogue.remove(movie.id, version=movie.version)
            except EditConflict as conflict:
                # The same content under a later version: only saves that were undone lie between.
                meant = same_content(conflict.current, movie)
                movie, changed = conflict.current, "Somebody else changed it since. "
            else:
                break
        self.action_reload()
        self.notify(f"“{saved.title}” is no longer in {self.store_name}.", title="Undone", markup=False)
        return True

    async def _put_back(self, saved: Saved) -> bool:
        assert saved.before is not None
        question = f"Undo: put “{heading(saved.before)[:60]}”, which you removed, back into {self.store_name}?"
        if not await self.app.push_screen_wait(dialogs.ConfirmScreen(question, yes="put back", no="leave it")):
            return False
        await self._follow(await self.catalogue.add(saved.restored), "Undone")
        return True

    async def _take_back_edit(self, saved: Saved) -> bool:
        """Save what was there before, over what is there now; where somebody else saved since, field by field."""
        assert saved.after is not None
        wanted, base = saved.restored, saved.after
        from tui.editing import changes_between  # which the dialog brings

        review = dialogs.ReviewScreen(f"Undo · {saved.title[:40]}", changes_between(base, wanted), go="undo")
        if not await self.app.push_screen_wait(review):
            return False
        while True:
            try:
                restored = await self.catalogue.save(wanted)
            except EditConflict as conflict:
                theirs = conflict.current
                if same_content(theirs, base):
                    # Only undone saves lie between: it stands as this person left it.
                    wanted, base = replace(wanted, version=theirs.version), theirs
                    continue
                merged = await self.app.push_screen_wait(dialogs.ConflictScreen(base, wanted, theirs))
                if merged is None:
                    return False
                wanted, base = merged, theirs
            else:
                break
        await self._follow(restored, "Undone")
        return True
