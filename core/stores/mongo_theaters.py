"""Theaters in MongoDB, in the public shape of `sample_mflix`: `location.geo` is a GeoJSON Point.

They may be somebody else's: fields that are not ours stay, and a document without a proper Point is no theater here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from pymongo import InsertOne, UpdateOne
from pymongo.errors import BulkWriteError

from core.errors import InvalidPlace
from core.place import Place, check_place
from core.stores.base import Stored
from core.stores.mongo_connection import MongoConnection
from core.stores.mongo_documents import Document

_OWN: Final = "reelcache:"
"""How the `_id` of a theater begins that we brought; those of others are theirs."""
_FETCHED: Final = 2_000
_DUPLICATE: Final = 11_000
_LARGEST: Final = 2**31
_POINT: Final = "location.geo.coordinates"
_ADDRESS: Final = ("city", "state", "zipcode", "country")


async def theaters(at: MongoConnection, south: float, north: float) -> AsyncGenerator[Sequence[Place]]:
    """The theaters between two latitudes, ascending by id."""
    chosen = {f"{_POINT}.1": {"$gte": south, "$lte": north}}
    with at.long_call():
        async with at.theaters.find(chosen, batch_size=_FETCHED) as cursor:
            found: dict[str, Place] = {}
            while documents := await cursor.to_list(_FETCHED):
                found |= {place.id: place for document in documents if (place := theater_of(document)) is not None}
    # By the text of an id, which documents of others keep as a number.
    ordered = [found[id] for id in sorted(found)]
    for first in range(0, len(ordered), _FETCHED):
        yield ordered[first : first + _FETCHED]


async def load(at: MongoConnection, given: Sequence[Place]) -> Stored:
    """Insert or replace these, skipping those that are the same."""
    with at.long_call():
        for again in (True, False):
            present = await _present(at, given)
            new = [theater for theater in given if theater.id not in present]
            changed = [
                theater for theater in given if theater.id in present and theater_of(present[theater.id]) != theater
            ]
            writes: list[InsertOne[Document] | UpdateOne] = [InsertOne(_document(theater)) for theater in new]
            writes += [UpdateOne({"_id": {"$eq": present[theater.id]["_id"]}}, _change(theater)) for theater in changed]
            try:
                if writes:
                    await at.theaters.bulk_write(writes, ordered=False)
                break
            except BulkWriteError as problem:
                # Somebody else may have inserted the same at the same moment: they are there now.
                if not again or any(error["code"] != _DUPLICATE for error in problem.details["writeErrors"]):
                    raise
    return Stored(inserted=len(new), updated=len(changed), unchanged=len(given) - len(new) - len(changed))


async def _present(at: MongoConnection, given: Sequence[Place]) -> dict[str, Document]:
    """The documents of those that are there, by the theater's id. Only those of others need a walk over all."""
    own = [f"{_OWN}{theater.id}" for theater in given]
    chosen: list[Document] = [{"_id": {"$in": own}}]
    if await _has_others(at):
        chosen.append({"theaterId": {"$in": [_key(theater.id) for theater in given]}})
    found: dict[str, Document] = {}
    for each in chosen:
        async for document in at.theaters.find(each):
            if (id := _id_in(document)) is not None:
                found[id] = document
    return found


async def _has_others(at: MongoConnection) -> bool:
    """Whether others brought any: the `_id`s of ours lie together, so one of theirs is the first or the last."""
    for way in (1, -1):
        end = await at.theaters.find_one({}, {"_id": 1}, sort=[("_id", way)])
        if end is not None and not str(end["_id"]).startswith(_OWN):
            return True
    return False


async def remove_own(at: MongoConnection) -> None:
    """Remove the theaters that we brought, and none that others did."""
    await at.theaters.delete_many({"_id": {"$regex": f"^{_OWN}"}})


def theater_of(document: Document) -> Place | None:
    """The theater in a document; None where it is none that keeps the rules."""
    location = _object(document, "location")
    address = _object(location, "address")
    position = _object(location, "geo").get("coordinates")
    id = _id_in(document)
    if not isinstance(position, list) or len(position) != 2 or id is None:
        return None
    lon, lat = position
    if isinstance(lon, bool) or isinstance(lat, bool) or not all(isinstance(v, int | float) for v in (lon, lat)):
        return None
    lines = [line for key in ("street1", "street2") if (line := _text(address, key))]
    try:
        return check_place(
            Place(
                id=id,
                kind="theater",
                name=_text(document, "name") or "",
                lat=float(lat),
                lon=float(lon),
                street=", ".join(lines) or None,
                city=_text(address, "city"),
                state=_text(address, "state"),
                zipcode=_text(address, "zipcode"),
                country=_text(address, "country"),
            )
        )
    except InvalidPlace:
        return None


def _id_in(document: Document) -> str | None:
    """The theater's id; None where there is none that is text or a number, which may have been stored as 7.0."""
    id = document.get("theaterId")
    if not isinstance(id, str | int | float):
        return None
    return str(int(id) if isinstance(id, float) and id.is_integer() else id)


def _key(id: str) -> str | int:
    """The theaterId: a number where the public collection would have one."""
    return int(id) if id.isdecimal() and id.isascii() and str(int(id)) == id and int(id) < _LARGEST else id


def _values(theater: Place) -> dict[str, Any]:
    """What we keep of a theater, by its path in the public shape; None where that is not to be there."""
    return {
        "name": theater.name or None,
        "location.address.street1": theater.street,
        "location.address.street2": None,
        **{f"location.address.{field}": getattr(theater, field) for field in _ADDRESS},
        "location.geo": {"type": "Point", "coordinates": [theater.lon, theater.lat]},
    }


def _change(theater: Place) -> Document:
    """The update that makes a document this theater's, and leaves what is not ours in it."""
    values = _values(theater)
    return {
        "$set": {path: value for path, value in values.items() if value is not None},
        "$unset": {path: "" for path, value in values.items() if value is None},
    }


def _document(theater: Place) -> Document:
    """A new document in the public shape."""
    document: Document = {"_id": f"{_OWN}{theater.id}", "theaterId": _key(theater.id), "location": {"address": {}}}
    for path, value in _values(theater).items():
        if value is not None:
            *outer, last = path.split(".")
            inside = document
            for name in outer:
                inside = inside[name]
            inside[last] = value
    return document


def _object(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Document, key: str) -> str | None:
    value = document.get(key)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None
