"""The place: a city or a theater somewhere on Earth, which values it may hold, and how far two of them are apart."""

from __future__ import annotations

import math
from typing import Final, Literal

import msgspec

from core.errors import InvalidPlace, InvalidQuery
from core.model import forbidden, tidy
from core.query import Freshness, Tier

Kind = Literal["city", "theater"]
KINDS: Final[tuple[Kind, ...]] = ("city", "theater")
EARTH_KM: Final = 6372.797560856
"""The radius of the Earth that Redis measures with, so that both ways to a distance give the same one."""
MOST_LATITUDE: Final = 85.05112878
"""Degrees; beyond it the Web Mercator square of Redis' geohashes ends (EPSG:3857)."""
MOST_LONGITUDE: Final = 180.0
LEAST_KM: Final = 1.0
MOST_KM: Final = 20_000.0
"""Half the way around the Earth, nearly: hardly anything is further from anywhere."""
MOST_FOUND: Final = 1_000
_LONGEST: Final = 200


class Place(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One place. `lat` and `lon` are degrees (WGS 84), `country` is an ISO 3166-1 code; unknown is None or empty.

    A city has the id that GeoNames gives it. A theater has that of its file, and often no name: its address tells it.
    """

    id: str
    kind: Kind
    name: str = ""
    lat: float
    lon: float
    country: str | None = None
    street: str | None = None
    city: str | None = None
    state: str | None = None
    zipcode: str | None = None
    population: int | None = None

    @property
    def label(self) -> str:
        """What it is called."""
        return self.name or f"Theater {self.id}"

    @property
    def address(self) -> str:
        """Street, town and state, as far as they are known; empty where none is."""
        town = " ".join(part for part in (self.city, self.state) if part)
        return ", ".join(part for part in (self.street, town) if part)


class Reach(msgspec.Struct, frozen=True):
    """What lies around a centre: within `radius_km` of it, or in a box of `width_km` by `height_km` in its middle.

    As Redis has it, a point is in the box when it is at most half the height north or south of the centre, and at most
    half the width east or west of it, measured along the point's own parallel. Raises InvalidQuery on what is neither,
    or is larger than half the Earth."""

    radius_km: float | None = None
    width_km: float | None = None
    height_km: float | None = None

    def __post_init__(self) -> None:
        sides = [side for side in (self.radius_km, self.width_km, self.height_km) if side is not None]
        if (self.radius_km is None) != (len(sides) == 2):
            raise InvalidQuery("Around a place there is a circle or a box.", remedy="Give a radius, or two sides.")
        for side in sides:
            if not LEAST_KM <= side <= MOST_KM:
                whole = " That is more than half the way around the Earth." if side > MOST_KM else ""
                raise InvalidQuery(
                    f"{side:,g} km around a place cannot be looked at.{whole}",
                    remedy=f"Give {LEAST_KM:g} to {MOST_KM:,.0f} km.",
                )

    @property
    def half_height_km(self) -> float:
        """How far north and south of the centre anything in it can be."""
        return self.radius_km if self.radius_km is not None else (self.height_km or 0.0) / 2

    def holds(self, centre: tuple[float, float], point: tuple[float, float]) -> float | None:
        """The distance of a point (lat, lon) in km if it is in reach of the centre, else None."""
        distance = distance_km(centre, point)
        if self.radius_km is not None:
            return distance if distance <= self.radius_km else None
        north = EARTH_KM * abs(math.radians(point[0] - centre[0]))
        east = distance_km((point[0], centre[1]), point)
        within = north <= (self.height_km or 0.0) / 2 and east <= (self.width_km or 0.0) / 2
        return distance if within else None

    def around(self, centre: str) -> str:
        """The reach in words, with what it is around."""
        return f"{self} {'of' if self.radius_km is not None else 'around'} {centre}"

    def __str__(self) -> str:
        if self.radius_km is not None:
            return f"within {self.radius_km:,.0f} km"
        return f"in a box of {self.width_km:,.0f} × {self.height_km:,.0f} km"


class Nearby(msgspec.Struct, frozen=True):
    """A place, and how far it is from where was asked, in km."""

    place: Place
    distance_km: float


class Surroundings(msgspec.Struct, frozen=True):
    """What is around a place, nearest first, and where that was found: in Redis' geo sets, or computed from the store.

    `reason` says why it was no hit in Redis. `more`: there is more than was asked for."""

    found: tuple[Nearby, ...]
    tier: Tier
    freshness: Freshness
    reason: str
    seconds: float
    more: bool = False


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The great-circle distance of two points (lat, lon), by the haversine formula (Sinnott, Sky & Telescope 1984)."""
    lat1, lat2 = math.radians(one[0]), math.radians(other[0])
    u = math.sin((lat2 - lat1) / 2)
    v = math.sin(math.radians(other[1] - one[1]) / 2)
    return 2 * EARTH_KM * math.asin(min(1.0, math.sqrt(u * u + math.cos(lat1) * math.cos(lat2) * v * v)))


def position_problem(lat: float, lon: float) -> str | None:
    """What is wrong with coordinates, or None."""
    if not (math.isfinite(lat) and math.isfinite(lon)):
        return "latitude and longitude must be numbers"
    if abs(lat) <= MOST_LATITUDE and abs(lon) <= MOST_LONGITUDE:
        return None
    if abs(lat) > 90 and abs(lat) <= MOST_LONGITUDE and abs(lon) <= MOST_LATITUDE:
        return f"latitude {lat:g} and longitude {lon:g} look exchanged: no latitude is beyond 90"
    if abs(lat) > MOST_LATITUDE:
        return f"latitude {lat:g} is outside of ±{MOST_LATITUDE}, where Redis' geo sets end"
    return f"longitude {lon:g} is outside of ±180"


def check_place(place: Place) -> Place:
    """The place with its text tidied. Raises InvalidPlace when a rule is broken."""
    if problem := position_problem(place.lat, place.lon):
        raise InvalidPlace(problem)
    texts = {
        name: (text if name == "id" else tidy(text))
        for name in ("id", "name", "country", "street", "city", "state", "zipcode")
        if (text := getattr(place, name)) is not None
    }
    for name, text in texts.items():
        if len(text) > _LONGEST:
            raise InvalidPlace(f"{name} is longer than {_LONGEST} characters")
        if stranger := forbidden(text):
            raise InvalidPlace(f"{name} holds a forbidden character (U+{ord(stranger):04X})")
    if not texts["id"].strip() or texts["id"] != texts["id"].strip():
        raise InvalidPlace("has no id")
    changes = {name: text or ("" if name == "name" else None) for name, text in texts.items()}
    return msgspec.structs.replace(place, **changes)
