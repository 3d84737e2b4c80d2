"""Movies that stay packed: what they hold is what was packed, however they are put together and cut."""

from __future__ import annotations

import msgspec
import pytest

from core.packed import PackedMovies, ids_of, pieces_of
from tests.core.movies import movies


@pytest.mark.parametrize("counts", [(0,), (1, 15, 16), (17, 0, 200), (70_000,)])
def test_packed_movies_are_those_that_were_packed(counts: tuple[int, ...]) -> None:
    given = [movies(min(count, 250)) * max(1, count // 250) for count in counts]
    packed = PackedMovies.together(
        [PackedMovies.of([movie.id for movie in part], msgspec.msgpack.encode(part)) for part in given]
    )
    expected = [movie for part in given for movie in part]
    assert ids_of(packed) == ids_of(expected) == [movie.id for movie in expected]
    assert list(packed) == expected
    pieces = pieces_of(packed, 16)
    assert [movie for piece in pieces for movie in piece] == expected
    assert [id for piece in pieces for id in ids_of(piece)] == ids_of(packed)
    assert all(len(piece) >= 16 for piece in pieces[:-1])
    assert packed[:3] == expected[:3]
