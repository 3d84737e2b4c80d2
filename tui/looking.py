"""Looking around a place: from where, how far and at what; and in words what was found."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

import msgspec

from core.place import KINDS, Kind, Place, Reach, Surroundings
from core.query import LONGEST_TEXT, SEVERAL
from data.cities import country_names
from tui import figures

STEPS_KM: Final = (10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0, 2_000.0, 5_000.0, 10_000.0, 20_000.0)
SHOWN: Final[tuple[tuple[Kind, ...], ...]] = (KINDS, ("city",), ("theater",))


class Look(msgspec.Struct, frozen=True):
    """From where one looks, how far, in which shape, and at what."""

    centre: Place | None = None
    step: int = STEPS_KM.index(500.0)
    boxed: bool = False
    kinds: tuple[Kind, ...] = KINDS

    @property
    def reach(self) -> Reach:
        """The circle, or the box that is twice as wide as high and fits around as many km."""
        km = STEPS_KM[self.step]
        return Reach(None, min(2 * km, STEPS_KM[-1]), km) if self.boxed else Reach(km)


class Left(msgspec.Struct, frozen=True):
    """How the screen was left: where one looked, and the countries to filter by as `within` has them, if any."""

    look: Look
    countries: str | None = None


def fitting(names: Sequence[str]) -> list[str]:
    """As many of the names, from the first on, as a filter can hold."""
    kept: list[str] = []
    for name in names:
        if len(SEVERAL.join([*kept, name])) > LONGEST_TEXT:
            break
        kept.append(name)
    return kept


def nothing(look: Look) -> str:
    """What is said where nothing was found."""
    if look.kinds == ("theater",):
        return "No theater around here: `reelcache places load FILE` brings yours."
    return "Nothing around here: + looks further."


def origin(answer: Surroundings) -> str:
    """Where it was found, how fast, and why not in Redis."""
    took = figures.latency(answer.seconds).strip()
    if answer.tier == "redis":
        stale = "last known state, " if answer.freshness == "stale" else ""
        return f"Redis GEOSEARCH, {stale}{took}" + (f" ({answer.reason})" if stale else "")
    return f"Computed from the store, {took}: {answer.reason}"


def found_of(look: Look, answer: Surroundings) -> str:
    """How much of what was asked for was found."""
    nouns = {"city": ("city", "cities"), "theater": ("theater", "theaters")}
    counts = {kind: sum(near.place.kind == kind for near in answer.found) for kind in look.kinds}
    parts = [f"{figures.count(count)} {nouns[kind][count != 1]}" for kind, count in counts.items() if count]
    return ("the nearest " if answer.more else "") + (", ".join(parts) or "nothing")


def films_from(codes: Iterable[str], made: Mapping[str, int]) -> list[tuple[str, int]]:
    """What films call these countries, with how many films each made; none that made no film."""
    names = country_names()
    return [(name, made[name]) for code in codes for name in names.get(code, ()) if name in made]
