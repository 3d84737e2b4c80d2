"""Movies that stay packed as another process sent them, and go on to a third one so: who looks at one unpacks all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Final, overload

import msgspec

from core.model import Movie

_unpack: Final = msgspec.msgpack.Decoder(list[Movie]).decode
_COUNT: Final = 4
"""Bytes that say how many there are, behind one that says so."""


class PackedMovies(Sequence[Movie]):
    """Some movies whose ids are known: `parts` of msgpack are the movies of each of `counts` ids, headers left out."""

    def __init__(self, ids: Sequence[str], parts: Sequence[tuple[int, memoryview]]) -> None:
        self.ids = ids
        self._parts = parts

    @classmethod
    def of(cls, ids: Sequence[str], packed: memoryview | bytes) -> PackedMovies:
        """The movies of one msgpack array."""
        return cls(ids, [(len(ids), memoryview(packed)[_header(len(ids)) :])])

    @classmethod
    def together(cls, several: Sequence[PackedMovies]) -> PackedMovies:
        """All of them, in order."""
        return cls([id for each in several for id in each.ids], [part for each in several for part in each._parts])

    def pieces(self, most: int) -> Iterator[PackedMovies]:
        """The same in runs of about so many."""
        first, parts, count = 0, list[tuple[int, memoryview]](), 0
        for part in self._parts:
            parts.append(part)
            count += part[0]
            if count >= most:
                yield PackedMovies(self.ids[first : first + count], parts)
                first, parts, count = first + count, [], 0
        if parts:
            yield PackedMovies(self.ids[first:], parts)

    @property
    def packed(self) -> bytes:
        """All of them as one msgpack array."""
        return b"".join([b"\xdd", len(self.ids).to_bytes(_COUNT), *(part for _, part in self._parts)])

    @cached_property
    def _movies(self) -> list[Movie]:
        return _unpack(self.packed)

    def __len__(self) -> int:
        return len(self.ids)

    @overload
    def __getitem__(self, place: int) -> Movie: ...

    @overload
    def __getitem__(self, place: slice) -> list[Movie]: ...

    def __getitem__(self, place: int | slice) -> Movie | list[Movie]:
        return self._movies[place]

    def __iter__(self) -> Iterator[Movie]:
        return iter(self._movies)


def ids_of(movies: Sequence[Movie]) -> Sequence[str]:
    """The ids of movies, packed or not."""
    return movies.ids if isinstance(movies, PackedMovies) else [movie.id for movie in movies]


def pieces_of(movies: Sequence[Movie], most: int) -> list[Sequence[Movie]]:
    """Movies in runs of about so many."""
    if isinstance(movies, PackedMovies):
        return [*movies.pieces(most)]
    return [movies[first : first + most] for first in range(0, len(movies), most)]


def _header(count: int) -> int:
    """Bytes that an array of so many begins with (msgpack specification, array format family)."""
    return 1 if count < 16 else 3 if count < 65_536 else 5
