"""The formats that can be read, the most particular first."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from data.formats import csv, imdb, mflix, movielens, tmdb
from data.opening import Format, Opening

Recogniser = Callable[[Opening, Sequence[Path]], Format | None]

RECOGNISERS: Final[tuple[Recogniser, ...]] = (
    mflix.recognise,
    imdb.recognise,
    movielens.recognise,
    tmdb.recognise,
    csv.recognise,
)
