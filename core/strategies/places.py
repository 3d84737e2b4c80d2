"""What is around a place: two geo sets in Redis (cities and theaters), derived from the shipped cities and the store.

The sets are written whole under a random name, and an ordinary entry under the cache protocol names them. A change to
the theaters removes that entry (the relay; who loads theaters waits for it), so sets that it names are never older than
the last acknowledged load; lost or evicted ones are found incomplete. Then, and wherever Redis is not believed, the
same is computed here, by the same formula and radius, from what the store says; and that is told.
"""

from __future__ import annotations

import math
import secrets
import time
import zlib
from collections.abc import Callable, Sequence
from contextlib import aclosing, suppress
from functools import cached_property
from typing import Final

import msgspec

from core.cache.geo import GeoSets, Point, Search
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable, StoreUnavailable
from core.place import EARTH_KM, KINDS, Kind, Nearby, Place, Reach, Surroundings
from core.query import Freshness, Tier, fold, words_of
from core.stores.base import Store
from core.strategies.codec import CODEC
from core.strategies.keys import THEATERS_KEY, new_token
from core.trust import Doubt, Trust

_LEASE: Final = 30.0
"""Seconds for the sets to be written: of a hundred thousand places it takes some. Nobody waits for it meanwhile."""
_KEPT: Final = 1.5
"""How much longer than the entry that names them the sets are kept, whatever its jitter."""
_DEGREE_KM: Final = EARTH_KM * math.pi / 180
_LEAST_LETTERS: Final = 2

_encode_place = msgspec.msgpack.Encoder().encode
_decode_place = msgspec.msgpack.Decoder(Place).decode


class _Sets(msgspec.Struct, frozen=True):
    """What the entry says: the name of the sets, how many members each kind's has, and which cities they are."""

    name: str
    sizes: dict[Kind, int]
    cities: int = 0


_encode_sets = msgspec.msgpack.Encoder().encode
_decode_sets = msgspec.msgpack.Decoder(_Sets).decode


