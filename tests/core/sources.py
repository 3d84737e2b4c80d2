"""A source of movies from a list, for tests of loading."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path


class NoRejects:
    """Refuses nothing, keeps nothing."""

    path: Path | None = None
    problem = ""

    def write(self, reject: object) -> None:
        """Keep one refused row."""
        raise AssertionError(f"nothing here is refused: {reject}")

    def close(self) -> None:
        """Nothing is held back."""


class ListSource:
    """Yields the items of a list."""

    def __init__(self, items: Sequence[object]) -> None:
        self._items = items
        self.fraction: float | None = 0.0

    def __iter__(self) -> Iterator[object]:
        for number, item in enumerate(self._items, start=1):
            self.fraction = number / len(self._items)
            yield item

    def rejects(self) -> NoRejects:
        """Where refused rows would go."""
        return NoRejects()
