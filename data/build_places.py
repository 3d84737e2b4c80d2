"""Which cities are shipped: the largest of every country that made a film, none of them a part of another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, Final

from core.place import distance_km

Row = dict[str, str]

PLACE_COLUMNS: Final = ("geonameid", "name", "country_code", "lat", "lon", "population", "timezone")
COUNTRY_COLUMNS: Final = ("country_code", "name")
LADDER: Final = ((20, 1), (60, 1), (200, 2), (1_000, 4), (5_000, 8))
"""(fewer films than, places); beyond the last step MOST_PLACES."""
MOST_PLACES: Final = 25
NEAREST_KM: Final = 30.0
"""A city nearer than this to a larger chosen one is a part of it (Brooklyn, a Paris arrondissement)."""


def country_codes(countries: dict[str, Any], aliases: Iterable[Row]) -> dict[str, str]:
    """ISO codes by the names that films use: GeoNames' own, and the committed aliases."""
    codes = {country["name"]: code for code, country in countries.items()}
    return codes | {alias["name"]: alias["country_code"] for alias in aliases}


def places(films: Sequence[Row], cities: dict[str, Any], codes: dict[str, str]) -> list[Row]:
    """The largest cities of every country that made a film, more of them where more films come from."""
    made = Counter(
        code for film in films for code in {codes[name] for name in film["countries"].split("|") if name in codes}
    )
    by_country: dict[str, list[dict[str, Any]]] = {}
    for city in sorted(cities.values(), key=lambda city: (-city["population"], city["geonameid"])):
        by_country.setdefault(city["countrycode"], []).append(city)
    rows: list[Row] = []
    for code in sorted(made):
        wanted = next((places for fewer, places in LADDER if made[code] < fewer), MOST_PLACES)
        chosen: list[dict[str, Any]] = []
        for city in by_country.get(code, []):
            if len(chosen) == wanted:
                break
            if all(distance_km(position(city), position(other)) >= NEAREST_KM for other in chosen):
                chosen.append(city)
        rows += [place_row(city) for city in chosen]
    return rows


def country_rows(countries: dict[str, Any], chosen: Iterable[Row]) -> list[Row]:
    """GeoNames' name of every country that has a place, by its code."""
    codes = sorted({place["country_code"] for place in chosen})
    return [{"country_code": code, "name": countries[code]["name"]} for code in codes]


def place_row(city: dict[str, Any]) -> Row:
    """One city as a row of PLACE_COLUMNS."""
    columns = ("geonameid", "name", "countrycode", "latitude", "longitude", "population", "timezone")
    return dict(zip(PLACE_COLUMNS, (str(city[column]) for column in columns), strict=True))


def position(city: dict[str, Any]) -> tuple[float, float]:
    """Latitude and longitude of a city."""
    return city["latitude"], city["longitude"]
