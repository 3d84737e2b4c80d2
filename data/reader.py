"""The process of `data.apart`: `python -m data.reader file PATH [COMPANION...]` or `synthetic COUNT SEED`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from itertools import islice
from typing import Final

import msgspec

from core.errors import UnreadableFile
from core.model import Movie
from data.apart import LENGTH, Batch
from data.rows import Reject
from data.source import Source, read
from data.synthetic import Synthetic

_FEW: Final = 50
"""Rows of the first batch, when nothing is known of their length."""
_MOST: Final = 500
_BYTES: Final = 200_000
"""About the length of a batch: both processes hold it."""


def _batches(source: Source | Synthetic) -> Iterator[bytes]:
    """The batches, packed."""
    encode = msgspec.msgpack.Encoder().encode
    rows: Iterator[Movie | Reject] = iter(source.here())
    size, told, ended = _FEW, 0, False
    while not ended:
        movies: list[Movie] = []
        rejects: list[tuple[int, Reject]] = []
        damage = None
        try:
            for place, row in enumerate(islice(rows, size)):
                if isinstance(row, Movie):
                    movies.append(row)
                else:
                    rejects.append((place, row))
        except UnreadableFile as error:
            damage = (error.reason, error.remedy)
        ended = damage is not None or len(movies) + len(rejects) < size
        warnings = list(source.warnings[told:])
        told += len(warnings)
        ids, raw = [movie.id for movie in movies], msgspec.Raw(encode(movies))
        packed = encode(Batch(ids, raw, rejects, source.fraction, warnings, source.warning_count, ended, damage))
        yield packed
        size = max(1, min(_MOST, size * _BYTES // len(packed)))


def main(kind: str, *recipe: str) -> None:
    """Write the batches to the standard output, each behind its length."""
    source = (
        Synthetic(int(recipe[0]), int(recipe[1])) if kind == "synthetic" else read(recipe[0], companions=recipe[1:])
    )
    for packed in _batches(source):
        sys.stdout.buffer.write(len(packed).to_bytes(LENGTH) + packed)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        os._exit(0)  # nobody takes them any more; there is nothing to flush either
