"""The formats that theaters come in: sample_mflix, GeoJSON, and CSV with a name, a latitude and a longitude."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Final, Protocol

import msgspec

from core.errors import UnreadableFile
from core.place import Place
from data.cities import country_code, refuse_exchanged
from data.documents import LONGEST_DOCUMENT, Document, JsonArray
from data.formats.mflix import plain
from data.headings import columns_of, spelled_plainly
from data.opening import Opening
from data.rows import Reject, Row, Rows, excerpt
from data.table import Table
from data.text import TextFile
from data.values import decimal, optional

MFLIX: Final = "sample_mflix theaters (Extended JSON)"
GEOJSON: Final = "GeoJSON"
CSV: Final = "CSV of places"

_OBVIOUS: Final[dict[str, tuple[str, ...]]] = {
    "id": ("id", "theaterid", "theatreid", "cinemaid", "venueid", "placeid", "osmid"),
    "name": ("name", "theater", "theatre", "cinema", "venue", "theatername", "cinemaname", "title"),
    "lat": ("lat", "latitude", "ycoord", "y"),
    "lon": ("lon", "lng", "long", "longitude", "xcoord", "x"),
    "country": ("countrycode", "country", "addrcountry", "iso2"),
    "street": ("street", "street1", "address", "addrstreet", "streetaddress"),
    "city": ("city", "town", "addrcity", "locality"),
    "state": ("state", "region", "province", "addrstate"),
    "zipcode": ("zipcode", "zip", "postcode", "postalcode", "addrpostcode"),
}
_STATES: Final = re.compile(
    "A[LKZR]|C[AOT]|D[CE]|FL|GA|HI|I[ADLN]|K[SY]|LA|M[ADEINOST]|N[CDEHJMVY]|O[HKR]|P[AR]|RI|S[CD]|T[NX]|UT|V[AT]|W[AIVY]"
)
"""All that sample_mflix says of a theater's country is a state of this one."""


class PlaceReading(Protocol[Row]):
    """One pass through a file: its rows, and the place that each of them is."""

    @property
    def rows(self) -> Rows[Row]:
        """The rows of this pass."""
        ...

    def place(self, row: Row) -> Place:
        """The place of a row, not yet checked. Raises ValueError with a reason."""
        ...


Begin = Callable[[TextFile], PlaceReading[Any]]


def recognise(opening: Opening) -> tuple[str, Begin]:
    """The name of the format, and what begins a pass through it. Raises UnreadableFile where it is none."""
    text = opening.text.lstrip()
    if re.search(r'"type"\s*:\s*"FeatureCollection"', text) or re.search(r'"features"\s*:\s*\[', text):
        return GEOJSON, GeoJson
    if text.startswith(("{", "[")) and re.search(r'"(theaterId|geo)"\s*:', text):
        return MFLIX, Mflix
    for delimiter in ",;\t|":
        columns = columns_of(opening.cells(delimiter), _OBVIOUS)
        if {"lat", "lon"} <= columns.keys():
            return CSV, partial(PlaceTable, delimiter, columns)
    if text.startswith(("{", "[")):
        reason = "is JSON, but neither GeoJSON nor theaters of sample_mflix."
    else:
        reason = "is of no known format of places."
    raise UnreadableFile(
        str(opening.path),
        reason,
        remedy=(
            "Known are sample_mflix theaters (JSON), a GeoJSON FeatureCollection of Points, and any CSV with a header"
            " row that has name, lat and lon."
        ),
    )


class Mflix:
    """Theaters as sample_mflix has them: `location.geo` is a GeoJSON Point, `[longitude, latitude]`."""

    def __init__(self, text: TextFile) -> None:
        # Objects are found by their braces, so that one on each line is no other case than an array.
        self.rows = JsonArray(text)

    def place(self, row: Document) -> Place:
        place = mflix_place(row)
        if place.state is not None and _STATES.fullmatch(place.state):
            refuse_exchanged(place.lat, place.lon, "US")
        return place


def mflix_place(document: Document) -> Place:
    """The theater in a document of the public shape. Raises ValueError with a reason."""
    id = plain(document.get("theaterId"))
    if id is None:
        id = plain(document.get("_id"))
    if id is None or isinstance(id, bool | list | dict):
        raise ValueError("has no theaterId")
    location = _object(document, "location")
    address = _object(location, "address")
    lines = [text for key in ("street1", "street2") if (text := _text(address, key))]
    lat, lon = _point(_object(location, "geo"))
    return Place(
        id=str(id),
        kind="theater",
        name=_text(document, "name") or "",
        lat=lat,
        lon=lon,
        street=", ".join(lines) or None,
        city=_text(address, "city"),
        state=_text(address, "state"),
        zipcode=_text(address, "zipcode"),
        country=_text(address, "country"),
    )


