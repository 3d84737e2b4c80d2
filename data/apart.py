"""A file read in a process of its own: on another core than the store's driver, and no event loop waits for it.

The process sends batches of rows through a pipe and ends when nobody takes them any more, whatever became of who began
it. Ctrl-C does not reach it: whoever began it says when to stop.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator, Sequence
from typing import IO, Final

import msgspec

from core.errors import UnreadableFile
from core.model import Movie
from core.packed import PackedMovies
from data.rows import Reject

LARGE: Final = 4_000_000
"""Bytes on disk from which on a file is worth a process, which takes a quarter of a second to start."""
MANY: Final = 20_000
"""Rows likewise."""
LENGTH: Final = 4
"""Bytes in front of each batch, which tell how long it is."""

Damage = tuple[str, str]
"""Reason and remedy."""


class Batch(msgspec.Struct, array_like=True, gc=False):
    """Some rows, and how things stood when the last of them was read."""

    ids: list[str]
    movies: msgspec.Raw
    """Those of these ids, as columns."""
    rejects: list[tuple[int, Reject]]
    """Refused rows, each with its place among all rows of the batch."""
    fraction: float
    warnings: list[str]
    """Those that came since the batch before."""
    warning_count: int
    """Of the whole file so far."""
    ended: bool
    damage: Damage | None = None
    """Where the file cannot be read further."""

    @property
    def records(self) -> PackedMovies:
        """The movies, still packed."""
        return PackedMovies.of(self.ids, self.movies)

    @property
    def rows(self) -> Sequence[Movie | Reject]:
        """Movies and refused rows in the order of the file."""
        rows: list[Movie | Reject] = [*self.records]
        for place, reject in self.rejects:
            rows.insert(place, reject)
        return rows


def read_apart(path: str, recipe: Sequence[str]) -> Generator[Batch]:
    """The batches that a process makes which is told this recipe (see `data.reader`); it ends with the generator.

    Raises UnreadableFile, naming `path`, where the process dies."""
    with tempfile.TemporaryFile() as complaints, _process(recipe, complaints) as process:
        try:
            decode = msgspec.msgpack.Decoder(Batch).decode
            while True:
                length = _exactly(process, LENGTH)
                packed = _exactly(process, int.from_bytes(length)) if length else b""
                if not packed:
                    break
                batch = decode(packed)
                yield batch
                if batch.ended:
                    return
        finally:
            process.kill()
        complaints.seek(0)
        last = complaints.read().decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise UnreadableFile(
            path,
            f"the process that read it ended before the file did ({last or f'exit code {process.wait()}'}).",
            remedy="Load it again: what is in the store already stays.",
        )


def _process(recipe: Sequence[str], complaints: IO[bytes]) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-P", "-m", "data.reader", *recipe],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(os.path.abspath, sys.path))},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=complaints,
        start_new_session=True,
    )


def _exactly(process: subprocess.Popen[bytes], size: int) -> bytes:
    """So many bytes from the process; none where it ended before."""
    assert process.stdout is not None
    found = process.stdout.read(size)
    return found if len(found) == size else b""
