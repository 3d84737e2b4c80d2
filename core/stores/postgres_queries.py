"""A Query as PostgreSQL is asked it. Every value is a parameter; names of columns come from the model's own list."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from psycopg import sql

from core.query import ANY_BEGINNING, SCORE, WITHIN, Query
from core.stores.postgres_records import ORDERED, searched

Parameters = dict[str, object]

_COMPARED: Final = {"least": sql.SQL(">="), "most": sql.SQL("<="), "above": sql.SQL(">"), "below": sql.SQL("<")}
_ALWAYS_KNOWN: Final = ("title",)
NEAR: Final = 1_000
"""Rows that an index is walked along, at most, for a filter that passes few of them."""
_LOOKED_AT: Final = 10_000
"""Rows of an index that may pass and are looked at for the first who do."""
_SHORT: Final = 2
"""Letters of a word that begins too many words for an index to be asked for it beside a longer one."""

_FILTERED = sql.SQL("""
with hits as materialized (select id, {column} as key from reelcache.movies where {filter})
select
  (select count(*) from hits),
  array(select id from hits order by key {direction} nulls last, id {direction} offset %(offset)s limit %(limit)s)
""")
# Near the beginning the rows are walked to, along an index or through what the filter finds, and only counted besides:
# counting has more than one process of the server, what is kept has not.
_FILTERED_NEAR = sql.SQL("""
with known as materialized (
  select id, {column} as key from reelcache.movies where {column} is not null and {filter}
  order by {column} {direction}, id {direction} offset %(offset)s limit %(limit)s
), unknown as materialized (
  select id from reelcache.movies where {column} is null and {filter}
  order by {column} {direction}, id {direction}
  limit (select case when count(*) > 0 or %(offset)s = 0 then %(limit)s - count(*) else 0 end from known)
)
select
  (select count(*) from reelcache.movies where {filter}),
  array(select id from known order by key {direction}, id {direction})
    || array(select id from unknown order by id {direction})