class GeoJson:
    """The Points of a FeatureCollection (RFC 7946): positions are `[longitude, latitude]`.

    It is read whole. Raises UnreadableFile where it is no such collection."""

    def __init__(self, text: TextFile) -> None:
        self.rows = _Features(text)

    def place(self, row: Document) -> Place:
        if _object(row, "geometry").get("type") != "Point":
            raise ValueError(f"its geometry is no Point, but {_object(row, 'geometry').get('type') or 'missing'}")
        lat, lon = _point(_object(row, "geometry"))
        told = {spelled_plainly(str(key)): value for key, value in _object(row, "properties").items()}
        values = {
            field: text
            for field, names in _OBVIOUS.items()
            if field not in ("lat", "lon")
            if (text := next((text for name in names if (text := _text(told, name))), None))
        }
        own = row.get("id")
        id = str(own) if isinstance(own, str | int) and not isinstance(own, bool) else values.get("id")
        return _named_place("geo", id, lat, lon, values)


class _Features(Rows[Document]):
    """The features of one collection, each with the line on which it begins."""

    def __init__(self, text: TextFile) -> None:
        self._text = text
        self._last = (0, "")

    def __iter__(self) -> Iterator[Document | Reject]:
        whole = self._whole()
        try:
            found = msgspec.json.decode(whole, type=dict[str, msgspec.Raw]).get("features")
            features = msgspec.json.decode(found or b"0", type=list[msgspec.Raw])
        except (msgspec.DecodeError, UnicodeError, RecursionError) as problem:
            shape = (
                "has no list named features" if isinstance(problem, msgspec.ValidationError) else "is not valid JSON"
            )
            raise UnreadableFile(
                str(self._text.path),
                f"{shape} ({problem}).",
                remedy='Write {"type": "FeatureCollection", "features": [...]}, or convert it to CSV.',
            ) from None
        place, line = 0, 1
        for raw in map(bytes, features):
            begin = whole.index(raw, place)
            line += whole.count(b"\n", place, begin)
            place = begin
            self._last = (line, raw.decode("utf-8", "replace"))
            feature = msgspec.json.decode(raw)
            yield feature if isinstance(feature, dict) else self.reject("is no feature")
            place, line = begin + len(raw), line + raw.count(b"\n")

    def reject(self, reason: str) -> Reject:
        line, text = self._last
        return Reject(line, reason, excerpt(text))

    def _whole(self) -> bytes:
        parts: list[str] = []
        length = 0
        while piece := self._text.piece():
            parts.append(piece)
            length += len(piece)
            if length > LONGEST_DOCUMENT:
                raise UnreadableFile(
                    str(self._text.path),
                    f"is longer than {LONGEST_DOCUMENT:,} characters.",
                    remedy="Split it, or convert it to CSV, which is read row by row.",
                )
        return "".join(parts).encode("utf-8", "replace")


class PlaceTable:
    """A table whose header names a latitude and a longitude."""

    def __init__(self, delimiter: str, columns: dict[str, int], text: TextFile) -> None:
        self.rows = Table(text, delimiter=delimiter)
        self._columns = columns

    def place(self, row: list[str]) -> Place:
        values = {field: text for field, place in self._columns.items() if (text := optional(row[place].strip()))}
        position: list[float] = []
        for field in ("lat", "lon"):
            try:
                found = decimal(values.get(field, ""))
            except ValueError as problem:
                raise ValueError(f"{field} {problem}") from None
            if found is None:
                raise ValueError(f"{field} is missing")
            position.append(found)
        lat, lon = position
        return _named_place("csv", values.get("id"), lat, lon, values)


def _named_place(source: str, id: str | None, lat: float, lon: float, values: dict[str, str]) -> Place:
    name = values.get("name", "")
    if not name:
        raise ValueError("has no name")
    if not id:
        # What is the same in the file has the same id at the next load.
        id = hashlib.blake2b(f"{name}\x1f{lat!r}\x1f{lon!r}".encode("utf-8", "replace"), digest_size=8).hexdigest()
    return Place(
        id=f"{source}:{id}",
        kind="theater",
        name=name,
        lat=lat,
        lon=lon,
        country=country_code(values.get("country", "")),
        street=values.get("street"),
        city=values.get("city"),
        state=values.get("state"),
        zipcode=values.get("zipcode"),
    )


def _point(geometry: Document) -> tuple[float, float]:
    """Latitude and longitude of a GeoJSON Point."""
    position = geometry.get("coordinates")
    if not isinstance(position, list) or len(position) < 2:
        raise ValueError("has no coordinates [longitude, latitude]")
    lon, lat = (plain(value) for value in position[:2])
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in (lon, lat)):
        raise ValueError("its coordinates are no numbers")
    return float(lat), float(lon)


def _object(document: Document, key: str) -> Document:
    value = document.get(key)
    return value if isinstance(value, dict) else {}


def _text(document: Document, key: str) -> str | None:
    value = plain(document.get(key))
    if value is None or isinstance(value, bool | list | dict):
        return None
    return optional(str(value).strip())
