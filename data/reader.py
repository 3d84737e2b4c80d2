"""The process of `data.apart`: `python -m data.reader file PATH [COMPANION...]` or `synthetic COUNT SEED`."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from core.errors import UnreadableFile
from core.model import Movie
from core.packed import CELL, Columns, columns_of
from data.apart import LENGTH, Batch, Damage
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
    pack = msgspec.msgpack.Encoder().encode
    told = 0

    def batch(columns: Columns | None, rejects: list[tuple[int, Reject]], damage: Damage | None = None) -> bytes:
        nonlocal told
        ids = columns[0].split(CELL) if columns else []
        warnings = list(source.warnings[told:])
        told += len(warnings)
        raw = msgspec.Raw(pack(columns or ()))
        return pack(Batch(ids, raw, rejects, source.fraction, warnings, source.warning_count, ended, damage))

    rows: list[Movie | Reject] = []
    size, ended = _FEW, False
    damage: Damage | None = None
    try:
        for found in source.runs():
            if isinstance(found, Movie | Reject):
                rows.append(found)
                if len(rows) >= size:
                    packed = batch(*_apart(rows))
                    rows.clear()
                    size = max(1, min(_MOST, size * _BYTES // len(packed)))
                    yield packed
                continue
            if rows:
                yield batch(*_apart(rows))
                rows.clear()
            yield batch(found, [])
    except UnreadableFile as error:
        damage = (error.reason, error.remedy)
    ended = True
    yield batch(*_apart(rows), damage)


def _apart(rows: Sequence[Movie | Reject]) -> tuple[Columns | None, list[tuple[int, Reject]]]:
    """The movies among some rows, and the others with their places."""
    movies = [row for row in rows if isinstance(row, Movie)]
    rejects = [(place, row) for place, row in enumerate(rows) if isinstance(row, Reject)]
    return columns_of(movies) if movies else None, rejects


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
