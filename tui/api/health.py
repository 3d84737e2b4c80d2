"""Health: whether the servers behind the catalogue are well, as far as that is known without asking them."""

from __future__ import annotations

from typing import Literal

import msgspec

from core import Catalogue


class Server(msgspec.Struct, frozen=True):
    """One of the two servers: what it is, and what is the matter with it, null when nothing is."""

    name: str
    problem: str | None


class Health(msgspec.Struct, frozen=True):
    """`ok`; `degraded` while Redis is not used, for the store serves; `down` while the store is away."""

    status: Literal["ok", "degraded", "down"]
    store: Server
    cache: Server


def health_of(catalogue: Catalogue) -> Health:
    """The health at this moment."""
    stats = catalogue.stats()
    store, cache = catalogue.store_problem, stats.cache_problem or stats.doubt
    return Health(
        "down" if store else "degraded" if cache else "ok",
        Server(catalogue.store, store),
        Server("redis", cache),
    )
