"""Boards: sorted sets of the members with the highest scores, each complete above a floor, and right up to one place in
the journal.

Whoever finds that place at the journal's end knows that no change is missing; whoever finds changes behind it places
their members anew and moves the place on, by compare-and-set. So of two who do that at once one gives way, and a board
never goes back. Each board carries a mark: one that Redis evicted, or that another builder began, is not believed.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from typing import Final, Literal

import msgspec

from core.cache import scripts
from core.cache.journal import JOURNAL, MOST, Place, place_of
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.cache.wire import Command

KEPT: Final = 500
"""Members of a board when it is made. One that has grown to twice as many is cut to so many again."""
MOST_IDS: Final = 400
"""Ids of the journal that are carried in together, unless one entry has more."""
LIFE: Final = 86_400_000
"""Milliseconds after which boards are made anew, whoever looks at them: those of a store that is gone must end."""
CLAIM: Final = 15_000
"""Milliseconds that one board may take its maker before another copy may begin."""
_ABOUT: Final = Key("boards", "all")
_BUILDING: Final = Key("boards", "building")

Placed = Literal["placed", "moved", "lost"]
"""The members stand right; another one moved the place meanwhile; or the boards are lost."""


class Standing(msgspec.Struct, frozen=True):
    """What Redis has: the place up to which the boards are right, their names, the ids that changed behind that place
    and the place behind them (`more`: there are further ones), and the asked board's first members with their scores,
    whole as far as its `floor`; None where there is no such board."""

    place: Place
    names: tuple[str, ...]
    changed: tuple[str, ...]
    upto: Place
    more: bool
    rows: tuple[tuple[str, int], ...]
    floor: int | None

    def answers(self, limit: int) -> bool:
        """Whether these are the first so many members, or all that there are."""
        return self.floor is not None and (len(self.rows) >= limit or not self.floor)


class Boards:
    """The boards of one namespace. Scores are whole numbers above 0. Every method raises CacheUnavailable."""

    def __init__(self, cache: RedisCache) -> None:
        self._cache = cache
        space = cache.namespace
        self._about = space.gate_key(_ABOUT)
        self._building = space.gate_key(_BUILDING)
        self._journal = space.gate_key(JOURNAL)

    async def read(self, name: str, limit: int) -> Standing | None:
        """A board's first members; None where the boards are lost, or the journal cannot tell what they lack."""
        keys = (self._about, self._journal, self._key(name))
        (found,) = await self._cache.beside([], [(scripts.BOARD, keys, (name, limit, MOST + 1))])
        if not found:
            return None
        about = dict(zip(found[0][::2], found[0][1::2], strict=True))
        place, entries = Place(about[b"entry"], about[b"token"]), found[1]
        if not entries or place_of(entries[0]) != place:
            return None
        ids: dict[str, None] = {}
        upto = place
        for entry in entries[1:]:
            if len(ids) >= MOST_IDS:
                break
            ids.update(dict.fromkeys(entry[1][3].decode("utf-8", "surrogatepass").split("\n")))
            upto = place_of(entry)
        ids.pop("", None)
        names = (field[6:].decode("utf-8", "surrogatepass") for field in about if field.startswith(b"floor:"))
        floor = about.get(b"floor:" + name.encode("utf-8", "surrogatepass"))
        rows = tuple(
            (member.decode("utf-8", "surrogatepass"), int(float(score)))
            for member, score in zip(found[2][::2], found[2][1::2], strict=True)
        )
        more = len(entries) > MOST or upto != place_of(entries[-1])
        return Standing(place, tuple(names), tuple(ids), upto, more, rows, None if floor is None else int(float(floor)))

    async def place(self, standing: Standing, members: Mapping[str, tuple[int | None, Sequence[str]]]) -> Placed:
        """Place what changed: each member's score, or None where it has none, and the boards that it belongs to."""
        numbers = {name: number for number, name in enumerate(standing.names, 1)}
        told: list[bytes | str | int] = []
        for member, (score, names) in members.items():
            of = " ".join(str(numbers[name]) for name in names if name in numbers)
            told += [_bytes(member), "" if score is None else score, f" {of} "]
        before, after = standing.place, standing.upto
        keys = (self._about, *map(self._key, standing.names))
        places = (before.entry, before.token, after.entry, after.token)
        said = (*places, KEPT, *map(_bytes, standing.names), *told)
        (done,) = await self._cache.beside([], [(scripts.PLACE, keys, said)])
        return _PLACED[done]

    async def claim(self) -> bool:
        """Whether this copy is the one to make the boards: as long as no CLAIM passes without a board."""
        claim: Command = ("SET", self._building, "1", "NX", "PX", CLAIM)
        return (await self._cache.beside([claim]))[0] is not None

    async def begin(self) -> tuple[str, Place]:
        """Begin to make them: their mark, and the place up to which what is read from now on is right."""
        await self._cache.beside([("UNLINK", self._about)])
        # No id begins so.
        return f"\0{secrets.token_hex(8)}", await self._cache.journal_end()

    async def put(self, name: str, mark: str, rows: Sequence[tuple[str, int]]) -> int | None:
        """Make one board of its first KEPT members, or of all where there are fewer; returns its floor, or None where
        it can be none: so many share the last place that they would fill half of it."""
        floor = rows[KEPT - 1][1] if len(rows) >= KEPT else 0
        key = self._key(name)
        placed = [part for member, score in rows if score > floor for part in (score, _bytes(member))]
        if floor and len(placed) < KEPT:
            return None
        made: list[Command] = [("UNLINK", key), ("ZADD", key, -1, mark, *placed), ("PEXPIRE", key, LIFE)]
        await self._cache.beside([*made, ("PEXPIRE", self._building, CLAIM)])
        return floor

    async def finish(self, mark: str, place: Place, floors: Mapping[str, int]) -> None:
        """Have them believed: all of these were put under this mark."""
        fields = [part for name, floor in floors.items() for part in (b"floor:" + _bytes(name), floor)]
        said: Command = ("HSET", self._about, "build", mark, "entry", place.entry, "token", place.token, *fields)
        await self._cache.beside([said, ("PEXPIRE", self._about, LIFE), ("UNLINK", self._building)])

    async def give_up(self) -> None:
        """Let another copy make them."""
        await self._cache.beside([("UNLINK", self._building)])

    def _key(self, name: str) -> bytes:
        return self._cache.namespace.gate_key(Key("board", name))


_PLACED: Final[dict[bytes, Placed]] = {b"placed": "placed", b"moved": "moved", b"lost": "lost"}


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
