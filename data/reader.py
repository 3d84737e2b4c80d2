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

_FIRST: Final = 250
"""Rows: what is wanted of a load first, too."""
_ROWS: Final = 500


def _batches(source: Source | Synthetic) -> Iterator[Batch]:
    rows = iter(source.here())
    size, told, ended = _FIRST, 0, False
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
        yield Batch(movies, rejects, source.fraction, warnings, source.warning_count, ended, damage)
        size = _ROWS


def main(kind: str, *recipe: str) -> None:
    """Write the batches to the standard output, each behind its length."""
    source = (
        Synthetic(int(recipe[0]), int(recipe[1])) if kind == "synthetic" else read(recipe[0], companions=recipe[1:])
    )
    encode = msgspec.msgpack.Encoder().encode
    for batch in _batches(source):
        packed = encode(batch)
        sys.stdout.buffer.write(len(packed).to_bytes(LENGTH) + packed)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        os._exit(0)  # nobody takes them any more; there is nothing to flush either
