"""Batches: plain reads that travel together as one MGET, and what becomes of their values as the reply is parsed."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from core.cache.wire import Keeper

MOST_TOGETHER: Final = 256
"""Keys of one MGET: what more are asked for in one tick go into another, so that none answers very late."""


class _Read:
    """One name: who wants it, and who is to keep it."""

    __slots__ = ("futures", "keeper")

    def __init__(self, future: asyncio.Future[bytes | None], keeper: Keeper | None) -> None:
        self.futures = [future]
        self.keeper = keeper


class Reads:
    """A Batch that grows until it leaves, in which every name stands once."""

    __slots__ = ("_reads", "left")

    def __init__(self) -> None:
        self.left = False
        """What is wanted from now on belongs into another."""
        self._reads: dict[bytes, _Read] = {}

    def __len__(self) -> int:
        return len(self._reads)

    def add(self, name: bytes, future: asyncio.Future[bytes | None], keeper: Keeper | None) -> None:
        """One more who wants this value."""
        read = self._reads.get(name)
        if read is None:
            self._reads[name] = _Read(future, keeper)
        else:
            read.futures.append(future)
            read.keeper = read.keeper or keeper

    def names(self) -> Sequence[bytes]:
        """It leaves."""
        self.left = True
        return tuple(self._reads)

    def landed(self, values: Sequence[bytes | None]) -> None:
        """Keep, and tell each."""
        for (name, read), value in zip(self._reads.items(), values, strict=True):
            if read.keeper is not None and value is not None:
                read.keeper.keep(name, value)
            for future in read.futures:
                if not future.done():
                    future.set_result(value)

    def failed(self, error: Exception) -> None:
        """Tell each."""
        self.left = True  # or it never will
        for read in self._reads.values():
            for future in read.futures:
                if not future.done():
                    future.set_exception(error)

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Keep none of these."""
        for name in self._reads if names is None else names:
            if (read := self._reads.get(name)) is not None:
                read.keeper = None


class Several:
    """A Batch of given names whose values are wanted together."""

    __slots__ = ("_barred", "_future", "_keeper", "_names")

    def __init__(
        self, names: Sequence[bytes], future: asyncio.Future[list[bytes | None]], keeper: Keeper | None
    ) -> None:
        self._names = names
        self._future = future
        self._keeper = keeper
        self._barred: set[bytes] = set()

    def names(self) -> Sequence[bytes]:
        """It leaves."""
        return self._names

    def landed(self, values: Sequence[bytes | None]) -> None:
        """Keep, and tell."""
        if self._keeper is not None:
            for name, value in zip(self._names, values, strict=True):
                if value is not None and name not in self._barred:
                    self._keeper.keep(name, value)
        if not self._future.done():
            self._future.set_result(list(values))

    def failed(self, error: Exception) -> None:
        """Tell."""
        if not self._future.done():
            self._future.set_exception(error)

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Keep none of these."""
        self._barred.update(self._names if names is None else names)
