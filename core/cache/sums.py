"""Sums: what all running copies counted together, in a hash and in sorted sets whose members decay.

Each copy reports what it counted since its last report, with a number, so that a report whose answer was lost may be
repeated: it is added once. The sums are derived from the copies alone. When Redis lost them, or has them from an old
dump, they have another token, and each copy tells its own counts whole: then they are what the running copies know.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

import msgspec

from core.cache import scripts
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.errors import CacheUnavailable

ALIVE: Final = 5.0
"""Seconds for which a copy counts as running after a report."""


class Decaying(msgspec.Struct, frozen=True):
    """A set whose members weigh half as much after `half_life` seconds; about `keep` of them are kept."""

    name: str
    half_life: float
    keep: int


class Own(msgspec.Struct, frozen=True):
    """What one copy counted: the fields of the hash, and for each set what its members weigh by now."""

    fields: Mapping[str, int]
    sets: tuple[Mapping[str, float], ...] = ()


class Together(msgspec.Struct, frozen=True):
    """What all have counted, and how many copies run."""

    fields: Mapping[str, int]
    copies: int


class Sums:
    """One copy's part in the sums of one name. `since` is asked for what was counted since it was last asked, `whole`
    for all that this copy counted; after either, `since` counts from there."""

    def __init__(
        self,
        cache: RedisCache,
        name: str,
        since: Callable[[], Own],
        whole: Callable[[], Own],
        sets: Sequence[Decaying] = (),
    ) -> None:
        self._cache = cache
        self._since, self._whole = since, whole
        self._sets = tuple(sets)
        self._keys = tuple(cache.namespace.sum_key(Key(name, part)) for part in ("all", *(one.name for one in sets)))
        self._copy = secrets.token_hex(8)
        self._token = ""
        self._number = 0
        self._turn = asyncio.Lock()
        self._unheard: Own | None = None
        """A report that may have come through, or not."""
        self.together: Together | None = None
        """As of the last report; None while Redis is away."""
        self.problem: str | None = None
        """Why the last report was not taken."""

    async def report(self, *, running: bool = True) -> None:
        """Tell what was counted, and hear of all; `running` off says that this copy ends. Problems are kept."""
        try:
            async with self._turn:
                await self._report(running)
        except CacheUnavailable as problem:
            self.together, self.problem = None, problem.told

    async def _report(self, running: bool) -> None:
        told = self._since() if self._unheard is None else self._unheard
        if self._unheard is None:
            self._number += 1
        for _ in range(3):
            self._unheard = told
            reply = await self._send(told, running)
            if reply[0] == b"added":
                self._unheard, self.problem = None, None
                self.together = _together(reply[2], float(reply[1]))
                return
            self._token, self._number, told = reply[1].decode(), 1, self._whole()
        raise CacheUnavailable("Redis", "others begin the common sums anew all the time.")

    async def _send(self, told: Own, running: bool) -> list[Any]:
        fields = [part for field, amount in told.fields.items() if amount for part in (field, amount)]
        known = (self._copy, self._token, self._number, secrets.token_hex(8), int(ALIVE * 1000) if running else 0)
        said: list[bytes | str | int] = [*known, len(fields) // 2, *fields]
        for one, members in zip(self._sets, told.sets, strict=True):
            said += [int(one.half_life * 1000), one.keep, len(members)]
            for member, amount in members.items():
                said += [member.encode("utf-8", "surrogatepass"), repr(amount)]
        (reply,) = await self._cache.beside([], [(scripts.SUM, self._keys, tuple(said))])
        found: list[Any] = reply
        return found

    async def heaviest(self, name: str, limit: int) -> list[tuple[str, float]] | None:
        """The members of one set that weigh most by now, among all copies; None where the set is lost.

        Raises CacheUnavailable."""
        number = next(number for number, one in enumerate(self._sets, 1) if one.name == name)
        keys = (self._keys[0], self._keys[number])
        arguments = (number, int(self._sets[number - 1].half_life * 1000), limit)
        (found,) = await self._cache.beside([], [(scripts.DECAYED, keys, arguments)])
        if not found:
            return None
        factor, rows = float(found[0]), found[1]
        return [
            (member.decode("utf-8", "surrogatepass"), float(score) * factor)
            for member, score in zip(rows[::2], rows[1::2], strict=True)
        ]


def _together(fields: list[bytes], now: float) -> Together:
    found = dict(zip(fields[::2], fields[1::2], strict=True))
    counts = {
        name[2:].decode("utf-8", "replace"): int(value) for name, value in found.items() if name.startswith(b"c:")
    }
    copies = sum(name.startswith(b"p:") and float(until) > now for name, until in found.items())
    return Together(counts, copies)
