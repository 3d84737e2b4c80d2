"""How many movies of an answer have each value of a field, in MongoDB: most answers are counted by reading everything.

One after the other as they lie, a million documents take three seconds; as an index names them, a tenth of these takes
longer.
"""

from __future__ import annotations

from typing import Any, Final

from pymongo.errors import OperationFailure

from core.query import Query, ValueCount
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import Document
from core.stores.mongo_queries import BINARY, NO_SUCH_INDEX, clauses, matching, value_path

_FEW: Final = 0.04
"""The share of all movies up to which they are looked at one by one."""
_AS_THEY_LIE: Final[Document] = {"$natural": 1}


async def value_counts(at: MongoConnection, query: Query, field: str) -> tuple[ValueCount, ...]:
    """How many movies of the query's answer have each value in a field of COUNTED, most first.

    What counts takes as long as it takes."""
    path = f"${value_path(field)}"
    stages: list[Document] = [
        {"$match": matching(query)},
        {"$unwind": path},
        {"$group": {"_id": path, "count": {"$sum": 1}}},
    ]
    with at.long_call():
        hint = await _sooner(at, query)
        named: dict[str, Any] = {} if hint is None else {"hint": hint}
        groups = await (await at.movies.aggregate(stages, collation=BINARY, **named)).to_list()
    counts = (ValueCount(name=str(group["_id"]), count=group["count"]) for group in groups)
    return tuple(sorted(counts, key=lambda value: (-value.count, value.name)))


async def _sooner(at: MongoConnection, query: Query) -> str | Document | None:
    """The index of a clause that few pass, or else the order in which the movies lie; None where the server is to
    choose."""
    if query.choices:
        return None
    few = int(await at.movies.estimated_document_count() * _FEW)
    try:
        for index, clause in clauses(query):
            if await at.movies.count_documents(clause, limit=few + 1, hint=index, collation=BINARY) <= few:
                return index
    except OperationFailure as problem:
        if problem.code not in NO_SUCH_INDEX:
            raise
    return _AS_THEY_LIE
