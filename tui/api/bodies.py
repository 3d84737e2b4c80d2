"""Bodies: the movie that a request carries, read by the model and judged by its rules."""

from __future__ import annotations

import re
from typing import Any, Final

import msgspec
from starlette.requests import Request

from core.model import FIELDS, Movie
from tui.api.refusals import Refused, not_understood, unfit

LONGEST: Final = 4 * 2**20
"""Bytes of a body: more than the longest movie within the rules, written in the longest way."""
_TOLD: Final = "/openapi.json says what each field holds."
_OF_FIELD: Final = (
    (re.compile(r"Object missing required field `(?P<field>.*)`"), "is required"),
    (re.compile(r"Object contains unknown field `(?P<field>.*)`", re.DOTALL), "is not known here"),
    (re.compile(r"(?P<told>.*) - at `\$\.(?P<field>[a-z_]+).*`"), ""),
)


_WHOLE: Final = ("version", *(field.name for field in FIELDS if field.kind == "integer"))
Draft: Final = msgspec.defstruct(
    "Draft",
    [("id", str, ""), *((name, int | float | None, None) for name in _WHOLE)],
    bases=(Movie,),
    frozen=True,
    kw_only=True,
    omit_defaults=True,
    forbid_unknown_fields=True,
)
"""A movie as somebody sends it: the address may say its id instead, and JSON has one kind of number: 7.0 is 7."""


async def sent_movie(request: Request, id: str | None = None, version: int = 0) -> Movie:
    """The movie in the body, at this version; `id` is that of the address. Not yet checked. Raises Refused."""
    sent = _decoded(await _body(request))
    if id is not None and sent["id"] not in ("", id):
        raise unfit(
            {"id": f"is {sent['id'][:100]!r}, but the address says {id!r}"}, "Leave it out, or send both alike."
        )
    return Movie(**{**sent, "id": id or sent["id"], "version": version})


def _decoded(body: bytes) -> dict[str, Any]:
    try:
        sent = msgspec.structs.asdict(msgspec.json.decode(body, type=Draft))
    except msgspec.ValidationError as problem:
        raise unfit(_by_field(str(problem)), _TOLD) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise not_understood(f"The body is no JSON text: {problem}.", "Send one JSON object in UTF-8.") from None
    fractions = {name: number for name in _WHOLE if isinstance(number := sent[name], float)}
    if problems := {name: "must be a whole number" for name, number in fractions.items() if not number.is_integer()}:
        raise unfit(problems, _TOLD)
    return sent | {name: int(number) for name, number in fractions.items()}


def _by_field(told: str) -> dict[str, str]:
    """What msgspec says, as a problem of the field that it speaks of."""
    for pattern, problem in _OF_FIELD:
        if found := pattern.fullmatch(told):
            return {found["field"][:50]: problem or found["told"]}
    return {"body": told[:200]}


async def _body(request: Request) -> bytes:
    media_type = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise Refused(
            415,
            "Not JSON",
            f"The body is {media_type[:100] or 'of no named type'}.",
            remedy="Send Content-Type: application/json.",
            headers={"Accept": "application/json"},
        )
    length = request.headers.get("Content-Length", "")
    if length.isdigit() and int(length) > LONGEST:
        raise _too_long()
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LONGEST:
            raise _too_long()
    return bytes(body)


def _too_long() -> Refused:
    return Refused(
        413,
        "Too long",
        f"The body is longer than {LONGEST // 2**20} MiB.",
        remedy="No movie is as long as that: load files with `reelcache load`.",
        headers={"Connection": "close"},
    )
