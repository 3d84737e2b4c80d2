"""Lanes: two connections to one server, so that what is small and wanted at once never waits behind what is bulky.

Plain reads have one to themselves, which is also the one that the near tier's tracking belongs to; scripts, windows,
scans and everything else go on the other. Each is connected when it is first needed, and again after it was lost.
Where the server is, is found out once and again after `drop`: both always lead to the same one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

from core.cache.address import Address
from core.cache.background import Background
from core.cache.batches import MOST_TOGETHER
from core.cache.deadline import Deadline
from core.cache.lane import Lane, connect
from core.cache.primary import Find
from core.cache.wire import Batch, Command, Identify, Keeper, Reply


class _Way:
    """One lane while it is there, and the one attempt to have it while it is not."""

    def __init__(
        self,
        find: Find,
        budget: float,
        identify: Identify,
        pushed: Callable[[list[Any]], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self.lane: Lane | None = None
        self._find = find
        self._budget = budget
        self._identify = identify
        self._pushed = pushed
        self._lost = lost
        self._connecting: asyncio.Task[Lane] | None = None

    async def connected(self, patience: float = 0.0) -> Lane:
        """The lane. Who comes while it is being connected shares that attempt, and its failure."""
        if self.lane is not None and not self.lane.closed:
            return self.lane
        if self._connecting is None:
            self._connecting = asyncio.create_task(self._connect(patience))
            self._connecting.add_done_callback(self._ended)
        try:
            return await asyncio.shield(self._connecting)
        except asyncio.CancelledError:
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise
            raise ConnectionAbortedError("the connection was given up") from None  # by `drop`

    async def drop(self) -> None:
        """Close it."""
        connecting, self._connecting = self._connecting, None
        if connecting is not None:
            connecting.cancel()
            await asyncio.gather(connecting, return_exceptions=True)
        if self.lane is not None:
            self.lane.abort()
            self.lane = None

    async def _connect(self, patience: float) -> Lane:
        with Deadline(self._budget + patience):
            address = await self._find()
            lane, info = await connect(address, self._budget, patience=patience, pushed=self._pushed, lost=self._lost)
        try:
            self._identify(info)
        except BaseException:
            lane.abort()
            raise
        self.lane = lane
        return lane

    def _ended(self, task: asyncio.Task[Lane]) -> None:
        if self._connecting is task:
            self._connecting = None
        if not task.cancelled():
            task.exception()  # every caller may have left


class Lanes:
    """A Wire of two lanes. `pushed` and `lost` tell of the pushes on the lane of the reads, and of its loss."""

    def __init__(
        self,
        find: Find,
        budget: float,
        identify: Identify,
        *,
        pushed: Callable[[list[Any]], None] | None = None,
        lost: Callable[[], None] | None = None,
    ) -> None:
        self.server: Address | None = None
        """Where the server was found."""
        self._find = find
        self._reads = _Way(self._found, budget, identify, pushed, lost)
        self._bulk = _Way(self._found, budget, identify)
        self._late = Background()
        """Batches that wait for a connection."""

    def call(self, commands: Sequence[Command], patience: float = 0.0) -> Awaitable[list[Reply]]:
        """On the lane for everything but plain reads."""
        lane = self._bulk.lane
        if lane is None or lane.closed:
            return self._call(commands, patience)
        return lane.call(commands, patience)

    async def _call(self, commands: Sequence[Command], patience: float) -> list[Reply]:
        return await (await self._bulk.connected(patience)).call(commands, patience)

    def get(self, name: bytes, keeper: Keeper | None = None) -> Awaitable[bytes | None]:
        """One plain read."""
        lane = self._reads.lane
        if lane is None or lane.closed:
            return self._get(name, keeper)
        return lane.get(name, keeper)

    async def _get(self, name: bytes, keeper: Keeper | None) -> bytes | None:
        return await (await self._reads.connected()).get(name, keeper)

    async def get_many(self, names: Sequence[bytes], keeper: Keeper | None = None) -> list[bytes | None]:
        """Several, in the order of their names."""
        lane = self._reads.lane
        if lane is None or lane.closed:
            lane = await self._reads.connected()
        if len(names) <= MOST_TOGETHER:
            return await lane.get_many(names, keeper)
        parts = [names[n : n + MOST_TOGETHER] for n in range(0, len(names), MOST_TOGETHER)]
        answers = await asyncio.gather(*[lane.get_many(part, keeper) for part in parts])
        return [value for values in answers for value in values]

    def read(self, batch: Batch) -> None:
        """On the lane for plain reads."""
        lane = self._reads.lane
        if lane is None or lane.closed:
            self._late.start(self._read(batch))
        else:
            lane.read(batch)

    async def _read(self, batch: Batch) -> None:
        try:
            lane = await self._reads.connected()
        except asyncio.CancelledError:
            batch.failed(ConnectionAbortedError("the connection was given up"))
            raise
        except Exception as error:
            batch.failed(error)
        else:
            lane.read(batch)

    async def tracked(self) -> Lane:
        """The lane of the reads, for who follows the pushes on it."""
        return await self._reads.connected()

    def bar(self, names: Sequence[bytes] | None) -> None:
        """Nobody may keep what reads under way will say of these, or with None of anything."""
        if self._reads.lane is not None:
            self._reads.lane.bar(names)

    async def drop(self) -> None:
        """Close both, and forget where the server was."""
        await self._reads.drop()
        await self._bulk.drop()
        await self._late.close()
        self.server = None

    async def _found(self) -> Address:
        if self.server is None:
            self.server = await self._find()
        return self.server
