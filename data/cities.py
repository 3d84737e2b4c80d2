"""The shipped cities (GeoNames, CC BY 4.0), and what films call their countries."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from importlib import resources
from typing import Final

from core.errors import InvalidPlace
from core.place import MOST_LATITUDE, Place, distance_km

CREDIT: Final = "Cities: GeoNames, CC BY 4.0"
FAR_KM: Final = 1_500.0
CLOSE_KM: Final = 500.0
EXCHANGED_RULE: Final = (
    f"Coordinates count as exchanged where no latitude can be so large, or where the country is known and the place "
    f"lies more than {FAR_KM:,.0f} km from each of its shipped cities, but less than {CLOSE_KM:,.0f} km from one once "
    f"latitude and longitude are exchanged."
)


@cache
def shipped_cities() -> tuple[Place, ...]:
    """The cities that come with the program, the largest first."""
    cities = (
        Place(
            id=row["geonameid"],
            kind="city",
            name=row["name"],
            lat=float(row["lat"]),
            lon=float(row["lon"]),
            country=row["country_code"],
            population=int(row["population"]),
        )
        for row in _rows("places.csv")
    )
    return tuple(sorted(cities, key=lambda city: (-(city.population or 0), city.id)))


@cache
def country_names() -> dict[str, tuple[str, ...]]:
    """The names of each country by its code: GeoNames' own first, then those that films use besides."""
    names: dict[str, tuple[str, ...]] = {row["country_code"]: (row["name"],) for row in _rows("countries.csv")}
    for alias in _rows("country_aliases.csv"):
        names[alias["country_code"]] += (alias["name"],)
    return names


def country_code(text: str) -> str | None:
    """The code of a country given by its code or by any of its names; None where it is none that is known."""
    return text.upper() if text.upper() in country_names() else _codes().get(text.casefold())


def exchanged(lat: float, lon: float, country: str | None) -> bool:
    """Whether latitude and longitude look exchanged, by EXCHANGED_RULE, as far as the country tells."""
    cities = [(city.lat, city.lon) for city in shipped_cities() if city.country == country]
    if not cities or abs(lon) > MOST_LATITUDE or abs(lat) > MOST_LATITUDE:
        return False
    given, turned = (min(distance_km(point, city) for city in cities) for point in ((lat, lon), (lon, lat)))
    return given > FAR_KM and turned < CLOSE_KM


def refuse_exchanged(lat: float, lon: float, country: str | None) -> None:
    """Raises InvalidPlace where they look exchanged."""
    if exchanged(lat, lon, country):
        name = country_names()[country or ""][0]
        raise InvalidPlace(
            f"latitude {lat:g} and longitude {lon:g} look exchanged: more than {FAR_KM:,.0f} km from every city of"
            f" {name} that is known, less than {CLOSE_KM:,.0f} km from one the other way round"
        )


@cache
def _codes() -> dict[str, str]:
    return {name.casefold(): code for code, names in country_names().items() for name in names}


def _rows(name: str) -> Iterator[dict[str, str]]:
    text = resources.files("data").joinpath(name).read_text(encoding="utf-8")
    yield from csv.DictReader(text.splitlines())
