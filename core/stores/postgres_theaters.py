"""Theaters as PostgreSQL keeps them: one row each, beside the movies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec
from psycopg import sql

from core.place import Place
from core.stores.base import Stored
from core.stores.postgres_connections import Statement

_COLUMNS: Final = ("id", "name", "lat", "lon", "country", "street", "city", "state", "zipcode")
_LIST: Final = sql.SQL(", ").join(map(sql.Identifier, _COLUMNS))
_BETWEEN: Final = sql.SQL(
    "select {} from reelcache.theaters where lat between %(south)s and %(north)s order by id"
).format(_LIST)
LOAD: Final = sql.SQL("""
with given as (
  select {columns} from jsonb_to_recordset(%s::jsonb) as given(
    id text, name text, lat double precision, lon double precision, country text, street text, city text, state text,
    zipcode text
  )
), written as (
  insert into reelcache.theaters as theater ({columns}) select {columns} from given
  on conflict (id) do update set ({columns}) = row({excluded})
  where row({present}) is distinct from row({excluded})
  returning xmax = 0 as inserted
)
select count(*) filter (where inserted), count(*) filter (where not inserted) from written
""").format(
    columns=_LIST,
    excluded=sql.SQL(", ").join(sql.Identifier("excluded", column) for column in _COLUMNS),
    present=sql.SQL(", ").join(sql.Identifier("theater", column) for column in _COLUMNS),
)
"""One row: how many were inserted, and how many replaced."""


def between(south: float, north: float) -> tuple[Statement, Mapping[str, object]]:
    """Rows of the theaters between two latitudes, ascending by id."""
    return _BETWEEN, {"south": south, "north": north}


def theater_of(row: Sequence[Any]) -> Place:
    """The theater in a row."""
    return Place(kind="theater", **dict(zip(_COLUMNS, row, strict=True)))


def as_json(theaters: Sequence[Place]) -> str:
    """What LOAD is given."""
    rows = [{column: getattr(theater, column) for column in _COLUMNS} for theater in theaters]
    return msgspec.json.encode(rows).decode()


def stored(row: Sequence[int] | None, of: int) -> Stored:
    """What LOAD said of so many theaters."""
    inserted, updated = row or (0, 0)
    return Stored(inserted=inserted, updated=updated, unchanged=of - inserted - updated)
