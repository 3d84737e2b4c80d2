"""The committed data files are the ones that the build script made, and keep the rules of a movie."""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import tomllib
from pathlib import Path

import pytest

import data
from core.model import Movie, check

FOLDER = Path(data.__file__).parent
SOURCES = tomllib.loads((FOLDER / "SOURCES.toml").read_text(encoding="utf-8"))


def content(name: str) -> bytes:
    raw = (FOLDER / name).read_bytes()
    return gzip.decompress(raw) if name.endswith(".gz") else raw


def rows(name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content(name).decode(), newline="")))


@pytest.fixture(scope="module")
def movies() -> list[Movie]:
    found = list(data.shipped())
    assert all(isinstance(movie, Movie) for movie in found), "a shipped row was rejected"
    return [movie for movie in found if isinstance(movie, Movie)]


@pytest.mark.parametrize(
    ("name", "count"),
    [("movies.csv.gz", 17_472), ("movies-sample.csv", 1_000), ("places.csv", 197), ("countries.csv", 120)],
)
def test_committed_file_has_its_recorded_hash_and_rows(name: str, count: int) -> None:
    assert hashlib.sha256(content(name)).hexdigest() == SOURCES[name]["sha256"]
    assert len(rows(name)) == SOURCES[name]["rows"] == count


def test_gzip_names_no_time_of_its_making() -> None:
    assert (FOLDER / "movies.csv.gz").read_bytes()[4:8] == bytes(4)


def test_the_hash_says_what_is_shipped() -> None:
    assert SOURCES["movies.csv.gz"]["sha256"] == data.SHIPPED_HASH


def test_every_shipped_movie_keeps_the_rules(movies: list[Movie]) -> None:
    assert len(movies) == len({movie.id for movie in movies}) == SOURCES["movies.csv.gz"]["rows"]
    assert all(check(movie) is movie for movie in movies)


def test_shipped_movies_hold_what_the_source_says(movies: list[Movie]) -> None:
    by_id = {movie.id: movie for movie in movies}
    titanic = by_id["Q44578"]
    assert (titanic.title, titanic.year, titanic.runtime, titanic.oscars_won) == ("Titanic", 1997, 194, 8)
    assert titanic.directors == ("James Cameron",)
    assert (titanic.tomatometer, titanic.critic_reviews, titanic.box_office) == (88, 255, 1_850_197_130)
    assert titanic.type == "movie"
    assert {"300", "$", "8½", "+1", "'71", "(500) Days of Summer"} <= {movie.title for movie in movies}


def test_slips_of_the_source_are_left_out(movies: list[Movie]) -> None:
    people = {name for movie in movies for name in (*movie.directors, *movie.writers, *movie.cast)}
    assert "Jr." not in people
    assert "Ed Begley, Jr." in people
    assert not any(name.startswith("list of ") for name in people)
    assert not any(movie.released and (movie.released.month, movie.released.day) == (1, 1) for movie in movies)
    assert min(movie.runtime for movie in movies if movie.runtime) >= 5
    assert min(movie.box_office for movie in movies if movie.box_office) >= 1_000
    assert max(len(movie.cast) for movie in movies) == 8
    assert sum(movie.year is None for movie in movies) == 0


def test_sample_is_part_of_the_whole(movies: list[Movie]) -> None:
    whole = {movie.id: movie for movie in movies}
    sample = list(data.read(FOLDER / "movies-sample.csv"))
    assert len(sample) == 1_000
    assert all(isinstance(movie, Movie) and whole[movie.id] == movie for movie in sample)


def test_places_lie_on_earth_and_countries_have_places() -> None:
    places = rows("places.csv")
    assert all(-90 <= float(place["lat"]) <= 90 and -180 <= float(place["lon"]) <= 180 for place in places)
    codes = {place["country_code"] for place in places}
    assert len(codes) == 120
    assert {alias["country_code"] for alias in rows("country_aliases.csv")} <= codes
    assert {country["country_code"] for country in rows("countries.csv")} == codes


def test_licence_names_every_file_and_both_licences() -> None:
    text = (FOLDER / "LICENSE-DATA.md").read_text(encoding="utf-8")
    for word in (
        "movies.csv.gz",
        "movies-sample.csv",
        "places.csv",
        "countries.csv",
        "CC0 1.0",
        "CC BY 4.0",
        "GeoNames",
        "Wikidata",
    ):
        assert word in text
    assert SOURCES["movies.csv.gz"]["wheel_sha256"] in text
