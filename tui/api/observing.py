"""What the catalogue says of itself over HTTP: genres, figures, and whether its servers are well."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from starlette.responses import Response

from core.observe.prometheus import CONTENT_TYPE, exposition
from tui.api import description
from tui.api.answers import Genres, json_response
from tui.api.asking import FILTERS, Filters, asked_for
from tui.api.figures import figures
from tui.api.health import health_of
from tui.api.movies import Opened
from tui.api.provenance import cache_word

router = APIRouter(tags=["figures"])


@router.get("/genres", dependencies=[asked_for(*FILTERS)], **description.count_genres())
async def count_genres(catalogue: Opened, filters: Filters) -> Response:
    """How many of the movies that the filters let through have each genre, most first."""
    counts = await catalogue.counts("genres", filters)
    return json_response(Genres(counts.values), cache=cache_word(counts.tier, counts.freshness), seconds=counts.seconds)


@router.get("/stats", dependencies=[asked_for()], **description.read_stats())
async def read_stats(catalogue: Opened) -> Response:
    """What this process counted since it started, by strategy, and what Redis says of itself."""
    return json_response(figures(catalogue.stats()))


@router.get("/metrics", dependencies=[asked_for()], **description.read_metrics())
async def read_metrics(catalogue: Opened) -> Response:
    """The same figures as Prometheus scrapes them."""
    # Writing the text takes as long as a hundred reads: they need not wait for it.
    text = await asyncio.to_thread(exposition, catalogue.stats())
    return Response(text, headers={"Content-Type": CONTENT_TYPE})


@router.get("/health", dependencies=[asked_for()], **description.read_health())
async def read_health(catalogue: Opened) -> Response:
    """Whether store and cache are well. 503 while the store is away; Redis away stops nobody."""
    health = health_of(catalogue)
    return json_response(health, status=503 if health.status == "down" else 200)
