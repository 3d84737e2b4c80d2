"""A collection as others have it: invented films in every messy shape that sample_mflix is known for."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from bson import Binary, Decimal128, Int64, MaxKey, ObjectId, Regex, Timestamp
from bson.datetime_ms import DatetimeMS

TIDY: Final = ObjectId("573a1390f29313caabcd4135")
STRINGY: Final = ObjectId("573a1390f29313caabcd4136")
EMPTY: Final = ObjectId("573a1390f29313caabcd4137")
BROKEN: Final = ObjectId("573a1390f29313caabcd4138")
HOSTILE: Final = ObjectId("573a1390f29313caabcd4139")

DOCUMENTS: Final[tuple[dict[str, Any], ...]] = (
    {
        "_id": TIDY,
        "plot": "A lamp is lit.",
        "genres": ["Short", "Western"],
        "runtime": 11,
        "cast": ["A. Lamplighter", "Renè Verre"],
        "poster": "https://images.example/lamp.jpg",
        "title": "The Lamplighter",
        "fullplot": "A lamp is lit, at length.",
        "languages": ["English"],
        "released": datetime(1903, 12, 1, 5, 30),
        "directors": ["E. S. Wick"],
        "writers": ["E. S. Wick (story)", "E. S. Wick", "Scott Marble (play)"],
        "rated": "APPROVED",
        "awards": {"wins": 3, "nominations": 1, "text": "Won 2 Oscars. Another 1 win & 1 nomination."},
        "lastupdated": "2015-08-13 00:27:59.177000000",
        "year": 1903,
        "imdb": {"rating": 7.4, "votes": 9847, "id": 439},
        "countries": ["USA"],
        "type": "movie",
        "metacritic": 61.0,
        "tomatoes": {
            "viewer": {"rating": 3.7, "numReviews": 2559, "meter": 75},
            "fresh": 6,
            "critic": {"rating": 7.6, "numReviews": 6, "meter": 100},
            "boxOffice": "$47.1M",
            "lastUpdated": datetime(2015, 8, 8, 19, 16, 10),
        },
        "num_mflix_comments": 0,
    },
    {
        "_id": STRINGY,
        "title": 300,
        "year": "2014è",
        "imdb": {"rating": "", "votes": "", "id": "tt0000440"},
        "runtime": "93",
        "metacritic": "",
        "released": "2015-08-08T19:16:10Z",
        "genres": "Drama",
        "countries": [],
        "tomatoes": {"critic": {"rating": Decimal128("6.5"), "meter": Int64(66)}, "boxOffice": "$26.8k"},
        "awards": {"wins": 0, "nominations": 3, "text": "Nominated for 1 Oscar. Another 2 nominations."},
    },
    {"_id": EMPTY},
    {
        "_id": BROKEN,
        "title": ["not", "a", "title"],
        "year": 20244,
        "runtime": -5,
        "imdb": "",
        "tomatoes": [],
        "awards": None,
        "genres": {"0": "Drama"},
        "released": DatetimeMS(2**60),
        "plot": 7,
        "metacritic": float("nan"),
        "type": True,
    },
    {
        "_id": HOSTILE,
        "title": "  [/red]\x1b[2J\x00 $where\n",
        "genres": ["Drama", "drama", "Drama ", "", None, 5, "Sci-Fi"],
        "cast": ["x" * 300, "Zoë Lens", "ZOË LENS"],
        "plot": "p" * 30_000,
        "poster": "javascript:alert(1)",
        "rated": "a rating far longer than any that was ever given",
        "$set": {"title": "no"},
        "a.b": 1,
    },
    {"_id": "plain-id", "title": "Plain", "year": 1994.0, "awards": {"text": "Won 1 Primetime Emmy. 2 wins."}},
    {"_id": "range", "title": "Range", "year": "1994è1998", "type": "series"},
    {"_id": "née", "title": "An id that is no id of ours"},
    {"_id": 42, "title": "A number for an id"},
    {"_id": f"mflix:{TIDY}", "title": "An id that names another document"},
    {
        "_id": "types",
        "title": "Types",
        "plot_embedding": Binary(bytes(range(256)), 0),
        "vector": [0.1, -2.5e300, 3],
        "long": Int64(7),
        "int": 7,
        "double": 7.0,
        "decimal": Decimal128("7.00"),
        "pattern": Regex("^a", "i"),
        "stamp": Timestamp(5, 6),
        "most": MaxKey(),
        "null": None,
        "nested": {"z": 1, "a": {"y": [{"b": 2}, []]}},
        "imdb": {"extra": Decimal128("1.10"), "rating": 6, "id": Int64(12345678)},
    },
    *({"_id": f"filler-{n}", "title": f"Filler {n}", "year": 1960 + n, "genres": ["Drama"]} for n in range(4)),
)
NAMEABLE: Final = len(DOCUMENTS) - 3
"""How many of them an id of ours can name."""
