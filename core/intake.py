"""Intake: a source read batch by batch, in a thread and one batch ahead, and the account of what became of its rows."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Generator, Iterator, Sequence
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Generic, NamedTuple, Protocol, TypeVar, cast, runtime_checkable

from core.errors import UnreadableFile
from core.model import LoadProgress, LoadReport, Movie
from core.packed import PackedMovies
from core.stores.base import Stored

T = TypeVar("T")


class Rejects(Protocol):
    """Where refused rows go. `path` is None while nothing was refused, `problem` says why they could not be written."""

    path: Path | None
    problem: str

    def write(self, reject: Any) -> None:
        """Keep one refused row."""

    def close(self) -> None:
        """End the file."""


class Source(Protocol):
    """A file being read: yields records, and whatever is none is a refused row."""

    def __iter__(self) -> Iterator[object]: ...

    @property
    def fraction(self) -> float | None:
        """How much of it has been read, 0 to 1."""

    def rejects(self) -> Rejects:
        """Where its refused rows go."""


class Apart(Protocol):
    """Some rows that another process read: the movies still packed, and the refused ones with their places."""

    @property
    def records(self) -> PackedMovies:
        """The movies."""

    @property
    def rejects(self) -> Sequence[tuple[int, object]]:
        """The refused rows."""


@runtime_checkable
class Large(Protocol):
    """A source that is read by a process of its own, if it is `large`."""

    @property
    def large(self) -> bool:
        """Whether it is."""

    def batches(self) -> Generator[Apart]:
        """Its rows as they come from there."""


class Batch(NamedTuple, Generic[T]):
    """The records among so many rows, and what the source met behind them, if it cannot be read on."""

    records: Sequence[T]
    rows: int
    damaged: UnreadableFile | None


class Intake(Generic[T]):
    """Reads a source while its context is entered; what is no `kind` is refused. The first batch has `rows` rows."""

    def __init__(self, source: Source, kind: type[T], rows: int) -> None:
        self._source = source
        self._kind = kind
        self._rows = rows
        self._batches: Iterator[Apart] | None = None
        if kind is Movie and isinstance(source, Large) and source.large:
            self._batches = source.batches()
        self._items = self._batches or iter(source)
        self._rejects = source.rejects()
        self._started = time.monotonic()
        self._read = self._rejected = self._unchanged = 0
        self.fraction: float | None = None
        """How much of the source the batches so far are."""
        self.stored = 0
        """Records that were inserted or replaced."""

    async def __aenter__(self) -> Intake[T]:
        self._take_soon(self._rows)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # Its thread goes on to the end of its batch whatever happens here.
        await asyncio.wait([self._taking])
        if isinstance(self._items, Generator):
            self._items.close()
        self._rejects.close()

    async def batch(self, following: int) -> Batch[T] | None:
        """The next batch, None at the end; the one behind it, of so many rows, is read from now on."""
        # Not to be cancelled: the source cannot be closed while a thread is in it.
        taken, damaged, self.fraction = await asyncio.shield(self._taking)
        if not taken and damaged is None:
            return None
        self._take_soon(following)
        records, refused = self._sorted(taken)
        for reject in refused:
            self._rejects.write(reject)
        self._rejected += len(refused)
        return Batch(records, len(records) + len(refused), damaged)

    def took(self, rows: int, result: Stored) -> None:
        """The store has taken the records of so many rows."""
        self._read += rows
        self.stored += result.inserted + result.updated
        self._unchanged += result.unchanged

    @property
    def so_far(self) -> LoadProgress:
        """How far it has come."""
        seconds = time.monotonic() - self._started
        return LoadProgress(self._read, self.stored, self._unchanged, self._rejected, seconds, self.fraction)

    def broken(self, damaged: UnreadableFile) -> UnreadableFile:
        """The same complaint, with what was stored before it."""
        kept = f"What stands before that is in the store ({self.stored:,} stored, {self._unchanged:,} unchanged)."
        if self._rejects.path:
            kept = f"{kept} Rejected rows: {self._rejects.path}"
        return UnreadableFile(damaged.path, f"{damaged.reason} {kept}", remedy=damaged.remedy)

    def report(self, *, stopped: bool) -> LoadReport:
        """What became of everything, once the context was left."""
        return LoadReport(
            self._read,
            self.stored,
            self._unchanged,
            self._rejected,
            str(self._rejects.path) if self._rejects.path else None,
            time.monotonic() - self._started,
            rejects_problem=self._rejects.problem,
            cancelled=stopped,
        )

    def _sorted(self, taken: Sequence[Any]) -> tuple[Sequence[T], list[object]]:
        """The records and the refused rows among what was taken."""
        if self._batches:
            movies = PackedMovies.together([part.records for part in taken])
            return cast("Sequence[T]", movies), [reject for part in taken for _, reject in part.rejects]
        records: list[T] = []
        refused: list[object] = []
        for item in taken:
            if isinstance(item, self._kind):
                records.append(item)
            else:
                refused.append(item)
        return records, refused

    def _take_soon(self, rows: int) -> None:
        self._taking = asyncio.create_task(asyncio.to_thread(self._take, rows))

    def _take(self, rows: int) -> tuple[list[Any], UnreadableFile | None, float | None]:
        taken: list[Any] = []
        try:
            if self._batches:
                while rows > 0 and (part := next(self._batches, None)) is not None:
                    taken.append(part)
                    rows -= len(part.records) + len(part.rejects)
            else:
                taken.extend(islice(self._items, rows))  # keeps what came before an exception
        except UnreadableFile as damaged:
            return taken, damaged, self._source.fraction
        return taken, None, self._source.fraction
