"""Answers: what goes out, as JSON and with the headers that say where it came from and how long that took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from core.model import Movie
from core.query import Page, ValueCount
from tui.api.provenance import X_CACHE
from tui.api.versions import etag

JSON: Final = "application/json"
SERVER_TIMING: Final = "Server-Timing"
_encode: Final = msgspec.json.Encoder().encode


class Movies(msgspec.Struct, frozen=True):
    """One window of an answer: movies from row `offset` (the first is 0) of `total`. `next` and `prev` are the
    addresses of the windows beside it, null where there is none."""

    total: int
    offset: int
    limit: int
    next: str | None
    prev: str | None
    movies: tuple[Movie, ...]


class Genres(msgspec.Struct, frozen=True):
    """How many movies of an answer have each genre, most first."""

    genres: tuple[ValueCount, ...]


def json_response(
    value: object,
    *,
    status: int = 200,
    cache: str | None = None,
    seconds: float | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """The value as JSON. `cache` is the word of X-Cache, `seconds` what the catalogue took."""
    return Response(_encode(value), status, {**_sent(cache, seconds), **(headers or {})}, JSON)


def movie_response(
    movie: Movie, *, status: int = 200, cache: str | None = None, seconds: float | None = None
) -> Response:
    """The movie as JSON, under its version as ETag; one that was created says where it is."""
    headers = {"ETag": etag(movie.version)}
    if status == 201:
        headers["Location"] = f"/movies/{movie.id}"
    return json_response(movie, status=status, cache=cache, seconds=seconds, headers=headers)


def not_modified(version: int, *, cache: str, seconds: float) -> Response:
    """304: the asker has this version already."""
    return Response(status_code=304, headers={"ETag": etag(version), **_sent(cache, seconds)})


def movies_response(request: Request, page: Page, limit: int, *, cache: str) -> Response:
    """The window as JSON, with the ways to those beside it in the body and as links (RFC 8288)."""
    following = page.offset + limit
    last = max(0, (page.total - 1) // limit * limit)
    beside = {
        "next": _at(request, following) if following < page.total else None,
        "prev": _at(request, min(max(0, page.offset - limit), last)) if page.offset else None,
    }
    links = ", ".join(f'<{address}>; rel="{name}"' for name, address in beside.items() if address)
    return json_response(
        Movies(page.total, page.offset, limit, beside["next"], beside["prev"], page.movies),
        cache=cache,
        seconds=page.seconds,
        headers={"Link": links} if links else None,
    )


def _at(request: Request, offset: int) -> str:
    others = [(name, value) for name, value in request.query_params.multi_items() if name != "offset"]
    return f"{request.url.path}?{urlencode([*others, ('offset', offset)])}"


def _sent(cache: str | None, seconds: float | None) -> dict[str, str]:
    headers = {} if cache is None else {X_CACHE: cache}
    if seconds is not None:
        headers[SERVER_TIMING] = f"catalogue;dur={seconds * 1000:.3f}"
    return headers
