"""Reelcache's engine: a movie catalogue behind a caching strategy that can be switched while it runs."""

from core.boards.board import Board
from core.catalogue import Catalogue
from core.errors import (
    CacheUnavailable,
    EditConflict,
    FaultRefused,
    ForeignCollection,
    InvalidMovie,
    InvalidPlace,
    InvalidQuery,
    MovieExists,
    MovieNotFound,
    ReelcacheError,
    ServerFailed,
    SettingsError,
    StoreUnavailable,
    UnknownPlace,
    UnknownStore,
    UnknownStrategy,
    UnreadableFile,
)
from core.model import LoadProgress, LoadReport, Movie, replace
from core.observe.stats import Stats
from core.open import open_catalogue
from core.place import Nearby, Place, Surroundings
from core.query import Page, Query, ValueCount
from core.reading import Reading
from core.settings import Settings
from core.sources import read_settings

__all__ = [
    "Board",
    "CacheUnavailable",
    "Catalogue",
    "EditConflict",
    "FaultRefused",
    "ForeignCollection",
    "InvalidMovie",
    "InvalidPlace",
    "InvalidQuery",
    "LoadProgress",
    "LoadReport",
    "Movie",
    "MovieExists",
    "MovieNotFound",
    "Nearby",
    "Page",
    "Place",
    "Query",
    "Reading",
    "ReelcacheError",
    "ServerFailed",
    "Settings",
    "SettingsError",
    "Stats",
    "StoreUnavailable",
    "Surroundings",
    "UnknownPlace",
    "UnknownStore",
    "UnknownStrategy",
    "UnreadableFile",
    "ValueCount",
    "open_catalogue",
    "read_settings",
    "replace",
]
