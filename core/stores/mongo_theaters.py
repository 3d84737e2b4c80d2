"""Theaters in MongoDB, in the public shape of `sample_mflix`: `location.geo` is a GeoJSON Point.

They may be somebody else's: fields that are not ours stay, and a document without a proper Point is no theater here.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from typing import Any, Final

from pymongo import UpdateOne
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
    keys = [_key(theater.id) for theater in given]
    with at.long_call():
        present: dict[str, Place | None] = {}
        async for document in at.theaters.find({"theaterId": {"$in": keys}}):
            present[str(document["theaterId"])] = theater_of(document)
        changed = [theater for theater in given if present.get(theater.id) != theater]
        if changed:
            writes = [_write(theater) for theater in changed]
            try:
                await at.theaters.bulk_write(writes, ordered=False)
            except BulkWriteError as problem:
                if any(error["code"] != _DUPLICATE for error in problem.details["writeErrors"]):
                    raise
                # Somebody else inserted the same at the same moment: they are there now, and are replaced.
                await at.theaters.bulk_write(writes, ordered=False)
    updated = sum(theater.id in present for theater in changed)
    return Stored(inserted=len(changed) - updated, updated=updated, unchanged=len(given) - len(changed))


async def remove_own(at: MongoConnection) -> None:
    """Remove the theaters that we brought, and none that others did."""
    await at.theaters.delete_many({"_id": {"$regex": f"^{_OWN}"}})


def theater_of(document: Document) -> Place | None:
    """The theater in a document; None where it is none that keeps the rules."""
    location = _object(document, "location")
    address = _object(location, "address")
    position = _object(location, "geo").get("coordinates")
    id = document.get("theaterId")
    if not isinstance(position, list) or len(position) != 2 or not isinstance(id, str | int | float):
        return None
    lon, lat = position
    if isinstance(lon, bool) or isinstance(lat, bool) or not all(isinstance(v, int | float) for v in (lon, lat)):
        return None
    lines = [line for key in ("street1", "street2") if (line := _text(address, key))]
    try:
        return check_place(
            Place(
                id=str(int(id) if isinstance(id, float) and id.is_integer() else id),
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


def _key(id: str) -> str | int:
    """The theaterId: a number where the public collection would have one."""
    return int(id) if id.isdecimal() and id.isascii() and str(int(id)) == id and int(id) < _LARGEST else id


def _write(theater: Place) -> UpdateOne:
    values: dict[str, Any] = {
        "name": theater.name or None,
        "location.address.street1": theater.street,
        "location.address.street2": None,
        **{f"location.address.{field}": getattr(theater, field) for field in _ADDRESS},
        "location.geo": {"type": "Point", "coordinates": [theater.lon, theater.lat]},
    }
    change: Document = {
        "$set": {path: value for path, value in values.items() if value is not None},
        "$unset": {path: "" for path, value in values.items() if value is None},
        "$setOnInsert": {"_id": f"{_OWN}{theater.id}"},
    }
    return UpdateOne({"theaterId": {"$eq": _key(theater.id)}}, change, upsert=True)


def _object(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Document, key: str) -> str | None:
    value = document.get(key)
    return str(value) if isinstance(value, str | int | float) and not isinstance(value, bool) and value != "" else None
