from __future__ import annotations

import asyncio

import pytest

from core.cache.flight import Landed, SingleFlight


class Loader:
    """Counts its loads; each waits until released."""

    def __init__(self, *, certified: bool = True) -> None:
        self.loads = 0
        self.certified = certified
        self.release = asyncio.Event()
        self.started = asyncio.Event()

    async def __call__(self) -> Landed[int]:
        self.loads += 1
        number = self.loads
        self.started.set()
        await self.release.wait()
        return Landed(number, self.certified)


async def begun(flight: SingleFlight[str, int], loader: Loader, callers: int) -> list[asyncio.Task[int]]:
    tasks = [asyncio.create_task(flight.load("k", loader)) for _ in range(callers)]
    await loader.started.wait()
    return tasks


async def test_callers_share_one_load() -> None:
    flight, loader = SingleFlight[str, int](), Loader()
    tasks = await begun(flight, loader, 50)
    loader.release.set()
    assert await asyncio.gather(*tasks) == [1] * 50
    assert (loader.loads, flight.coalesced) == (1, 49)
    await flight.close()


async def test_who_comes_while_an_uncertified_load_is_under_way_shares_the_next_one() -> None:
    flight, loader = SingleFlight[str, int](), Loader(certified=False)
    (first,) = await begun(flight, loader, 1)
    late = [asyncio.create_task(flight.load("k", loader)) for _ in range(50)]
    await asyncio.sleep(0)
    loader.release.set()
    assert await first == 1
    assert await asyncio.gather(*late) == [2] * 50
    assert loader.loads == 2
    await flight.close()


async def test_keys_do_not_wait_for_each_other() -> None:
    flight, loader, other = SingleFlight[str, int](), Loader(), Loader()
    (task,) = await begun(flight, loader, 1)
    other.release.set()
    assert await flight.load("other", other) == 1
    assert not task.done()
    await flight.close()


@pytest.mark.parametrize("cancelled", [0, 3])
async def test_a_cancelled_caller_takes_nobody_along(cancelled: int) -> None:
    flight, loader = SingleFlight[str, int](), Loader()
    tasks = await begun(flight, loader, 5)
    tasks[cancelled].cancel()
    with pytest.raises(asyncio.CancelledError):
        await tasks[cancelled]
    loader.release.set()
    rest = [task for n, task in enumerate(tasks) if n != cancelled]
    assert await asyncio.gather(*rest) == [1] * 4
    await flight.close()


async def test_a_load_goes_on_without_callers() -> None:
    flight, loader = SingleFlight[str, int](), Loader()
    tasks = await begun(flight, loader, 3)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    late = asyncio.create_task(flight.load("k", loader))
    await asyncio.sleep(0)
    loader.release.set()
    assert await late == 1
    await flight.close()


async def test_a_load_that_nobody_comes_back_for_is_cancelled() -> None:
    cancelled = asyncio.Event()

    class Watched(Loader):
        async def __call__(self) -> Landed[int]:
            try:
                return await super().__call__()
            except asyncio.CancelledError:
                cancelled.set()
                raise

    flight, loader = SingleFlight[str, int](patience=0.05), Watched()
    for returns in (True, False):
        loader.started.clear()
        [task] = await begun(flight, loader, 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not cancelled.is_set()
        if returns:
            back = asyncio.create_task(flight.load("k", loader))
            await asyncio.sleep(0.15)  # well beyond its patience
            loader.release.set()
            assert await back == 1
            loader.release.clear()
    await asyncio.wait_for(cancelled.wait(), 60)
    late = asyncio.create_task(flight.load("k", loader))
    loader.release.set()
    assert await late == 3
    assert not flight._waiting
    await flight.close()


async def test_a_failure_reaches_all_and_is_not_kept() -> None:
    flight = SingleFlight[str, int]()
    loads = 0

    async def fails_once() -> Landed[int]:
        nonlocal loads
        loads += 1
        await asyncio.sleep(0)
        if loads == 1:
            raise LookupError("store is away")
        return Landed(loads, True)

    results = await asyncio.gather(*(flight.load("k", fails_once) for _ in range(4)), return_exceptions=True)
    assert [str(result) for result in results] == ["store is away"] * 4
    assert await flight.load("k", fails_once) == 2
    await flight.close()


async def test_close_ends_every_load() -> None:
    flight, loader = SingleFlight[str, int](), Loader()
    tasks = await begun(flight, loader, 2)
    await flight.close()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    with pytest.raises(RuntimeError):
        await flight.load("k", loader)


async def test_an_abandoned_failure_is_silent(caplog: pytest.LogCaptureFixture) -> None:
    flight = SingleFlight[str, int]()
    release = asyncio.Event()

    async def fails() -> Landed[int]:
        await release.wait()
        raise LookupError

    task = asyncio.create_task(flight.load("k", fails))
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    release.set()
    await flight.close()
    assert caplog.records == []
