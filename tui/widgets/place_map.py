"""PlaceMap: what is around a place, drawn by plotext, with that place in the middle and north above."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from rich.cells import cell_len

from core.place import EARTH_KM, Nearby, Place, Reach, distance_km
from tui.formats import visible
from tui.widgets.lines import Line, LinePanel
from tui.widgets.place_list import SIGNS

Point = tuple[float, float]
_CENTRE: Final = "✛"
_EDGE: Final = "·"
_CHOSEN: Final = "◉"
_STYLES: Final = {
    SIGNS["city"]: "chart",
    SIGNS["theater"]: "warning",
    _CENTRE: "bad",
    _EDGE: "muted",
    _CHOSEN: "active",
}
_PARTS: Final = re.compile(f"([{''.join(_STYLES)}])")
_COLOUR: Final = re.compile(r"\x1b\[[0-9;]*m")
_ASPECT: Final = 2.0
"""How much higher a cell is than wide."""
_DOTS: Final = 90
_MOST_NAMED: Final = 8
_LONGEST_NAME: Final = 18


class PlaceMap(LinePanel, can_focus=False):
    """Distances and directions from the middle are true (azimuthal equidistant projection), no others."""

    BORDER_TITLE = "Map"
    DEFAULT_CLASSES = "-framed"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._centre: Place | None = None
        self._reach = Reach(1.0)
        self._found: tuple[Nearby, ...] = ()
        self._chosen: Place | None = None

    def show(self, centre: Place, reach: Reach, found: Sequence[Nearby]) -> None:
        """Draw what was found in reach of a place."""
        self._centre, self._reach, self._found, self._chosen = centre, reach, tuple(found), None
        self.caption(f"{_EDGE} {reach} · north is up")
        self.redraw()

    def point_at(self, place: Place) -> None:
        """Mark one of the places."""
        if place != self._chosen:
            self._chosen = place
            self.redraw()

    def lines(self, width: int, height: int) -> Sequence[Line]:
        """The plot, its signs in their styles."""
        if self._centre is None or width < 8 or height < 3:
            return []
        drawn = drawing(self._centre, self._reach, self._found, self._chosen, width, height)
        return [tuple((part, _STYLES.get(part, "")) for part in _PARTS.split(row) if part) for row in drawn]


def drawing(
    centre: Place, reach: Reach, found: Sequence[Nearby], chosen: Place | None, width: int, height: int
) -> list[str]:
    """The map in so many cells, without colours."""
    from textual_plotext.plot import Plot  # some 60 ms, paid by who opens the map

    middle = (centre.lat, centre.lon)
    edge = [projected(middle, point) for point in outline(middle, reach)]
    extent = max(math.hypot(x, y) for x, y in edge) if reach.radius_km is not None else 0.0
    half_width = max(extent, *(abs(x) for x, _ in edge))
    half_height = max(extent, *(abs(y) for _, y in edge))
    # A row is as many km high as two columns are wide.
    row = max(2 * half_height / (height - 1), 2 * half_width / ((width - 1) / _ASPECT)) * 1.02
    plot = Plot()
    plot.theme("clear")
    plot.plotsize(width, height)
    plot._set_size(width, height)
    plot.frame(False)
    plot.xticks([])
    plot.yticks([])
    plot.xlim(-row * width / _ASPECT / 2, row * width / _ASPECT / 2)
    plot.ylim(-row * height / 2, row * height / 2)
    _scatter(plot, edge, _EDGE)
    for kind in ("theater", "city"):
        points = [
            projected(middle, (near.place.lat, near.place.lon)) for near in reversed(found) if near.place.kind == kind
        ]
        _scatter(plot, points, SIGNS[kind])
    _scatter(plot, [(0.0, 0.0)], _CENTRE)
    if chosen is not None and chosen != centre:
        _scatter(plot, [projected(middle, (chosen.lat, chosen.lon))], _CHOSEN)
    rows = [_COLOUR.sub("", line) for line in plot.build().split("\n")[:height]]
    return named(rows, list(_labels(centre, found, chosen, middle, row, width, height)))


def projected(middle: Point, point: Point) -> Point:
    """A point (lat, lon) as km east and north of the middle: the azimuthal equidistant projection."""
    lat0, lon0, lat, lon = map(math.radians, (*middle, *point))
    east = math.sin(lon - lon0) * math.cos(lat)
    north = math.cos(lat0) * math.sin(lat) - math.sin(lat0) * math.cos(lat) * math.cos(lon - lon0)
    length = math.hypot(east, north)
    distance = distance_km(middle, point)
    return (distance * east / length, distance * north / length) if length else (0.0, 0.0)


def outline(middle: Point, reach: Reach) -> list[Point]:
    """Points (lat, lon) along the edge of what is in reach."""
    lat0, lon0 = middle
    if reach.radius_km is not None:
        return [_towards(middle, 2 * math.pi * dot / _DOTS, reach.radius_km) for dot in range(_DOTS)]
    half = math.degrees((reach.height_km or 0.0) / 2 / EARTH_KM)
    south, north = max(-90.0, lat0 - half), min(90.0, lat0 + half)

    def side(lat: float) -> float:
        chord = math.sin(min((reach.width_km or 0.0) / 4 / EARTH_KM, math.pi / 2))
        parallel = math.cos(math.radians(lat))
        return 180.0 if parallel <= chord else math.degrees(2 * math.asin(chord / parallel))

    steps = [number / 30 for number in range(31)]
    upright = [(lat, lon0 + way * side(lat)) for t in steps for lat in [south + t * (north - south)] for way in (-1, 1)]
    level = [(lat, lon0 + (2 * t - 1) * side(lat)) for t in steps for lat in (south, north)]
    return upright + level


def _towards(middle: Point, bearing: float, distance: float) -> Point:
    lat0, lon0, angle = math.radians(middle[0]), math.radians(middle[1]), distance / EARTH_KM
    sine = math.sin(lat0) * math.cos(angle) + math.cos(lat0) * math.sin(angle) * math.cos(bearing)
    lat = math.asin(max(-1.0, min(1.0, sine)))
    lon = lon0 + math.atan2(
        math.sin(bearing) * math.sin(angle) * math.cos(lat0), math.cos(angle) - math.sin(lat0) * math.sin(lat)
    )
    return math.degrees(lat), math.degrees(lon)


def _scatter(plot: object, points: Sequence[Point], sign: str) -> None:
    if points:
        plot.scatter([x for x, _ in points], [y for _, y in points], marker=sign)  # type: ignore[attr-defined]  # of plotext


class Label(NamedTuple):
    """A name: the column and the row of its sign, and whether it may cover other signs."""

    column: int
    row: int
    text: str
    covers: bool


def _labels(
    centre: Place, found: Sequence[Nearby], chosen: Place | None, middle: Point, row: float, width: int, height: int
) -> Iterator[Label]:
    """The names worth writing: the middle, what is chosen, then the cities of most people, then theaters."""
    others = sorted((near.place for near in found), key=lambda place: (place.kind, -(place.population or 0)))
    places = dict.fromkeys([*([chosen] if chosen else []), centre, *others])
    for place in list(places)[: 3 * _MOST_NAMED]:
        x, y = projected(middle, (place.lat, place.lon))
        column = round((width - 1) / 2 + x / row * _ASPECT * (width - 1) / width)
        line = round((height - 1) / 2 - y / row * (height - 1) / height)
        yield Label(column, line, visible(place.label)[:_LONGEST_NAME], place in (chosen, centre))


def named(rows: list[str], labels: Sequence[Label]) -> list[str]:
    """The rows with names written to the right of their signs, or to the left, where nothing but the edge would be
    covered."""
    written = 0
    for column, row, text, covers in labels:
        if written == _MOST_NAMED or not 0 <= row < len(rows) or cell_len(text) != len(text):
            continue
        line = rows[row]
        for first in (column + 2, column - 1 - len(text)):
            under = line[max(0, first - 1) : first + len(text) + 1]
            fits = first >= 0 and first + len(text) <= len(line)
            if fits and ((covers and _CENTRE not in under) or not under.strip(f" {_EDGE}")):
                rows[row] = f"{line[:first]}{text}{line[first + len(text) :]}"
                written += 1
                break
    return rows
