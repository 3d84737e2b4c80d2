"""Schemas: the JSON Schema of everything that comes and goes, made of the model's own rules."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

import msgspec

from core.model import FIELD, FIELDS, FIRST_YEAR, LAST_YEAR, Field, Movie
from core.observe.stats import LatencyStats, Stats
from tui.api.answers import Genres, Movies
from tui.api.figures import Latency
from tui.api.health import Health
from tui.api.problems import Problem

Schema = dict[str, Any]
EXAMPLE: Final = Movie(
    id="Q103569",
    version=7,
    title="Alien",
    year=1979,
    released=date(1979, 5, 25),
    runtime=117,
    rated="R",
    genres=("Horror", "Science Fiction"),
    countries=("United States", "United Kingdom"),
    directors=("Ridley Scott",),
    imdb_id="tt0078748",
    critic_rating=9.1,
)
"""A movie to show what one looks like."""
_FORBIDDEN: Final = r"\u0000-\u0008\u000e-\u001f\u007f-\u0084\u0086-\u009f\u202a-\u202e\u2066-\u2069\ufffe\uffff"
"""What `core.model.forbidden` finds once line breaks and tabs have become blanks, in a class of ECMAScript's."""
_BLANK: Final = r"\s\u0085"
_JSON_TYPES: Final = {"integer": "integer", "decimal": "number"}


def reference(name: str) -> Schema:
    """The schema of this name, by reference."""
    return {"$ref": f"#/components/schemas/{name}"}


def components() -> dict[str, Schema]:
    """Every schema by its name."""
    _, found = msgspec.json.schema_components(
        (Movies, Genres, Health, Problem, Stats, Latency), ref_template="#/components/schemas/{name}"
    )
    found[LatencyStats.__name__] = found.pop(Latency.__name__)
    for name in ("TraceLine", "Step"):
        del found[name]
    del found["Stats"]["properties"]["trace"]
    found["Stats"]["required"].remove("trace")
    found["Movie"] = movie_schema("The record.")
    found["NewMovie"] = movie_schema("A movie to be stored.", ("version",))
    found["MovieUnderItsAddress"] = movie_schema("A movie whose address says its id.", ("version", "id"))
    return dict(sorted(found.items()))


def movie_schema(about: str, said_elsewhere: tuple[str, ...] = ()) -> Schema:
    """The schema of a movie, from the rules in `core/model.py`. What is said elsewhere need not be sent."""
    properties = {
        "version": {
            "type": "integer",
            "minimum": 0,
            "description": "The store's; it only grows. The ETag says it, too.",
        }
    }
    properties |= {field.name: _of_field(field) for field in FIELDS}
    for name in said_elsewhere:
        properties[name] = {**properties[name], "readOnly": True}
    required = [field.name for field in FIELDS if field.required and field.name not in said_elsewhere]
    return {
        "title": "Movie",
        "description": f"{about} Unknown is left out, null or empty. "
        "Blanks are taken from the ends of texts, and line breaks become blanks.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": False,
        "example": msgspec.to_builtins(EXAMPLE),
    }


def _of_field(field: Field) -> Schema:
    about = ", ".join(part for part in (field.label, field.hint) if part)
    if field.kind == "list":
        item = {"type": "string", "maxLength": field.longest, "pattern": _text_pattern(field, empty=False)}
        listed = {"type": "array", "items": item, "maxItems": field.many, "uniqueItems": True}
        return {**listed, "description": f"{about}. None twice, in whatever case."}
    schema: Schema = {"description": about}
    if field.kind == "text":
        schema |= {
            "type": "string",
            "maxLength": field.longest,
            "pattern": _text_pattern(field, empty=not field.required),
        }
    elif field.kind == "date":
        schema |= {"type": "string", "format": "date"}
        schema["description"] += f"; between the years {FIRST_YEAR} and {LAST_YEAR}"
    else:
        schema |= {"type": _JSON_TYPES[field.kind], "minimum": field.least, "maximum": field.most}
    if field.choices:
        schema["examples"] = list(field.choices)
    if not field.required:
        schema["type"] = [schema["type"], "null"]
    return schema


def _text_pattern(field: Field, *, empty: bool) -> str:
    """What a text must look like; where it may be `empty`, that is unknown."""
    if field.pattern is not None:
        wanted = field.pattern.pattern.replace(r"[^\s]", rf"[^\s{_FORBIDDEN}]")
        return f"^(?:{wanted}){'?' if empty else ''}$"
    if empty:
        return f"^[^{_FORBIDDEN}]*$"
    return f"^[^{_FORBIDDEN}]*[^{_BLANK}{_FORBIDDEN}][^{_FORBIDDEN}]*$"


def id_pattern() -> str:
    """What an id in an address looks like."""
    pattern = FIELD["id"].pattern
    assert pattern is not None
    return f"^{pattern.pattern}$"
