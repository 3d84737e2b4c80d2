"""Description: what OpenAPI is told of each operation besides its parameters: bodies, answers, headers and links."""

from __future__ import annotations

from typing import Any, Final

import msgspec
from starlette.responses import PlainTextResponse

from tui.api.problems import MEDIA_TYPE
from tui.api.provenance import WORDS, X_CACHE
from tui.api.schemas import EXAMPLE, Schema, reference
from tui.api.versions import ETAG_PATTERN

Told = dict[str, Any]
_JSON: Final = "application/json"
_MOVIE: Final = msgspec.to_builtins(EXAMPLE)
_ABOUT: Final = {
    400: "The request cannot be read: a condition that is no entity tag, or a body that is no JSON.",
    403: "The address was reached under a name that is not this machine's.",
    404: "No movie has this id.",
    409: "The id is taken.",
    412: "The movie has moved on since that version; `current` is what it is now.",
    413: "The body is too long.",
    415: "The body is not named JSON.",
    422: "A parameter or a field breaks a rule; `problems` names each.",
    428: "A write needs the version that it is based on, as If-Match.",
    503: "A server is away; `remedy` says what helps.",
}


def _header(about: str, *, required: bool = True, **schema: object) -> Told:
    return {"description": about, "schema": {"type": "string", **schema}, "required": required}


HEADERS: Final = {
    X_CACHE: _header(
        "Where the answer came from: " + "; ".join(f"{word}: {about}" for word, about in WORDS.items()) + ".",
        enum=list(WORDS),
    ),
    "X-Cache-Strategy": _header("The caching strategy in force."),
    "Server-Timing": _header("Milliseconds of the catalogue's part and of all."),
    "ETag": _header("The movie's version; a strong tag.", pattern=ETAG_PATTERN),
    "Location": _header("The address of the new movie."),
    "Link": _header("The windows beside this one (RFC 8288).", required=False),
}
"""The headers of answers, by name."""
_ALWAYS: Final = (X_CACHE, "X-Cache-Strategy", "Server-Timing")


def _headers(*names: str) -> Told:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in (*_ALWAYS, *names)}


def _answer(about: str, schema: str | None, *headers: str, example: object = None) -> Told:
    told: Told = {"description": about, "headers": _headers(*headers)}
    if schema is not None:
        told["content"] = {_JSON: {"schema": reference(schema), **({"example": example} if example else {})}}
    return told


def _problems(*statuses: int) -> dict[int | str, Told]:
    return {
        status: {
            "description": _ABOUT[status],
            "headers": _headers(),
            "content": {MEDIA_TYPE: {"schema": reference("Problem")}},
        }
        for status in statuses
    }


def _condition(name: str, about: str, *, required: bool = False, schema: Schema | None = None) -> Told:
    tag: Schema = {"type": "string", "pattern": ETAG_PATTERN}
    example = '"7"' if schema is None else "*"
    return {
        "name": name,
        "in": "header",
        "required": required,
        "description": about,
        "schema": schema or tag,
        "example": example,
    }


def _operation(
    answers: dict[int | str, Told], *parameters: Told, body: str | None = None, status: int = 200
) -> dict[str, Any]:
    extra: Told = {}
    if parameters:
        extra["parameters"] = list(parameters)
    if body is not None:
        sent = {name: value for name, value in _MOVIE.items() if name not in ("version", "id")}
        example = sent if body == "MovieUnderItsAddress" else {"id": _MOVIE["id"], **sent}
        extra["requestBody"] = {
            "required": True,
            "content": {_JSON: {"schema": reference(body), "example": example}},
        }
    return {"responses": answers, "openapi_extra": extra, "status_code": status}


def _links() -> Told:
    by_id: Told = {"id": "$response.body#/id"}
    at_version: Told = {**by_id, "header.If-Match": "$response.header.ETag"}
    return {
        "read": {"operationId": "read_movie", "parameters": by_id},
        "replace": {"operationId": "replace_movie", "parameters": at_version},
        "remove": {"operationId": "remove_movie", "parameters": at_version},
    }


def _created() -> Told:
    return {**_answer("It is stored.", "Movie", "ETag", "Location", example=_MOVIE), "links": _links()}


def list_movies() -> dict[str, Any]:
    """GET /movies"""
    example = {
        "total": 120,
        "offset": 50,
        "limit": 1,
        "next": "/movies?limit=1&offset=51",
        "prev": "/movies?limit=1&offset=49",
        "movies": [_MOVIE],
    }
    answer = _answer("A window of the answer.", "Movies", "Link", example=example)
    return _operation({200: answer, **_problems(403, 422, 503)})


def create_movie() -> dict[str, Any]:
    """POST /movies"""
    return _operation({201: _created(), **_problems(400, 403, 409, 413, 415, 422, 503)}, body="NewMovie", status=201)


def create_movie_under() -> dict[str, Any]:
    """POST /movies/{id}"""
    return _operation(
        {201: _created(), **_problems(400, 403, 409, 413, 415, 422, 503)}, body="MovieUnderItsAddress", status=201
    )


def read_movie() -> dict[str, Any]:
    """GET /movies/{id}"""
    answers: dict[int | str, Told] = {
        200: {**_answer("The movie.", "Movie", "ETag", example=_MOVIE), "links": _links()},
        304: _answer("The asker has this version already.", None, "ETag"),
        **_problems(400, 403, 404, 422, 503),
    }
    return _operation(answers, _condition("If-None-Match", "The ETag that the asker has."))


def replace_movie() -> dict[str, Any]:
    """PUT /movies/{id}"""
    answers: dict[int | str, Told] = {
        200: _answer("It is stored.", "Movie", "ETag", example=_MOVIE),
        201: _created(),
        **_problems(400, 403, 404, 412, 413, 415, 422, 428, 503),
    }
    return _operation(
        answers,
        _condition("If-Match", "The version that this is based on. One of the two conditions is needed."),
        _condition("If-None-Match", "`*`: create it.", schema={"type": "string", "enum": ["*"]}),
        body="MovieUnderItsAddress",
    )


def remove_movie() -> dict[str, Any]:
    """DELETE /movies/{id}"""
    return _operation(
        {204: _answer("It is gone.", None), **_problems(400, 403, 404, 412, 422, 428, 503)},
        _condition("If-Match", "The version that was looked at.", required=True),
        status=204,
    )


def count_genres() -> dict[str, Any]:
    """GET /genres"""
    example = {"genres": [{"name": "Drama", "count": 61}, {"name": "Horror", "count": 12}]}
    return _operation({200: _answer("The counts.", "Genres", example=example), **_problems(403, 422, 503)})


def read_stats() -> dict[str, Any]:
    """GET /stats"""
    return _operation({200: _answer("The figures.", "Stats"), **_problems(403, 422)})


def read_metrics() -> dict[str, Any]:
    """GET /metrics"""
    told = _answer("The figures in Prometheus' text format.", None)
    told["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return {**_operation({200: told, **_problems(403, 422)}), "response_class": PlainTextResponse}


def read_health() -> dict[str, Any]:
    """GET /health"""
    example = {
        "status": "degraded",
        "store": {"name": "postgresql", "problem": None},
        "cache": {"name": "redis", "problem": "Redis does not answer"},
    }
    down = _answer("The store is away.", "Health")
    return _operation({200: _answer("It can serve.", "Health", example=example), 503: down, **_problems(403, 422)})
