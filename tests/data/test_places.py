"""Theaters from files: every format, and what each kind of wrong row or file is told."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

import data
from core.errors import UnreadableFile
from core.place import Place
from data.cities import country_code, exchanged

Refused = list[tuple[int, str]]


def read(path: Path) -> tuple[list[Place], Refused]:
    places: list[Place] = []
    refused: Refused = []
    for row in data.read_places(path):
        if isinstance(row, Place):
            places.append(row)
        else:
            refused.append((row.line, row.reason))
    return places, refused


def theater(number: int, lon: Any, lat: Any, **address: Any) -> dict[str, Any]:
    """A document in the shape of sample_mflix, with an invented address."""
    place = {"type": "Point", "coordinates": [lon, lat]}
    return {"_id": {"$oid": f"{number:024x}"}, "theaterId": number, "location": {"address": address, "geo": place}}


MFLIX = [
    theater(1000, -93.24565, 44.85466, street1="1 Invented Way", city="Bloomington", state="MN", zipcode="55425"),
    theater(1001, {"$numberDouble": "-157.8"}, {"$numberDouble": "21.3"}, street1="2 A", street2="Unit 3",
            city="Honolulu", state="HI", zipcode=2134),
    theater(1002, 44.85466, -93.24565, city="Swapped", state="MN"),
    theater(1003, 40.7, -74.0, city="Swapped too", state="NY"),
    theater(1004, -150.0, 86.0, city="Too far north", state="AK"),
    theater(1000, -90.0, 40.0, city="Again", state="IL"),
    {"theaterId": 1006, "location": {"address": {}, "geo": {"type": "Point", "coordinates": ["x", 1]}}},
    {"theaterId": 1007, "location": {}},
]  # fmt: skip


@pytest.mark.parametrize("layout", ["lines", "array"])
def test_theaters_of_sample_mflix(tmp_path: Path, layout: str) -> None:
    path = tmp_path / "theaters.json"
    lines = [json.dumps(document) for document in MFLIX]
    if layout == "lines":
        path.write_text("\n".join([*lines, "{broken"]))
        with pytest.raises(UnreadableFile, match="ends in the middle of the object that begins on line 9"):
            read(path)
    path.write_text("\n".join(lines) if layout == "lines" else "[\n" + ",\n".join(lines) + "\n]\n")
    places, refused = read(path)
    assert places == [
        Place(id="1000", kind="theater", lat=44.85466, lon=-93.24565, street="1 Invented Way", city="Bloomington",
              state="MN", zipcode="55425"),
        Place(id="1001", kind="theater", lat=21.3, lon=-157.8, street="2 A, Unit 3", city="Honolulu", state="HI",
              zipcode="2134"),
    ]  # fmt: skip
    assert (places[0].label, places[0].address) == ("Theater 1000", "1 Invented Way, Bloomington MN")
    first = 3 if layout == "lines" else 4
    assert [line for line, _ in refused] == list(range(first, first + 6))
    swapped, from_country, north, again, no_number, nothing = (reason for _, reason in refused)
    assert "look exchanged: no latitude is beyond 90" in swapped
    assert "look exchanged: more than 1,500 km from every city of United States" in from_country
    assert "outside of ±85.05112878" in north
    assert "same id as an earlier row (1000)" in again
    assert "no numbers" in no_number
    assert "no coordinates [longitude, latitude]" in nothing


def feature(geometry: Any, **properties: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def test_geojson(tmp_path: Path) -> None:
    path = tmp_path / "cinemas.geojson"
    rex = {"type": "Point", "coordinates": [2.347, 48.87, 35.0]}
    features = [
        {**feature(rex, name="Le Grand Rex", **{"addr:city": "Paris", "addr:country": "FR"}), "id": "node/1"},
        feature({"type": "Point", "coordinates": [48.87, 2.347]}, name="Exchanged", country="France"),
        feature({"type": "Polygon", "coordinates": []}, name="An area"),
        feature(rex, title="Nameless? No"),
        feature(rex, amenity="cinema"),
        7,
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}, indent=1, ensure_ascii=False))
    places, refused = read(path)
    assert places[0] == Place(
        id="geo:node/1", kind="theater", name="Le Grand Rex", lat=48.87, lon=2.347, country="FR", city="Paris"
    )
    assert places[1].name == "Nameless? No"
    assert places[1].id == read(path)[0][1].id, "what has no id gets the same one each time"
    text = path.read_text().splitlines()
    assert "Exchanged" in "".join(text[refused[0][0] - 1 :][:12]), "the line on which the feature begins"
    assert "look exchanged" in refused[0][1]
    assert [reason for _, reason in refused[1:]] == [
        "its geometry is no Point, but Polygon",
        "has no name",
        "is no feature",
    ]


def test_csv_with_other_names_for_its_columns(tmp_path: Path) -> None:
    path = tmp_path / "venues.csv"
    rows = [
        ("Cinema", "Longitude", "LAT", "Country Code", "Postcode"),
        ("Rex; the great", "2,347", "48,87", "fr", "75002"),
        ("Odeon", "-0.13", "51.51", "United Kingdom", ""),
        ("Swapped", "48.87", "2.347", "FR", ""),
        ("Nobody knows", "48.87", "2.347", "", ""),
        ("Far", "200", "10", "", ""),
        ("No number", "abc", "10", "", ""),
        ("Nowhere", "", "10", "", ""),
        ("", "1", "1", "", ""),
        ("Bell\a", "1", "1", "", ""),
    ]
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows(rows)
    places, refused = read(path)
    assert [(place.name, place.lat, place.lon, place.country) for place in places] == [
        ("Rex; the great", 48.87, 2.347, "FR"),
        ("Odeon", 51.51, -0.13, "GB"),
        ("Nobody knows", 2.347, 48.87, None),
    ]
    assert [line for line, _ in refused] == [4, 6, 7, 8, 9, 10]
    reasons = [reason for _, reason in refused]
    assert "look exchanged" in reasons[0]
    assert "longitude 200 is outside of ±180" in reasons[1]
    assert "lon must be a number" in reasons[2]
    assert reasons[3:5] == ["lon is missing", "has no name"]
    assert "forbidden character (U+0007)" in reasons[5]
    source = data.read_places(path)
    list(source)
    assert source.refused[0].startswith("line 4: latitude 2.347 and longitude 48.87 look exchanged")
    assert len(source.refused) == 5


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        ("name,year\nAlien,1979\n", "is of no known format of places"),
        ('{"title": "Alien"}', "is JSON, but neither GeoJSON nor theaters"),
        ('{"type": "FeatureCollection", "features": [{"type": ', "is not valid JSON"),
        ('{"type": "FeatureCollection", "features": 7}', "has no list named features"),
        ('{"type": "FeatureCollection"}', "has no list named features"),
    ],
)
def test_files_that_are_none_are_told_what_would_be_one(tmp_path: Path, content: str | None, said: str) -> None:
    path = tmp_path / "file"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UnreadableFile, match=said) as refused:
        read(path)
    assert str(path) in str(refused.value)
    assert refused.value.remedy


def test_no_shipped_city_looks_exchanged_and_each_would() -> None:
    cities = data.shipped_cities()
    assert not any(exchanged(city.lat, city.lon, city.country) for city in cities)
    # The rule is blind where both ways lead near to the country, or one leads off the map.
    turned = [city for city in cities if abs(city.lon) <= 85]
    seen = sum(exchanged(city.lon, city.lat, city.country) for city in turned)
    assert seen > 0.8 * len(turned)
    assert not any(exchanged(city.lat, city.lon, None) for city in cities)


def test_countries_are_known_by_code_and_by_every_name() -> None:
    assert country_code("fr") == country_code("France") == country_code("FRANCE") == "FR"
    assert country_code("Soviet Union") == "RU"
    assert country_code("USA") == "US"
    assert country_code("Atlantis") is country_code("") is None
    assert set(data.country_names()) == {city.country for city in data.shipped_cities()}
