"""Application: the catalogue behind an ASGI interface, and what every answer carries, whichever it is."""

from __future__ import annotations

import time
from collections.abc import Collection, MutableMapping
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from core import Catalogue
from core.errors import ReelcacheError
from core.listening import leads_here
from tui.api import movies, observing
from tui.api.asking import Genrebook
from tui.api.description import HEADERS
from tui.api.problems import problem_response
from tui.api.provenance import X_CACHE
from tui.api.refusals import Refused, unfit
from tui.api.schemas import components

_ABOUT: Final = (
    "Real movies behind a caching strategy: each answer says where it came from (X-Cache), under which strategy "
    "(X-Cache-Strategy) and how long that took (Server-Timing). Errors are application/problem+json (RFC 9457)."
)

_ROUTES: Final = (*movies.router.routes, *observing.router.routes)


def application(catalogue: Catalogue, names: Collection[str] = ("localhost",)) -> FastAPI:
    """The HTTP API of a catalogue that is open; `names` are host names that lead here, besides plain addresses."""
    # The customary pages of documentation would load their scripts from strangers.
    app = FastAPI(
        title="Reelcache",
        version="1",
        description=_ABOUT,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,
        exception_handlers={
            ReelcacheError: _told,
            RequestValidationError: _misread,
            HTTPException: _turned_away,
            ClientDisconnect: _left,
            Exception: _defect,
        },
    )
    app.state.catalogue = catalogue
    app.state.genres = Genrebook(catalogue)
    app.include_router(movies.router)
    app.include_router(observing.router)
    app.add_middleware(Labelled, catalogue=catalogue, names=frozenset(names))
    app.openapi()["components"] = {"schemas": components(), "headers": HEADERS}
    return app


class Labelled:
    """Turns away who came under a foreign name, and says of every answer where it came from and how long it took."""

    def __init__(self, app: ASGIApp, catalogue: Catalogue, names: Collection[str]) -> None:
        self._app = app
        self._catalogue = catalogue
        self._names = names

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started, strategy = time.perf_counter(), self._catalogue.strategy

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                _label(message, strategy, time.perf_counter() - started)
            await send(message)

        if scope["method"] == "HEAD":
            # Answered like a GET; the server sends no body then.
            scope = {**scope, "method": "GET"}
        host = next((value for name, value in scope["headers"] if name == b"host"), b"").decode("latin-1")
        if leads_here(host, self._names):
            await self._app(scope, receive, labelled)
        else:
            await _FOREIGN(scope, receive, labelled)


def _label(message: MutableMapping[str, Any], strategy: str, seconds: float) -> None:
    headers = MutableHeaders(scope=message)
    headers.setdefault(X_CACHE, "bypass")
    headers["X-Cache-Strategy"] = strategy
    part = headers.get("Server-Timing")
    headers["Server-Timing"] = f"{part}, total;dur={seconds * 1000:.3f}" if part else f"total;dur={seconds * 1000:.3f}"
    # Whoever keeps an answer asks with its ETag whether it still holds.
    headers["Cache-Control"] = "no-cache"
    headers["X-Content-Type-Options"] = "nosniff"


_FOREIGN: Final = problem_response(
    Refused(
        403,
        "Another name",
        "Reelcache answers to this machine's address in numbers, to localhost, and to the name given as --host.",
        remedy="Ask under one of these.",
    )
)


async def _told(request: Request, error: Exception) -> Response:
    assert isinstance(error, ReelcacheError)
    return problem_response(error)


async def _misread(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    problems = {str(each["loc"][1])[:50]: str(each["msg"]) for each in error.errors()}
    return problem_response(unfit(problems, "/openapi.json says what each parameter holds."))


async def _turned_away(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    path = request.url.path
    if error.status_code == 405:
        allowed = _methods_at(path)
        return problem_response(
            Refused(
                405,
                "Not done here",
                f"{request.method[:20]} is not done at {path[:200]}.",
                remedy=f"Use {', '.join(allowed)}.",
                headers={"Allow": ", ".join(allowed)},
            )
        )
    return problem_response(
        Refused(
            error.status_code,
            "Nothing is there",
            f"There is nothing at {path[:200]}.",
            remedy="/openapi.json says what there is.",
        )
    )


def _methods_at(path: str) -> list[str]:
    """What can be done at an address by any of its routes; one of them alone knows its own method."""
    routes = (route for route in _ROUTES if isinstance(route, APIRoute) and route.path_regex.match(path))
    methods = {method for route in routes for method in route.methods or ()}
    return sorted(methods | {"HEAD"} if "GET" in methods else methods)


async def _left(request: Request, error: Exception) -> Response:
    """Nobody is there to be told."""
    return Response(status_code=400)


async def _defect(request: Request, error: Exception) -> Response:
    return problem_response(
        Refused(500, "A defect of ours", "This was not foreseen.", remedy="The terminal of `reelcache api` says more.")
    )
