"""Asking: the question in a request's parameters, in the filter language of the screen."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Query, Request, params
from pydantic.json_schema import SkipJsonSchema

from core import Catalogue
from core import query as model
from core.filter_text import FilterProblem, parse_filter
from core.model import FIELD, FIRST_YEAR, LAST_YEAR
from core.query import LONGEST_TEXT, MOST_ROWS, SORTS, TRENDS
from tui.api.refusals import unfit

FURTHEST: Final = 1_000_000_000
"""The last row that may be asked for."""
_REPEATABLE: Final = "genre"


def asked_for(*names: str) -> params.Depends:
    """Turns away parameters that are not among these names, and those given twice: nobody can know which is meant."""

    async def only_these(request: Request) -> None:
        given = [name for name, _ in request.query_params.multi_items()]
        problems = {name[:50]: "is not known here" for name in given if name not in names}
        problems |= {name: "is given twice" for name in names if name != _REPEATABLE and given.count(name) > 1}
        if problems:
            raise unfit(problems, f"Known are: {', '.join(names)}." if names else "None is known here.")

    return params.Depends(only_these)


def _within(field: str, example: str) -> object:
    about = f"Words that each begin some word of the movie's {field}."
    return Query(description=about, min_length=1, max_length=LONGEST_TEXT, examples=[example])


Text = Annotated[
    str,
    Query(
        description="A filter as the screen takes it: words of title, director or cast, and terms such as "
        'genre:horror, year:1979..1989, director:"ridley scott", rating:>8, oscars:>=1.',
        max_length=2 * LONGEST_TEXT,
        examples=["alien year:1970..1989"],
    ),
]
Genres = Annotated[
    list[Annotated[str, Query(min_length=1, max_length=FIELD["genres"].longest)]],
    Query(
        description="Only movies of this genre; several times: of each of them.", max_length=10, examples=[["Horror"]]
    ),
]
Year = Annotated[
    int | SkipJsonSchema[None], Query(ge=FIRST_YEAR, le=LAST_YEAR, description="Bounds of the year, both inclusive.")
]
Director = Annotated[str | SkipJsonSchema[None], _within("directors", "scott")]
Cast = Annotated[str | SkipJsonSchema[None], _within("cast", "weaver")]
Writer = Annotated[str | SkipJsonSchema[None], _within("writers", "ephron")]
Country = Annotated[str | SkipJsonSchema[None], _within("countries", "japan")]
Language = Annotated[str | SkipJsonSchema[None], _within("languages", "french")]

FILTERS: Final = ("q", "genre", "year_from", "year_to", "director", "cast", "writer", "country", "language")
"""The parameters that filter."""
ORDER: Final = ("sort", "descending", "offset", "limit")
"""Those that choose a window."""
Sort = Annotated[
    str,
    Query(
        description="The field to sort by, or score, or trending: views; unknown values come last.",
        json_schema_extra={"enum": [*SORTS, *TRENDS]},
    ),
]
Descending = Annotated[bool, Query(description="From the greatest to the least.")]
Offset = Annotated[int, Query(ge=0, le=FURTHEST, description="Movies to pass over.")]
Limit = Annotated[int, Query(ge=1, le=MOST_ROWS, description="Most movies of one answer.")]


class Genrebook:
    """The names of genres that the catalogue was last seen to have, so that `genre:horror` finds Horror.

    Asked for anew where a name is not among them."""

    def __init__(self, catalogue: Catalogue) -> None:
        self._catalogue = catalogue
        self._names: list[str] = []

    async def query(self, text: str) -> model.Query:
        """The question that a filter text asks. Raises Refused, InvalidQuery, StoreUnavailable."""
        query = parse_filter(text)
        if not query.genres:
            return query
        if self._names:
            try:
                return parse_filter(text, self._names)
            except FilterProblem:
                pass
        self._names = [each.name for each in await self._catalogue.genres(model.Query())]
        return parse_filter(text, self._names)


async def filters(
    request: Request,
    q: Text = "",
    genre: Genres = [],  # noqa: B006 - FastAPI copies it
    year_from: Year = None,
    year_to: Year = None,
    director: Director = None,
    cast: Cast = None,
    writer: Writer = None,
    country: Country = None,
    language: Language = None,
) -> model.Query:
    """The question in the filtering parameters: each says what the term of its name says. Raises Refused."""
    terms = [("genre", name) for name in genre]
    within = {"director": director, "cast": cast, "writer": writer, "country": country, "language": language}
    terms += [(name, value) for name, value in within.items() if value is not None]
    text = " ".join([q, *(f'{name}:"{value.replace(chr(34), " ")}"' for name, value in terms)])
    if year_from is not None or year_to is not None:
        text += f" year:{year_from or ''}..{year_to or ''}"
    book: Genrebook = request.app.state.genres
    try:
        return await book.query(text)
    except FilterProblem as problem:
        raise unfit({"filter": str(problem)}, "Example: q=genre:horror year:1979..1989") from None


Filters = Annotated[model.Query, Depends(filters)]
