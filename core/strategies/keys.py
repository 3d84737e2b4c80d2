"""Under which keys movies and collection-wide answers stand in the cache."""

from __future__ import annotations

import secrets
from hashlib import blake2b
from typing import Final

from core.cache.keys import Key

COLLECTION: Final = Key("collection", "movies")
"""The generation of the collection: answers computed from all of it are valid while this entry is the one they name."""

THEATERS_KEY: Final = Key("collection", "theaters")
"""The present geo sets of the places, by the name that this entry holds: nothing else in them is believed."""


def new_token() -> str:
    """A name for one reader's lease or one writer's intent that nobody else has."""
    return secrets.token_hex(8)


def movie_key(id: str) -> Key:
    """The key of one movie."""
    return Key("movie", id)


def answer_key(question: str) -> Key:
    """The key of a collection-wide answer; the question may be of any length."""
    return Key("answer", blake2b(question.encode(), digest_size=16).hexdigest())
