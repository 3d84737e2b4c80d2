"""Where a question about places starts from, and how it is answered and noted for one catalogue."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final

from core.binding import Binding
from core.errors import InvalidQuery, UnknownPlace
from core.observe.counters import Observer
from core.observe.failures import failures_counted
from core.place import KINDS, MOST_FOUND, Kind, Place, Reach, Surroundings, position_problem
from core.query import fold
from core.strategies.no_cache import NoCache
from core.strategies.places import Places

DEFAULT_RADIUS_KM: Final = 500.0
_POSITION: Final = re.compile(r"\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*[,; ]\s*(-?\d{1,3}(?:\.\d{1,12})?)\s*")
_CLOSE: Final = 3


async def around(
    binding: Binding,
    strategy: str,
    observer: Observer,
    centre: Place | tuple[float, float],
    radius_km: float | None,
    box: tuple[float, float] | None,
    kinds: Sequence[Kind],
    limit: int,
) -> Surroundings:
    """What is around a place, by the strategy in force, noted in the trace. Raises InvalidQuery, StoreUnavailable."""
    if not 0 < limit <= MOST_FOUND or not kinds or set(kinds) - set(KINDS):
        raise InvalidQuery(
            f"{limit} places of {', '.join(kinds) or 'no'} kind cannot be had.",
            remedy=f"Ask for 1 to {MOST_FOUND:,} of {' or '.join(KINDS)}.",
        )
    if radius_km is not None and box is not None:
        raise InvalidQuery("Around a place there is a circle or a box, not both.", remedy="Give one of them.")
    if radius_km is None and box is None:
        radius_km = DEFAULT_RADIUS_KM
    reach = Reach(radius_km) if box is None else Reach(None, *box)
    point = (centre.lat, centre.lon) if isinstance(centre, Place) else centre
    if problem := position_problem(*point):
        raise InvalidQuery(f"There is nothing to look for: {problem}.", remedy="Write latitude,longitude in degrees.")
    started = time.perf_counter()
    with failures_counted(observer, strategy):
        answer = await binding.places.around(point, reach, kinds, limit, cached=strategy != NoCache.name)
    what = reach.around(centre.label if isinstance(centre, Place) else f"{point[0]:.4f}, {point[1]:.4f}")
    verdict = f"{len(answer.found)} found, {answer.reason}"
    observer.trace("places", what, strategy, answer.tier, verdict, None, time.perf_counter() - started)
    return answer


async def named(places: Places, text: str) -> Place:
    """The place of this name, or at `latitude,longitude`. Raises UnknownPlace, InvalidQuery, StoreUnavailable."""
    if found := _POSITION.fullmatch(text):
        lat, lon = float(found[1]), float(found[2])
        if problem := position_problem(lat, lon):
            raise InvalidQuery(f"{text.strip()[:40]}: {problem}.", remedy="Write latitude,longitude in degrees.")
        return Place(id="", kind="city", name=f"{lat:g}, {lon:g}", lat=lat, lon=lon)
    sought = fold(text).strip()
    name, _, country = (part.strip() for part in sought.partition(","))
    for city in places.cities:
        if fold(city.name) == name and (not country or fold(city.country or "") == country):
            return city
    begun = await places.beginning(text, 2) if sought else ()
    exact = [place for place in begun if fold(place.label) == sought]
    if exact or len(begun) == 1:
        return (exact or begun)[0]
    names = {fold(city.name): city.name for city in reversed(places.cities)}
    near = [place.label for place in begun] or [names[key] for key in get_close_matches(name, names, _CLOSE, 0.7)]
    raise UnknownPlace(text.strip()[:60], tuple(near))
