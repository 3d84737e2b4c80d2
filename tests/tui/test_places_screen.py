"""The places as a person looks around them: by typing, by keys, in every size; and the films from there."""

from __future__ import annotations

from pathlib import Path

import pytest

import data
from core.errors import StoreUnavailable
from core.place import Nearby, Place, Reach, distance_km
from core.query import LONGEST_TEXT, Query
from tests.tui.desk import Desk, desk
from tests.tui.memory_catalogue import MemoryCatalogue, movies
from tui.looking import fitting
from tui.screens.places import PlacesScreen
from tui.widgets.filter_bar import BoundedInput
from tui.widgets.place_list import PlaceList
from tui.widgets.place_map import drawing, outline, plotted, projected

REX = Place(id="1", kind="theater", name="Le [Rex]", lat=48.87, lon=2.35, street="1 Bd", city="Paris", state="IDF")


def stocked() -> MemoryCatalogue:
    catalogue = MemoryCatalogue(movies(100))
    catalogue.sites = [*data.shipped_cities(), REX]
    return catalogue


def places(at: Desk) -> PlacesScreen:
    screen = at.app.screen_stack[-1]
    assert isinstance(screen, PlacesScreen)
    return screen


@pytest.mark.parametrize("size", [(60, 16), (120, 40)])
async def test_a_place_is_typed_looked_around_and_its_countries_filtered_by(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    async with desk(tmp_path, size=size, catalogue=stocked()) as at:
        await at.press("P")
        await at.until(lambda: "Type where to look from" in at.text)
        await at.press(*"Pari")
        await at.until(lambda: "Tab → Paris, FR" in at.text)
        await at.press("tab")
        assert places(at).query_one(BoundedInput).value == "Paris, FR"
        await at.press("enter")
        await at.until(lambda: "within 500 km of Paris, FR" in at.text)
        shown = at.text
        assert shown.index("● Paris, FR") < shown.index("◆ Le [Rex]") < shown.index("● Brussels, BE")
        assert "✛" in shown
        assert "Redis GEOSEARCH" in shown
        assert "GeoNames, CC BY 4.0" in shown
        assert "France 100" in shown
        await at.press("minus", "minus")
        await at.until(lambda: "within 100 km" in at.text and "Brussels" not in at.text)
        await at.press("t", "t")
        await at.until(lambda: "1 theater" in at.text and "● Paris" not in at.text)
        await at.press("t", "plus", "plus", "b")
        await at.until(lambda: "in a box of 1,000 × 500 km" in at.text)
        await at.press("b", "home", "down", "down", "enter")
        await at.until(lambda: "within 500 km of Brussels, BE" in at.text)
        await at.press("f")
        await at.until(lambda: at.app.screen_stack[-1] is not None and not isinstance(at.app.screen, PlacesScreen))
        assert at.screen.query_now == Query(within=(("countries", "France"),))
        await at.press("P")
        await at.until(lambda: "within 500 km of" in at.text)
        await at.press("escape")
        await at.until(lambda: not isinstance(at.app.screen, PlacesScreen))


async def test_what_goes_wrong_is_said_where_it_was_asked(tmp_path: Path) -> None:
    async with desk(tmp_path, catalogue=stocked()) as at:
        await at.press("P", *"Pariss", "enter")
        await at.until(lambda: "There is no place named 'Pariss' here. Did you mean Paris?" in at.text)
        await at.press("backspace")
        await at.until(lambda: "There is no place" not in at.text)
        at.catalogue.cache_problem = "the user lacks a permission. Allow it: ACL SETUSER me +geosearch"
        await at.press("enter")
        await at.until(lambda: "Computed from the store" in at.text and "+geosearch" in at.text)
        at.catalogue.failing = StoreUnavailable("PostgreSQL", "is away", remedy="Start it.")
        await at.press("plus")
        await at.until(lambda: "PostgreSQL: is away. Start it." in at.text)
        at.catalogue.failing = None
        for _ in range(6):
            await at.press("plus")
        await at.until(lambda: "within 20,000 km" in at.text)
        assert at.app.screen.query_one(PlaceList).current is not None
        await at.press("q")
        await at.until(lambda: not isinstance(at.app.screen, PlacesScreen))
        assert at.screen.query_now == Query()


def test_the_map_keeps_distances_and_directions_from_its_middle() -> None:
    paris, sydney = (48.85, 2.35), (-33.87, 151.21)
    for point in (sydney, (51.5, -0.13), (-48.0, -177.0), (90.0, 0.0)):
        x, y = projected(paris, point)
        assert (x**2 + y**2) ** 0.5 == pytest.approx(distance_km(paris, point))
    assert projected(paris, (60.0, 2.35))[0] == pytest.approx(0, abs=1e-9)
    assert projected(paris, paris) == (0.0, 0.0)
    for reach in (Reach(500.0), Reach(20_000.0), Reach(None, 900.0, 300.0), Reach(None, 20_000.0, 20_000.0)):
        for centre in (paris, (84.9, 10.0), (-10.0, 179.9)):
            edge = outline(centre, reach)
            assert all(-90 <= lat <= 90 for lat, _ in edge)
            if reach.radius_km is not None:
                assert all(distance_km(centre, point) == pytest.approx(reach.radius_km) for point in edge)


@pytest.mark.parametrize("size", [(20, 5), (61, 20), (140, 51)])
def test_each_sign_stands_where_its_name_and_its_mark_are_put(size: tuple[int, int]) -> None:
    width, height = size
    paris = next(city for city in data.shipped_cities() if city.name == "Paris")
    for north, east in ((0.0, 0.1), (5.0, 6.0), (-7.0, 8.0), (8.0, -3.0)):
        place = Place(id="x", kind="theater", name="X", lat=paris.lat + north, lon=paris.lon + east)
        distance = distance_km((paris.lat, paris.lon), (place.lat, place.lon))
        on = plotted(paris, Reach(1_000.0), (Nearby(place, distance),), width, height)
        assert [len(row) for row in on.rows] == [width] * height
        column, row = on.cell((paris.lat, paris.lon), place)
        assert on.rows[row][column] in "◆✛"
        assert drawing(on, paris, (), place)[row][column] == "◉"
        assert any("✛ Paris" in row for row in drawing(on, paris, (), None))


def test_a_filter_holds_as_many_countries_as_it_can() -> None:
    names = [name for known in data.country_names().values() for name in known]
    kept = fitting(names)
    assert kept == names[: len(kept)]
    assert 20 < len(kept) < len(names)
    assert len("|".join(kept)) <= LONGEST_TEXT
