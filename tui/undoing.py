"""Undo: the last saves of this run, each of which can be taken back by a new version. Knows no widget."""

from __future__ import annotations

from typing import Final

import msgspec

from core.model import Movie, replace

MOST: Final = 50
"""Saves that can be taken back; older ones are forgotten."""


class Saved(msgspec.Struct, frozen=True):
    """One save in one store: the movie before it (None: it was added) and after it (None: it was removed)."""

    store: str
    before: Movie | None
    after: Movie | None

    @property
    def title(self) -> str:
        """The movie's title as it was saved."""
        movie = self.after or self.before
        assert movie is not None
        return movie.title

    @property
    def restored(self) -> Movie:
        """The state before the save, as a save over the state after it. Only of a movie that was there before."""
        assert self.before is not None
        return replace(self.before, version=self.after.version if self.after else 0)


class UndoStack:
    """The saves in order; each store has its own last one."""

    def __init__(self) -> None:
        self._saves: list[Saved] = []

    def push(self, saved: Saved) -> None:
        """Remember a save as the last one."""
        self._saves = [*self._saves[1 - MOST :], saved]

    def last(self, store: str) -> Saved | None:
        """The last save in this store that was not taken back."""
        return next((saved for saved in reversed(self._saves) if saved.store == store), None)

    def taken_back(self, saved: Saved) -> None:
        """Forget a save."""
        self._saves = [other for other in self._saves if other is not saved]
