"""The shipped catalogue, and readers of the files that people bring."""

from __future__ import annotations

from data.cities import country_names, shipped_cities
from data.place_source import PlaceSource, read_places
from data.rejects import RejectsFile
from data.rows import Reject
from data.source import SHIPPED_HASH, Source, read, shipped
from data.synthetic import Synthetic

__all__ = [
    "SHIPPED_HASH",
    "PlaceSource",
    "Reject",
    "RejectsFile",
    "Source",
    "Synthetic",
    "country_names",
    "read",
    "read_places",
    "shipped",
    "shipped_cities",
]
