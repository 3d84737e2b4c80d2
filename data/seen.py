"""Which ids of a file have come before, remembered for files of any length."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    import numpy

_MOST_RECENT: Final = 250_000


class Seen:
    """A set of texts that only grows, at 8 bytes each beyond the first quarter of a million.

    A set of Python numbers takes ten times that: more than the whole of a file of short rows. Kept are 64-bit hashes;
    among a hundred million texts the chance that any two share one is about 1 in 3,700.
    """

    def __init__(self) -> None:
        self._recent: set[int] = set()
        self._earlier: numpy.ndarray | None = None

    def add(self, text: str) -> bool:
        """Remember a text; whether it is new."""
        key = hash(text)
        if key in self._recent or self._is_earlier(key):
            return False
        self._recent.add(key)
        if len(self._recent) >= _MOST_RECENT:
            self._set_aside()
        return True

    def add_all(self, texts: Collection[str]) -> bool:
        """Remember some texts, if all of them are new and no two the same; whether they were."""
        keys = set(map(hash, texts))
        if len(keys) < len(texts) or not keys.isdisjoint(self._recent) or any(map(self._is_earlier, keys)):
            return False
        self._recent |= keys
        if len(self._recent) >= _MOST_RECENT:
            self._set_aside()
        return True

    def _is_earlier(self, key: int) -> bool:
        if self._earlier is None:
            return False
        place = int(self._earlier.searchsorted(key))
        return place < len(self._earlier) and int(self._earlier[place]) == key

    def _set_aside(self) -> None:
        import numpy

        recent = numpy.fromiter(self._recent, numpy.int64, len(self._recent))
        parts = [recent] if self._earlier is None else [self._earlier, recent]
        self._earlier = numpy.concatenate(parts)
        self._earlier.sort(kind="stable")
        self._recent.clear()
