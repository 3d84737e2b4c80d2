"""Problems: every refusal and failure as `application/problem+json` (RFC 9457), in the words of `core/errors.py`."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from starlette.responses import Response

from core.errors import (
    EditConflict,
    InvalidMovie,
    InvalidQuery,
    MovieExists,
    MovieNotFound,
    OutcomeUnknown,
    ReelcacheError,
    Unavailable,
)
from core.model import Movie
from tui.api.provenance import X_CACHE, cache_word
from tui.api.refusals import Refused
from tui.api.versions import etag

MEDIA_TYPE: Final = "application/problem+json"
_RETRY_AFTER: Final = "1"
"""Seconds after which to ask a server again that was away: it is looked at three times in that."""
_KINDS: Final[tuple[tuple[type[ReelcacheError], int, str], ...]] = (
    (InvalidMovie, 422, "The movie breaks a rule"),
    (InvalidQuery, 422, "The question means nothing"),
    (MovieNotFound, 404, "No such movie"),
    (MovieExists, 409, "The id is taken"),
    (EditConflict, 412, "The movie has moved on"),
    (OutcomeUnknown, 503, "Whether it was stored is unknown"),
    (Unavailable, 503, "A server is away"),
)
"""Status and title of each error, the narrower class first."""


class Problem(msgspec.Struct, kw_only=True, omit_defaults=True):
    """What went wrong and what to do about it. `problems` says it of each field or parameter by name; `current` is the
    movie as it is now, where an edit came too late."""

    type: str
    title: str
    status: int
    detail: str
    remedy: str = ""
    problems: dict[str, str] = {}
    current: Movie | None = None


def problem_response(error: ReelcacheError) -> Response:
    """The answer to a request that met this error."""
    headers: dict[str, str] = {}
    problems: dict[str, str] = {}
    current: Movie | None = None
    if isinstance(error, Refused):
        status, title = error.status, error.title
        headers, problems = error.headers, error.problems
    else:
        status, title = next(((s, t) for kind, s, t in _KINDS if isinstance(error, kind)), (500, "A defect of ours"))
    if isinstance(error, InvalidMovie):
        problems = error.problems
    elif isinstance(error, EditConflict):
        current = error.current
        headers["ETag"] = etag(current.version)
    elif isinstance(error, MovieNotFound) and error.tier is not None and error.freshness is not None:
        headers[X_CACHE] = cache_word(error.tier, error.freshness)
    elif isinstance(error, Unavailable):
        headers["Retry-After"] = _RETRY_AFTER
    problem = Problem(
        type=f"tag:reelcache,2026:{re.sub(r'[^a-z]+', '-', title.lower())}",
        title=title,
        status=status,
        detail=error.message,
        remedy=error.remedy,
        problems=problems,
        current=current,
    )
    return Response(msgspec.json.encode(problem), status, headers, MEDIA_TYPE)
