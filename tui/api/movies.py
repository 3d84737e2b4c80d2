"""Movies over HTTP: windows of a question's answer, and one movie read, created, changed and removed by its id."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from core import Catalogue
from core.errors import EditConflict, MovieExists
from core.model import FIELD, Movie
from tui.api import description
from tui.api.answers import movie_response, movies_response, not_modified
from tui.api.asking import FILTERS, ORDER, Descending, Filters, Limit, Offset, Sort, asked_for
from tui.api.bodies import sent_movie
from tui.api.provenance import cache_word, page_word
from tui.api.refusals import Refused, not_understood
from tui.api.schemas import EXAMPLE, id_pattern
from tui.api.versions import versions_named

IF_MATCH: Final = "If-Match"
IF_NONE_MATCH: Final = "If-None-Match"
_ID: Final = FIELD["id"]

Id = Annotated[
    str,
    Path(
        description=f"The movie's id: {_ID.hint}.",
        pattern=id_pattern(),
        min_length=1,
        max_length=_ID.longest,
        examples=[EXAMPLE.id],
    ),
]


async def _catalogue(request: Request) -> Catalogue:
    catalogue: Catalogue = request.app.state.catalogue
    return catalogue


Opened = Annotated[Catalogue, Depends(_catalogue)]
router = APIRouter(tags=["movies"])


@router.get("/movies", dependencies=[asked_for(*FILTERS, *ORDER)], **description.list_movies())
async def list_movies(
    request: Request,
    catalogue: Opened,
    filters: Filters,
    sort: Sort = "title",
    descending: Descending = False,
    offset: Offset = 0,
    limit: Limit = 50,
) -> Response:
    """Movies that the filters let through, a window at a time."""
    query = msgspec.structs.replace(filters, sort=sort, descending=descending)
    page = await catalogue.browse(query, offset, limit)
    return movies_response(request, page, limit, cache=page_word(page))


@router.post("/movies", dependencies=[asked_for()], **description.create_movie())
async def create_movie(request: Request, catalogue: Opened) -> Response:
    """Store a new movie under the id in its body."""
    return movie_response(await catalogue.add(await sent_movie(request)), status=201)


@router.get("/movies/{id}", dependencies=[asked_for()], **description.read_movie())
async def read_movie(request: Request, catalogue: Opened, id: Id) -> Response:
    """One movie, or 304 where the asker has its version already."""
    reading = await catalogue.read(id)
    cache = cache_word(reading.tier, reading.freshness)
    known = _condition(request, IF_NONE_MATCH)
    if known is not None:
        versions = versions_named(IF_NONE_MATCH, known, weakly=True)
        if versions is None or reading.version in versions:
            return not_modified(reading.version, cache=cache, seconds=reading.seconds)
    return movie_response(reading.movie, cache=cache, seconds=reading.seconds)


@router.post("/movies/{id}", dependencies=[asked_for()], **description.create_movie_under())
async def create_movie_under(request: Request, catalogue: Opened, id: Id) -> Response:
    """Store a new movie under the id in the address."""
    return movie_response(await catalogue.add(await sent_movie(request, id)), status=201)


@router.put("/movies/{id}", dependencies=[asked_for()], **description.replace_movie())
async def replace_movie(request: Request, catalogue: Opened, id: Id) -> Response:
    """Replace a movie that is still at the version of If-Match; or create it, under If-None-Match: *.

    A field that the body leaves out becomes unknown."""
    absent = _condition(request, IF_NONE_MATCH)
    if absent is not None:
        if absent.strip() != "*" or _condition(request, IF_MATCH) is not None:
            raise not_understood(
                "A PUT takes If-Match with a version, or If-None-Match: * alone.",
                "Send If-Match to replace a movie, If-None-Match: * to create one.",
            )
        try:
            return movie_response(await catalogue.add(await sent_movie(request, id)), status=201)
        except MovieExists as there:
            raise Refused(
                412, "It is there already", there.message, remedy="Send its ETag as If-Match to replace it."
            ) from None
    version = await _base(request, catalogue, id)
    return movie_response(await catalogue.save(await sent_movie(request, id, version)))


@router.delete("/movies/{id}", dependencies=[asked_for()], **description.remove_movie())
async def remove_movie(request: Request, catalogue: Opened, id: Id) -> Response:
    """Remove a movie that is still at the version of If-Match."""
    await catalogue.remove(id, version=await _base(request, catalogue, id))
    return Response(status_code=204)


async def _base(request: Request, catalogue: Catalogue, id: str) -> int:
    """The version that a write is based on. Raises Refused, EditConflict, MovieNotFound."""
    given = _condition(request, IF_MATCH)
    versions = None if given is None else versions_named(IF_MATCH, given, weakly=False)
    if versions is None:
        raise Refused(
            428,
            "A version is needed",
            "Without a version, what somebody else has saved meanwhile would be lost.",
            remedy="GET the movie, and send its ETag as If-Match.",
        )
    if len(versions) == 1:
        return next(iter(versions))
    current: Movie = await catalogue.get(id)
    if current.version not in versions:
        raise EditConflict(current, max(versions, default=0))
    return current.version


def _condition(request: Request, header: str) -> str | None:
    """A header's value; of several, the list that they mean. None where it was not sent at all."""
    return ", ".join(request.headers.getlist(header)) if header in request.headers else None
