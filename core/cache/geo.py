"""Geo sets in Redis: points by longitude and latitude, asked for by distance (GEOADD, GEOSEARCH).

What is derived is never changed in place: it is written whole under a name that nobody had before, and then named by an
ordinary entry under the cache protocol. Whoever finds that entry valid finds the sets that belong to it, as long as
none of them was evicted; so each search also counts its set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from core.cache.entry import Entry, entry_in
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.cache.wire import Command, Reply

_TOGETHER: Final = 1_000
"""Points or texts of one command: each takes the server about a microsecond, and no one else waits longer for it."""
_HIGHEST: Final = 85.051128
"""Degrees of latitude, a decimetre below the bound of the geohash."""
KIND: Final = "geo"


class Point(NamedTuple):
    """A member of a geo set and where it is, in degrees."""

    member: str
    lon: float
    lat: float


class Search(NamedTuple):
    """What is asked of one set: around which centre, by a radius or by width and height, all in km; at most `most`."""

    set: str
    size: int
    """How many members the set had when it was written."""
    lon: float
    lat: float
    shape: tuple[float] | tuple[float, float]
    most: int


class Hit(NamedTuple):
    """A member that was found, and its distance in km to four decimals."""

    member: str
    distance_km: float


class GeoSets:
    """The geo sets of one namespace, and the texts of their members. Every method raises CacheUnavailable where Redis
    cannot serve, or where its user lacks the permission; that says nothing about the rest of the cache."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache

    async def write(self, set: str, points: Sequence[Point], texts: Mapping[str, bytes], seconds: float) -> None:
        """Write a set under a name that was never used, with texts for some of its members; it is gone by itself after
        so many seconds. Several round trips."""
        keep = int(seconds * 1000)
        added = [(*_position(point.lon, point.lat), point.member) for point in points]
        for verb, name, rows in (("GEOADD", self._points(set), added), ("HSET", self._texts(set), [*texts.items()])):
            for first in range(0, len(rows), _TOGETHER):
                cells = [cell for row in rows[first : first + _TOGETHER] for cell in row]
                await self._cache.beside([(verb, name, *cells), ("PEXPIRE", name, keep)])

    async def search(self, named_by: Key, searches: Sequence[Search]) -> tuple[Entry | None, list[list[Hit] | None]]:
        """The entry that names the sets, and what each search finds, nearest first; None for a set that is not whole.

        One round trip, carried out in its order: the entry was valid, and then the sets were searched."""
        commands: list[Command] = [("GET", self._cache.namespace.entry_key(named_by))]
        for search in searches:
            commands += [_searching(self._points(search.set), search), ("ZCARD", self._points(search.set))]
        entry, *replies = await self._cache.beside(commands)
        found = [
            _hits(hits) if size == search.size else None
            for search, hits, size in zip(searches, replies[::2], replies[1::2], strict=True)
        ]
        return entry_in(entry), found

    async def texts(self, set: str, members: Sequence[str]) -> list[bytes | None]:
        """The texts of these members, None for one that has none."""
        if not members:
            return []
        replies = await self._cache.beside(
            [
                ("HMGET", self._texts(set), *members[first : first + _TOGETHER])
                for first in range(0, len(members), _TOGETHER)
            ]
        )
        return [text for part in replies for text in part]

    def _points(self, set: str) -> bytes:
        return self._cache.namespace.entry_key(Key(KIND, f"{set}:points"))

    def _texts(self, set: str) -> bytes:
        return self._cache.namespace.entry_key(Key(KIND, f"{set}:texts"))


def _position(lon: float, lat: float) -> tuple[str, str]:
    """Longitude and latitude as Redis can take them: on the very upper bounds its geohash runs over, and one longitude
    below 180 it rounds to that bound."""
    return repr(-180.0 if lon + 180.0 >= 360.0 else lon), repr(min(lat, _HIGHEST))


def _searching(name: bytes, search: Search) -> Command:
    by = "BYRADIUS" if len(search.shape) == 1 else "BYBOX"
    shape = (*map(repr, search.shape), "km")
    centre = ("FROMLONLAT", *_position(search.lon, search.lat))
    return ("GEOSEARCH", name, *centre, by, *shape, "ASC", "COUNT", search.most, "WITHDIST")


def _hits(reply: Reply) -> list[Hit]:
    return [Hit(member.decode("utf-8", "surrogatepass"), float(distance)) for member, distance in reply]