""")
# One index serves both directions because the known and the unknown part are read apart, each in the index's own order
# and from its nearer end.
_WHOLE = sql.SQL("""
with size as materialized (
  select count(*) as total, count({counted}) as known from reelcache.movies
), place as materialized (
  select
    total,
    least(%(offset)s, known) as known_before,
    greatest(least(%(limit)s, known - %(offset)s), 0) as known_taken,
    greatest(known - %(offset)s - %(limit)s, 0) as known_after,
    least(greatest(%(offset)s - known, 0), total - known) as unknown_before,
    greatest(least(%(offset)s + %(limit)s, total) - greatest(%(offset)s, known), 0) as unknown_taken,
    greatest(total - greatest(%(offset)s + %(limit)s, known), 0) as unknown_after
  from size
)
select total, {known} || {unknown} from place
""")
_PART = sql.SQL("""array(
  select id from (
    (
      select {column} as key, id from reelcache.movies where {column} is {null} order by {column} {there}, id {there}
      offset (select {before} from place)
      limit (select case when {before} <= {after} then {taken} else 0 end from place)
    ) union all (
      select {column} as key, id from reelcache.movies where {column} is {null} order by {column} {back}, id {back}
      offset (select {after} from place)
      limit (select case when {before} <= {after} then 0 else {taken} end from place)
    )
  ) as found order by key {there}, id {there}
)""")
_ORDER = sql.SQL("""
select id, {key} from reelcache.movies where {column} is {known} and {filter} order by {column}, id
""")
_FIRST = sql.SQL("""
select id from reelcache.movies where {column} is {known} and {filter}
order by {column} {direction}, id {direction} limit %(limit)s
""")
# The sort's index alone is walked along; who may pass is looked at, one by one, in its order.
_BEGUN = sql.SQL("""
select likely.id from ({likely}) as likely
cross join lateral (select from reelcache.movies where movies.id = likely.id and {filter} offset 0) as found
order by key {direction}, likely.id {direction} limit %(limit)s
""")
_LIKELY = sql.SQL("""
select id, {column} as key from reelcache.movies where {told}
order by {column} {direction}, id {direction} limit %(likely)s
""")
_BEGINNINGS_TELL = sql.SQL("({begin} or beginnings = %(any_beginning)s or beginnings is null)")
# The server draws pages, so that a sample costs as many as it has rows.
SAMPLE: Final = """
with size as materialized (select reltuples from pg_catalog.pg_class where oid = 'reelcache.movies'::regclass)
select size.reltuples::bigint, array(
  select coalesce(
    (select string_agg(' ' || word, '') from unnest(tsvector_to_array(words)) as word where left(word, 1) <> ' '), ''
  )
  from reelcache.movies tablesample system ((select least(100, 100.0 * %(rows)s / greatest(reltuples, 1)) from size))
  limit 4 * %(rows)s
)
from size where size.reltuples > 0
"""
"""At most one row: about how many movies there are, and the words that any search finds of some drawn at random, a
blank before each word."""
_RANKED = sql.SQL("""
select id, {points} from reelcache.movies where {points} is not null and {filter}
order by {points} desc, id desc limit %(limit)s
""")
_KEYS = sql.SQL("select id, {key} from reelcache.movies where id = any(%(ids)s) and {filter}")
_COUNTS = sql.SQL("""
select value, count(*) from reelcache.movies, unnest({column}) as value
where {filter}
group by value order by count(*) desc, value collate "C"
""")
_YEARS = sql.SQL("""
select year::text as value, count(*) from reelcache.movies
where {filter} and year is not null
group by year order by count(*) desc, year::text collate "C"
""")

_VALUES = sql.SQL("select id, {values} from reelcache.movies where {filter} order by id")
_VALUES_OF = sql.SQL("select id, {values} from reelcache.movies where id = any(%(ids)s) and {filter}")
_YEAR = sql.SQL("array_remove(array[year::text], null)")


def begins(query: Query, offset: int) -> bool:
    """Whether a window lies near the beginning of a filtered answer."""
    return query.selective and offset < NEAR


def window(query: Query, offset: int, limit: int, *, near: bool) -> tuple[sql.Composed, Parameters]:
    """One row: how many movies the answer has, and the ids of the window in order.

    `near`: for a window that `begins`; of one that lies wholly among the unknown ones it finds nothing."""
    condition, parameters = _filter(query)
    column, direction = ORDERED[query.sort], sql.SQL("desc" if query.descending else "asc")
    if query.selective:
        statement = _FILTERED_NEAR if near else _FILTERED
        asked = statement.format(column=column, filter=condition, direction=direction)
    else:
        always = query.sort in _ALWAYS_KNOWN
        asked = _WHOLE.format(
            counted=sql.SQL("*") if always else column,
            known=_part(query, "known"),
            unknown=sql.SQL("'{}'::text[]") if always else _part(query, "unknown"),
        )
    return asked, {**parameters, "offset": offset, "limit": limit}


def _part(query: Query, part: str) -> sql.Composed:
    there, back = ("desc", "asc") if query.descending else ("asc", "desc")
    return _PART.format(
        column=ORDERED[query.sort],
        null=sql.SQL("not null" if part == "known" else "null"),
        there=sql.SQL(there),
        back=sql.SQL(back),
        **{name: sql.Identifier(f"{part}_{name}") for name in ("before", "taken", "after")},
    )


def order(query: Query, *, known: bool) -> tuple[sql.Composed, Parameters]:
    """Rows of id and sort key, ascending: all whose key is known, or all whose key is not."""
    condition, parameters = _filter(query)
    column = ORDERED[query.sort]
    asked = _ORDER.format(
        key=_compared(query.sort),
        column=column,
        known=sql.SQL("not null" if known else "null"),
        filter=condition,
    )
    return asked, parameters


def first(query: Query, limit: int, *, known: bool) -> tuple[sql.Composed, Parameters]:
    """The ids of the first rows, in order, of those whose key is known, or of those whose key is not."""
    condition, parameters = _filter(query)
    asked = _FIRST.format(
        column=ORDERED[query.sort],
        known=sql.SQL("not null" if known else "null"),
        filter=condition,
        direction=sql.SQL("desc" if query.descending else "asc"),
    )
    return asked, {**parameters, "limit": limit}


def begun(query: Query, limit: int) -> tuple[sql.Composed, Parameters]:
    """The ids of the first rows whose key is known, as far as they are among the first that may pass along the sort.

    By title the beginnings of words say who need not be looked at."""
    condition, parameters = _filter(query)
    column, direction = ORDERED[query.sort], sql.SQL("desc" if query.descending else "asc")
    told: sql.Composable = sql.SQL("{} is not null").format(column)
    if query.sort == "title" and query.beginnings:
        sought = {f"beginning_{number}": beginning for number, beginning in enumerate(query.beginnings)}
        begin = sql.SQL(" and ").join(sql.SQL("strpos(beginnings, {}) > 0").format(sql.Placeholder(n)) for n in sought)
        told = _BEGINNINGS_TELL.format(begin=begin)
        parameters |= {**sought, "any_beginning": ANY_BEGINNING}
    likely = _LIKELY.format(column=column, direction=direction, told=told)
    return _BEGUN.format(likely=likely, filter=condition, direction=direction), {
        **parameters,
        "likely": _LOOKED_AT,
        "limit": limit,
    }


def ranked(query: Query, limit: int) -> tuple[sql.Composed, Parameters]:
    """Rows of id and points, most first."""
    condition, parameters = _filter(query)
    return _RANKED.format(points=ORDERED[SCORE], filter=condition), {**parameters, "limit": limit}


def keys(query: Query, ids: Sequence[str]) -> tuple[sql.Composed, Parameters]:
    """Rows of id and sort key: those of these movies that are in the answer."""
    condition, parameters = _filter(query)
    return _KEYS.format(key=_compared(query.sort), filter=condition), {**parameters, "ids": list(ids)}


def _compared(sort: str) -> sql.Composable:
    """A sort key as a text or a number."""
    return sql.SQL("released - date '0001-01-01'") if sort == "released" else ORDERED[sort]


def counts(query: Query, field: str) -> tuple[sql.Composed, Parameters]:
    """Rows of value and count, most first."""
    condition, parameters = _filter(query)
    statement = _YEARS if field == "year" else _COUNTS
    return statement.format(filter=condition, column=sql.Identifier(field)), parameters


def values(query: Query, field: str) -> tuple[sql.Composed, Parameters]:
    """Rows of id and values, ascending by id."""
    condition, parameters = _filter(query)
    return _VALUES.format(values=_listed(field), filter=condition), parameters


def values_of(query: Query, field: str, ids: Sequence[str]) -> tuple[sql.Composed, Parameters]:
    """Rows of id and values: those of these movies that are in the answer."""
    condition, parameters = _filter(query)
    return _VALUES_OF.format(values=_listed(field), filter=condition), {**parameters, "ids": list(ids)}


def _listed(field: str) -> sql.Composable:
    """The values of a field as an array."""
    return _YEAR if field == "year" else sql.Identifier(field)


def _filter(query: Query) -> tuple[sql.Composable, Parameters]:
    conditions: list[sql.Composable] = []
    parameters: Parameters = {}
    if query.words:
        sought = indexed(query)
        conditions.append(sql.SQL("words @@ %(words)s::tsquery"))
        parameters["words"] = " & ".join(_prefix(word) for word in sought)
        if besides := [word for word in query.words if word not in sought]:
            # "is true" keeps the index out of it.
            conditions.append(sql.SQL("(words @@ %(short_words)s::tsquery) is true"))
            parameters["short_words"] = " & ".join(_prefix(word) for word in besides)
    for number, several in enumerate(query.choices):
        name = f"choice_{number}"
        conditions.append(sql.SQL("words @@ {}::tsquery").format(sql.Placeholder(name)))
        parameters[name] = " | ".join(f"({' & '.join(map(_prefix, words))})" for words in several)
    if query.genres:
        conditions.append(sql.SQL("genres @> %(genres)s::text[]"))
        parameters["genres"] = list(query.genres)
    if query.year_from is not None:
        conditions.append(sql.SQL("year >= %(year_from)s"))
        parameters["year_from"] = query.year_from
    if query.year_to is not None:
        conditions.append(sql.SQL("year <= %(year_to)s"))
        parameters["year_to"] = query.year_to
    for number, limits in enumerate(query.ranges):
        for side, bound in limits.bounds.items():
            name = f"{side}_{number}"
            condition = sql.SQL("{} {} {}").format(sql.Identifier(limits.field), _COMPARED[side], sql.Placeholder(name))
            conditions.append(condition)
            # A whole number is given as one, or the index over whole numbers would not serve.
            parameters[name] = int(bound) if float(bound).is_integer() else bound
    return (sql.SQL(" and ").join(conditions) if conditions else sql.SQL("true")), parameters


def indexed(query: Query) -> list[str]:
    """The words of a query for which the index of words is asked: those that are long enough, or the longest."""
    longest = max(map(_letters, query.words), default=0)
    return [word for word in query.words if _letters(word) > min(_SHORT, longest - 1)]


def _letters(word: str) -> int:
    return len(word) - len(WITHIN["cast"]) if word.startswith(" ") else len(word)


def _prefix(word: str) -> str:
    """A word as tsquery reads it: quoted, and standing for every word that it begins."""
    quoted = searched(word).replace("\\", "\\\\").replace("'", "''")
    return f"'{quoted}':*"
