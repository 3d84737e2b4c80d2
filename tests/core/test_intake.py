"""Reading a source: what is cancelled waits for the thread that is in the source, and then closes it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from threading import Event

import pytest

from core.intake import Intake
from core.model import Movie
from core.stores.base import Stored
from tests.core.movies import movies
from tests.core.sources import ListSource


class SlowSource(ListSource):
    """Stops in its second batch until it may go on; tells when it is there and when it was closed."""

    def __init__(self) -> None:
        super().__init__(movies(3))
        self.reached, self.go_on = Event(), Event()
        self.closed = False

    def __iter__(self) -> Iterator[object]:
        try:
            for number, movie in enumerate(super().__iter__()):
                if number == 2:
                    self.reached.set()
                    self.go_on.wait(20)
                yield movie
        finally:
            self.closed = True


async def test_a_cancelled_intake_closes_its_source_behind_the_thread_that_is_in_it() -> None:
    source = SlowSource()

    async def load() -> None:
        async with Intake(source, Movie, 1) as intake:
            while (batch := await intake.batch(5)) is not None:
                intake.took(batch.rows, Stored(batch.rows, 0, 0))

    loading = asyncio.create_task(load())
    await asyncio.to_thread(source.reached.wait, 20)
    loading.cancel()
    for _ in range(20):
        await asyncio.sleep(0)
    assert not loading.done(), "it waits for the thread"
    source.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await loading
    assert source.closed
