"""What is made of texts that recur, remembered: a look into a dict costs half of what a cached function does."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final, TypeVar

T = TypeVar("T")

_MOST: Final = 50_000
"""Texts that are remembered where nothing else is said: the days of a century, and more."""


class Remembered(dict[str, T]):
    """What a function makes of each text: of about `most` it is known, then they are forgotten."""

    def __init__(self, make: Callable[[str], T], most: int = _MOST) -> None:
        self._make = make
        self._most = most

    def of(self, texts: Iterable[str]) -> list[T]:
        """What it makes of these. Raises what it raises."""
        if len(self) > self._most:
            self.clear()
        return [*map(self.__getitem__, texts)]

    def __missing__(self, text: str) -> T:
        made = self[text] = self._make(text)
        return made
