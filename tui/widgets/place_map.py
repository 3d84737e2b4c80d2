"""PlaceMap: what is around a place, drawn by plotext, with that place in the middle and north above."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
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
        self._plotted: Plotted | None = None
        """What does not change with the choice: plotext takes some 15 ms for a thousand places."""

    def show(self, centre: Place, reach: Reach, found: Sequence[Nearby]) -> None:
        """Draw what was found in reach of a place."""
        self._centre, self._reach, self._found, self._chosen = centre, reach, tuple(found), None
        self._plotted = None
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
        if self._plotted is None or self._plotted.size != (width, height):
            self._plotted = plotted(self._centre, self._reach, self._found, width, height)
        drawn = drawing(self._plotted, self._centre, self._found, self._chosen)
        return [tuple((part, _STYLES.get(part, "")) for part in _PARTS.split(row) if part) for row in drawn]


class Plotted(NamedTuple):
    """The signs in so many columns and rows, and how many km a row is high."""

    rows: tuple[str, ...]
    size: tuple[int, int]
    row_km: float

    def cell(self, middle: Point, place: Place) -> tuple[int, int]:
        """The column and the row in which the sign of a place stands, as plotext rounds them."""
        (width, height), (x, y) = self.size, projected(middle, (place.lat, place.lon))
        column = (width - 1) / 2 + x / self.row_km * _ASPECT * (width - 1) / width
        from_below = (height - 1) / 2 + y / self.row_km * (height - 1) / height
        return round(column), height - 1 - round(from_below)


def plotted(centre: Place, reach: Reach, found: Sequence[Nearby], width: int, height: int) -> Plotted:
    """The edge of what is in reach, and what was found there."""
    from textual_plotext.plot import Plot  # some 60 ms, paid by who opens the map

    middle = (centre.lat, centre.lon)
    edge = [projected(middle, point) for point in outline(middle, reach)]
    half_width, half_height = max(abs(x) for x, _ in edge), max(abs(y) for _, y in edge)
    # A row is as many km high as two columns are wide.
    row = max(2 * half_height / (height - 1), 2 * half_width / ((width - 1) / _ASPECT)) * 1.02
    plot = Plot()
    plot.theme("clear")
    plot.plotsize(width, height)
    plot._set_size(width, height)  # plotsize alone limits a plot to the real terminal, as textual-plotext found too
    plot.frame(False)
    plot.xticks([])
    plot.yticks([])
    plot.xlim(-row * width / _ASPECT / 2, row * width / _ASPECT / 2)
    plot.ylim(-row * height / 2, row * height / 2)
    _scatter(plot, edge, _EDGE)
    for kind in ("theater", "city"):
        places = [near.place for near in found if near.place.kind == kind]
        _scatter(plot, [projected(middle, (place.lat, place.lon)) for place in places], SIGNS[kind])
    _scatter(plot, [(0.0, 0.0)], _CENTRE)
    rows = tuple(_COLOUR.sub("", line) for line in plot.build().split("\n")[:height])
    return Plotted(rows, (width, height), row)


def drawing(on: Plotted, centre: Place, found: Sequence[Nearby], chosen: Place | None) -> list[str]:
    """The map without colours: what was plotted, with what is chosen marked, and with names."""
    rows, middle = list(on.rows), (centre.lat, centre.lon)
    if chosen is not None and chosen != centre:
        column, row = on.cell(middle, chosen)
        if 0 <= row < len(rows) and 0 <= column < len(rows[row]):
            rows[row] = f"{rows[row][:column]}{_CHOSEN}{rows[row][column + 1 :]}"
    others = sorted((near.place for near in found), key=lambda place: (place.kind, -(place.population or 0)))
    places = dict.fromkeys([*([chosen] if chosen else []), centre, *others])
    labels = [
        Label(*on.cell(middle, place), visible(place.label)[:_LONGEST_NAME], place in (chosen, centre))
        for place in list(places)[: 3 * _MOST_NAMED]
    ]
    return named(rows, labels)


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
