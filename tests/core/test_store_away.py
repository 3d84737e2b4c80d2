"""An embedded store that is killed comes back by itself, with everything that was saved."""

from __future__ import annotations

import asyncio
from pathlib import Path

from core import Catalogue, Query, Settings, StoreUnavailable, open_catalogue, replace
from core.servers.embedded import embedded_servers
from core.servers.process import gone
from core.servers.state import StateFolder


async def missed(catalogue: Catalogue, id: str) -> bool:
    """Whether the store still does not answer."""
    try:
        await catalogue.get(id)
    except StoreUnavailable:
        return True
    return False


async def test_a_killed_store_comes_back_by_itself(state_dir: Path, redis_url: str) -> None:
    settings = Settings(state_dir=state_dir, redis_url=redis_url, strategy="no-cache")
    async with open_catalogue(settings) as catalogue:
        await catalogue.ready()
        (movie,) = (await catalogue.browse(Query(), 0, 1)).movies
        saved = await catalogue.save(replace(movie, runtime=77))
        killed = embedded_servers(StateFolder(state_dir))["postgresql"].find()
        assert killed is not None
        killed.kill()
        assert await gone(killed, 10.0)
        async with asyncio.timeout(60):
            while await missed(catalogue, movie.id):
                await asyncio.sleep(0.02)
        assert await catalogue.get(movie.id) == saved
        assert (await catalogue.save(replace(saved, runtime=78))).runtime == 78
    assert embedded_servers(StateFolder(state_dir))["postgresql"].find() is None
