"""PlacesScreen: what is around a place chosen by typing, as a list and as a map; and the films from its countries."""

from __future__ import annotations

from collections.abc import Coroutine
from functools import partial
from typing import Any, ClassVar, Final

from msgspec import structs
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Input, Static

from core.catalogue import Catalogue
from core.errors import ReelcacheError, UnknownPlace
from core.place import MOST_FOUND, Kind, Place, Surroundings
from core.query import LONGEST_TEXT, SEVERAL
from data.cities import CREDIT
from tui import figures
from tui.completing import shown_choices
from tui.formats import visible
from tui.looking import SHOWN, STEPS_KM, Left, Look, films_from, fitting, found_of, nothing, origin
from tui.screens.help import HelpedScreen
from tui.widgets.filter_bar import BoundedInput
from tui.widgets.place_list import PlaceList, described
from tui.widgets.place_map import PlaceMap
from tui.work import run

_BESIDE: Final = 92
"""Columns from which the map stands beside the list."""
_DEBOUNCE: Final = 0.1
_CHOICES: Final = 8
_NOT_YET: Final = "Type where to look from: a city such as Paris, or 48.85,2.35."


class PlacesScreen(HelpedScreen[Left]):
    """Choose a place by typing; + and - change how far one looks, f shows the films from the countries around."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "back", "Back", show=False, id="places.back"),
        Binding("q,P", "leave", "Close", show=False, id="places.close"),
        Binding("slash", "ask", "Place", show=False, id="places.ask"),
        Binding("tab", "complete", "Complete", show=False, id="places.complete"),
        Binding("plus,equals_sign", "step(1)", "Further", show=False, id="places.further"),
        Binding("minus", "step(-1)", "Nearer", show=False, id="places.nearer"),
        Binding("b", "box", "Box", show=False, id="places.box"),
        Binding("t", "kinds", "Theaters", show=False, id="places.kinds"),
        Binding("f", "films", "Films", show=False, id="places.films"),
    ]
    KEYS_OF = "the places"
    KEYS = (
        ("/", "Type another place: a city, a theater, or latitude,longitude."),
        ("Tab", "In the box: complete the place with the first of what it could become."),
        ("Enter", "In the box: look around there. In the list: look around the place under the cursor."),
        ("↑ ↓ k j", "Choose a place; the map marks it."),
        ("+ = -", "Look further, or less far."),
        ("b", "Look in a box twice as wide as high, or in a circle."),
        ("t", "Show cities and theaters, cities alone, or theaters alone."),
        ("f", "Show the films from the countries around here in the table."),
        ("Esc q P", "Close; the box first, where it is open."),
    )
    KEYS_NOTE = (
        "Distances are along the surface of a sphere, as Redis measures them. Theaters come from files of your own: "
        "`reelcache places load FILE`. What a film says of where it was made is a country, not a city."
    )
    DEFAULT_CSS = """
    PlacesScreen #places {
        width: 100%; height: 100%;
        background: $surface; border: round $primary;
        border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
        padding: 0 1;
    }
    PlacesScreen #asked { height: 1; }
    PlacesScreen #asked Static { width: 7; color: $text-accent; text-style: bold; }
    PlacesScreen #asked Input { width: 1fr; }
    PlacesScreen #choices { height: 1; color: $text-muted; }
    PlacesScreen #origin { height: auto; max-height: 3; color: $text-muted; }
    PlacesScreen #problem { height: auto; max-height: 3; color: $text-error; }
    PlacesScreen #choices, PlacesScreen #problem { display: none; }
    PlacesScreen #choices.-shown, PlacesScreen #problem.-shown { display: block; }
    PlacesScreen #countries { height: auto; max-height: 2; color: $foreground; }
    PlacesScreen #around { layout: vertical; height: 1fr; }
    PlacesScreen #around PlaceList { height: 1fr; width: 1fr; }
    PlacesScreen #around PlaceMap { height: 1fr; width: 1fr; }
    PlacesScreen.-beside #around { layout: horizontal; }
    PlacesScreen.-beside #around PlaceList { width: 2fr; }
    PlacesScreen.-beside #around PlaceMap { width: 3fr; }
    """

    def __init__(self, catalogue: Catalogue, look: Look) -> None:
        super().__init__()
        self._catalogue = catalogue
        self._look = look
        self._choices: tuple[Place, ...] = ()
        self._debounce: Timer | None = None
        self._films: dict[str, int] | None = None
        """How many films each country made, of all that the store has."""
        self._codes: tuple[str, ...] = ()
        """The countries around, nearest first."""

    def compose(self) -> ComposeResult:
        page = Vertical(id="places")
        page.border_title = "Places"
        page.border_subtitle = "/ place · + - how far · b box · t theaters · f films · ? keys · esc"
        with page:
            with Horizontal(id="asked"):
                yield Static("Place")
                yield BoundedInput(
                    max_length=LONGEST_TEXT, compact=True, placeholder="a city, a theater, or latitude,longitude"
                )
            yield Static(id="choices", markup=False)
            yield Static(id="problem", markup=False)
            with Container(id="around"):
                yield PlaceList(id="nearest")
                yield PlaceMap(id="map")
            yield Static(id="countries", markup=False)
            yield Static(id="origin", markup=False)

    def on_mount(self) -> None:
        self.query_one(PlaceList).show((), _NOT_YET)
        self._say("origin", CREDIT)
        if self._look.centre is None:
            self.action_ask()
        else:
            self.query_one(PlaceList).focus()
            self._go_on()

    def on_resize(self, event: events.Resize) -> None:
        self.set_class(event.size.width >= _BESIDE, "-beside")

    # ------------------------------------------------------------------------------------------------- where from

    def action_ask(self) -> None:
        """Type another place."""
        box = self.query_one(BoundedInput)
        with box.prevent(Input.Changed):
            box.value = ""
        box.focus()

    def action_back(self) -> None:
        """Leave the box where there is something to go back to, else the screen."""
        box, centre = self.query_one(BoundedInput), self._look.centre
        if self.focused is box and centre is not None:
            with box.prevent(Input.Changed):
                box.value = described(centre)
            self._say("choices", "")
            self._refuse("")
            self.query_one(PlaceList).focus()
        else:
            self.action_leave()

    def action_leave(self) -> None:
        """Close; where one looked is remembered."""
        self.dismiss(Left(self._look))

    @on(Input.Changed)
    def _typed(self, event: Input.Changed) -> None:
        event.stop()
        self._refuse("")
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(_DEBOUNCE, lambda: self._work(self._complete(event.value), "choices"))

    async def _complete(self, text: str) -> None:
        choices = await self._catalogue.places(text, _CHOICES) if text.strip() else ()
        self._choices = choices
        shown = shown_choices([described(place) for place in choices], max(10, self.size.width - 12))
        self._say("choices", f"Tab → {shown}" if shown else "")

    def action_complete(self) -> None:
        """Put the first choice into the box; outside of it, go to the next part."""
        box = self.query_one(BoundedInput)
        if self.focused is not box:
            self.focus_next()
        elif self._choices:
            first = self._choices[0]
            box.value = f"{first.label}, {first.country}" if first.country else first.label
            box.cursor_position = len(box.value)

    @on(Input.Submitted)
    def _answered(self, event: Input.Submitted) -> None:
        event.stop()
        if event.value.strip():
            self._work(self._find(event.value), "around")

    async def _find(self, text: str) -> None:
        try:
            centre = await self._catalogue.place(text)
        except UnknownPlace:
            # What would be completed is meant, where anything would.
            begun = await self._catalogue.places(text, 1)
            if not begun:
                raise
            centre = begun[0]
        self._choices = ()
        self._say("choices", "")
        self.query_one(PlaceList).focus()
        await self._show(structs.replace(self._look, centre=centre))

    @on(PlaceList.Chosen)
    def _go(self, event: PlaceList.Chosen) -> None:
        self._look = structs.replace(self._look, centre=event.place)
        self._go_on()

    @on(PlaceList.Pointed)
    def _point(self, event: PlaceList.Pointed) -> None:
        self.query_one(PlaceMap).point_at(event.place)

    # --------------------------------------------------------------------------------------------------- how far

    def action_step(self, steps: int) -> None:
        """Look further, or less far."""
        step = max(0, min(len(STEPS_KM) - 1, self._look.step + steps))
        self._look = structs.replace(self._look, step=step)
        self._go_on()

    def action_box(self) -> None:
        """A box, or a circle."""
        self._look = structs.replace(self._look, boxed=not self._look.boxed)
        self._go_on()

    def action_kinds(self) -> None:
        """What is shown: everything, cities alone, theaters alone."""
        place = (SHOWN.index(self._look.kinds) + 1) % len(SHOWN)
        self._look = structs.replace(self._look, kinds=SHOWN[place])
        self._go_on()

    def _go_on(self) -> None:
        if self._look.centre is not None:
            self._work(self._show(self._look), "around")

    async def _show(self, look: Look) -> None:
        centre = look.centre
        assert centre is not None
        reach = look.reach
        answer = await self._near(look, look.kinds)
        whole = "city" in look.kinds and not answer.more
        cities = answer if whole else await self._near(look, ("city",))
        if self._films is None:
            counted = await self._catalogue.completions("countries", "", 1_000)
            self._films = {value.name: value.count for value in counted}
        self._look = look
        self._refuse("")
        box = self.query_one(BoundedInput)
        if self.focused is not box:
            with box.prevent(Input.Changed):
                box.value = described(centre)
        codes = [near.place.country for near in cities.found if near.place.country]
        self._codes = tuple(dict.fromkeys(([centre.country] if centre.country else []) + codes))
        nearest, shown = self.query_one(PlaceList), self.query_one(PlaceMap)
        nearest.show(answer.found, nothing(look))
        shown.show(centre, reach, answer.found)
        if nearest.current is not None:
            shown.point_at(nearest.current)
        self._title(look, answer)
        self._say("countries", self._countries_line())
        self._say("origin", f"{CREDIT} · {origin(answer)}")

    async def _near(self, look: Look, kinds: tuple[Kind, ...]) -> Surroundings:
        assert look.centre is not None
        near_by = partial(self._catalogue.near_by, look.centre, kinds=kinds, limit=MOST_FOUND)
        reach = look.reach
        if reach.radius_km is not None:
            return await near_by(radius_km=reach.radius_km)
        return await near_by(box=(reach.width_km or 0.0, reach.height_km or 0.0))

    def _title(self, look: Look, answer: Surroundings) -> None:
        assert look.centre is not None
        parts = ("Places", look.reach.around(described(look.centre)), found_of(look, answer))
        self.query_one("#places").border_title = Content(" · ".join(visible(part) for part in parts))

    # ---------------------------------------------------------------------------------------------------- films

    def _countries_line(self) -> str:
        found = films_from(self._codes, self._films or {})
        if not found:
            return "No film in the store says that it is from a country around here."
        shown = " · ".join(f"{name} {figures.count(count)}" for name, count in found)
        room = 2 * (self.size.width - 6)
        text = f"f: films from the countries around here: {shown}"
        return text if len(text) <= room else f"{text[: room - 1]}…"

    def action_films(self) -> None:
        """Leave, with the countries around as the table's filter."""
        names = [name for name, _ in films_from(self._codes, self._films or {})]
        if not names:
            self._refuse("No film in the store says that it is from a country around here.")
            return
        kept = fitting(names)
        if len(kept) < len(names):
            told = f"The nearest {len(kept)} of {len(names)} names of countries: a filter holds no more."
            self.app.notify(told, title="Films from around here", markup=False)
        self.dismiss(Left(self._look, SEVERAL.join(kept)))

    # --------------------------------------------------------------------------------------------------- details

    def _work(self, work: Coroutine[Any, Any, None], group: str) -> None:
        run(self, self._told(work), doing="look around a place", group=group)

    async def _told(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except ReelcacheError as problem:
            self._refuse(str(problem))

    def _refuse(self, problem: str) -> None:
        self._say("problem", problem)

    def _say(self, where: str, text: str) -> None:
        line = self.query_one(f"#{where}", Static)
        line.update(visible(text))
        line.set_class(bool(text), "-shown")