class Places:
    """The places of one store's namespace, and of the shipped cities."""

    def __init__(
        self, store: Store, cache: RedisCache, trust: Trust, cities: Callable[[], Sequence[Place]], *, keep: float
    ) -> None:
        self._store = store
        self._cache = cache
        self._trust = trust
        self._cities = cities
        self._keep = keep * _KEPT
        self._geo = GeoSets(cache)
        self._known: _Sets | None = None
        """The sets that the entry named when it was last read."""

    @property
    def cities(self) -> Sequence[Place]:
        """The shipped cities, the largest first."""
        return self._cities()

    @cached_property
    def _which_cities(self) -> int:
        """Tells them from those of another release."""
        return zlib.crc32(msgspec.msgpack.encode(list(self.cities)))

    async def around(
        self, centre: tuple[float, float], reach: Reach, kinds: Sequence[Kind], limit: int, *, cached: bool
    ) -> Surroundings:
        """What is in reach of a point (lat, lon), nearest first. `cached`: whether Redis is to be asked.

        Where neither Redis nor the store knows the theaters, the cities alone are found, and that is told.
        Raises StoreUnavailable where no cities are asked for."""
        started = time.perf_counter()
        doubt = self._trust.doubt() if cached else Doubt("this strategy asks no cache")
        reason = doubt.reason if doubt is not None else ""

        async def redis() -> Surroundings | None:
            found = await self._searched(centre, reach, kinds, limit)
            freshness: Freshness = "fresh" if doubt is None else "stale"
            return None if found is None else _surroundings(found, limit, "redis", freshness, reason or "hit", started)

        if doubt is None or doubt.store_away:
            try:
                if (answer := await redis()) is not None:
                    return answer
            except CacheUnavailable as away:
                reason = str(away)
                doubt = doubt or Doubt(reason)
        theaters: Sequence[Place] = ()
        try:
            if doubt is None:
                theaters, reason = await self._built()
            elif "theater" in kinds:
                theaters = await self._read(centre, reach)
        except StoreUnavailable as away:
            if doubt is not None and doubt.last_known and not doubt.store_away:
                with suppress(CacheUnavailable):
                    if (answer := await redis()) is not None:
                        return answer
            if "city" not in kinds:
                raise
            reason = f"theaters are not known: {away.reason}"
        places = [*(self.cities if "city" in kinds else ()), *(theaters if "theater" in kinds else ())]
        return _surroundings(computed(places, centre, reach), limit, "store", "uncached", reason, started)

    async def beginning(self, text: str, limit: int) -> tuple[Place, ...]:
        """The places of whose names or towns some words begin so: cities first, the largest before others.

        With the store away these are cities alone. Raises StoreUnavailable where no city begins so."""
        starts = words_of(text)
        found = [city for city in self.cities if _begins(city, starts)][:limit]
        if len(found) < limit and len(fold(text).strip()) >= _LEAST_LETTERS:
            try:
                async with aclosing(self._store.theaters()) as parts:
                    async for theaters in parts:
                        found += [theater for theater in theaters if _begins(theater, starts)]
                        if len(found) >= limit:
                            break
            except StoreUnavailable:
                if not found:
                    raise
        return tuple(found[:limit])

    async def _searched(
        self, centre: tuple[float, float], reach: Reach, kinds: Sequence[Kind], limit: int
    ) -> list[Nearby] | None:
        """What Redis finds; None where its sets are not there, or not whole."""
        shape = (reach.radius_km,) if reach.radius_km is not None else (reach.width_km or 0.0, reach.height_km or 0.0)
        for _ in range(2):
            sets = self._known
            asked = [kind for kind in kinds if sets is not None and sets.sizes[kind]]
            entry, answers = await self._geo.search(
                THEATERS_KEY,
                [
                    Search(f"{sets.name}:{kind}", sets.sizes[kind], centre[1], centre[0], shape, limit + 1)
                    for kind in asked
                    if sets is not None
                ],
            )
            if entry is None or entry.codec != CODEC:
                return None
            self._known = _decode_sets(entry.payload)
            if self._known.cities != self._which_cities:
                return None  # those of another release, which shipped others
            if self._known != sets or sets is None:
                continue  # those that were searched are not the present ones
            found: list[Nearby] = []
            for kind, hits in zip(asked, answers, strict=True):
                if hits is None:
                    return None
                known = await self._described(f"{sets.name}:{kind}", kind, [hit.member for hit in hits])
                if known is None:
                    return None
                found += [Nearby(known[hit.member], hit.distance_km) for hit in hits]
            return sorted(found, key=_by_distance)
        return None

    async def _described(self, set: str, kind: Kind, members: Sequence[str]) -> dict[str, Place] | None:
        if kind == "city":
            return {city.id: city for city in self.cities}
        texts = await self._geo.texts(set, members)
        if None in texts:
            return None
        return {member: _decode_place(text) for member, text in zip(members, texts, strict=True) if text is not None}

    async def _built(self) -> tuple[Sequence[Place], str]:
        """All theaters, read to write the sets anew; and how that went."""
        token = new_token()
        try:
            # Also where an entry is: what it names was found not to be whole.
            leased = (await self._cache.acquire(THEATERS_KEY, token, _LEASE, refresh=True)).verdict == "token"
        except CacheUnavailable as away:
            return await self._read(None, None), str(away)
        began = time.perf_counter()
        theaters = await self._read(None, None)
        if not leased:
            return theaters, "another copy is writing the geo sets"
        members: dict[Kind, Sequence[Place]] = {"city": self.cities, "theater": theaters}
        sizes = {kind: len(members[kind]) for kind in KINDS}
        sets = _Sets(secrets.token_hex(8), sizes, self._which_cities)
        try:
            for kind in KINDS:
                points = [Point(place.id, place.lon, place.lat) for place in members[kind]]
                texts = {place.id: _encode_place(place) for place in members[kind]} if kind == "theater" else {}
                await self._geo.write(f"{sets.name}:{kind}", points, texts, self._keep)
            took = round((time.perf_counter() - began) * 1000)
            verdict = await self._cache.fill(THEATERS_KEY, token, 0, _encode_sets(sets), load_ms=took)
        except CacheUnavailable as away:
            return theaters, str(away)
        if verdict != "set":
            return theaters, "a load of theaters came in between"
        return theaters, f"geo sets written anew, of {sum(sets.sizes.values()):,} places"

    async def _read(self, centre: tuple[float, float] | None, reach: Reach | None) -> Sequence[Place]:
        """The theaters that the store has: all, or those no further north or south than the reach goes."""
        half = 180.0 if reach is None else reach.half_height_km / _DEGREE_KM + 0.001
        lat = 0.0 if centre is None else centre[0]
        found: dict[str, Place] = {}
        async with aclosing(self._store.theaters(max(-90.0, lat - half), min(90.0, lat + half))) as parts:
            async for theaters in parts:
                found |= {theater.id: theater for theater in theaters}
        return list(found.values())


def computed(places: Sequence[Place], centre: tuple[float, float], reach: Reach) -> list[Nearby]:
    """Those of the places that are in reach of a point, nearest first."""
    found = [
        Nearby(place, distance)
        for place in places
        if (distance := reach.holds(centre, (place.lat, place.lon))) is not None
    ]
    return sorted(found, key=_by_distance)


def _by_distance(nearby: Nearby) -> tuple[float, str, str]:
    return nearby.distance_km, nearby.place.kind, nearby.place.id


def _begins(place: Place, starts: Sequence[str]) -> bool:
    words = words_of(place.name, place.city or "")
    return all(any(word.startswith(start) for word in words) for start in starts)


def _surroundings(
    found: Sequence[Nearby], limit: int, tier: Tier, freshness: Freshness, reason: str, started: float
) -> Surroundings:
    seconds = time.perf_counter() - started
    return Surroundings(tuple(found[:limit]), tier, freshness, reason, seconds, len(found) > limit)
