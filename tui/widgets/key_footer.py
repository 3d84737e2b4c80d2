"""KeyFooter: the keys that work here, as many as fit, each of them clickable."""

from __future__ import annotations

from textual.content import Content
from textual.reactive import reactive
from textual.widget import Widget

from tui.actions import ACTIONS, Action, Where
from tui.terms import PANELS

_GAP = 2
_ALWAYS = "app.help"


def hints(where: Where) -> tuple[Action, ...]:
    """What the footer shows in one place, the most needed first."""
    places = (where,) if where in ("search", "start") else (where, "everywhere")
    found = [action for action in ACTIONS if action.rank is not None and action.where in places]
    return tuple(sorted(found, key=lambda action: action.rank or 0))


def fitting(actions: tuple[Action, ...], width: int) -> tuple[Action, ...]:
    """The actions whose hints fit into `width` cells, in order; that for help, last, is kept whatever else must go."""
    width += _GAP  # none after the last
    kept = [action for action in actions if action.id == _ALWAYS]
    used = sum(_width(action) for action in kept)
    chosen = []
    for action in actions:
        if action.id == _ALWAYS:
            continue
        if used + _width(action) <= width:
            used += _width(action)
            chosen.append(action)
    return (*chosen, *kept)


def _width(action: Action) -> int:
    return len(action.shown) + 1 + len(action.label) + _GAP


class KeyFooter(Widget):
    """One line of hints for the place named by `place`."""

    DEFAULT_CSS = """
    KeyFooter { height: 1; padding: 0 1; background: $panel; color: $text-muted;
        link-color: $text-muted; link-style: none;
        link-background: transparent; link-color-hover: $foreground; link-background-hover: $panel-lighten-2;
        link-style-hover: none;
    }
    """

    place: reactive[Where] = reactive[Where]("movies")
    filtered: reactive[bool] = reactive(False)
    """Whether there is a filter to clear."""

    def on_mount(self) -> None:
        self.tooltip = Content(PANELS["footer"])

    def render(self) -> Content:
        offered = tuple(action for action in hints(self.place) if self.filtered or action.id != "filter.clear")
        return Content(" " * _GAP).join(_hint(action, self.place) for action in fitting(offered, self.size.width))


def _hint(action: Action, place: Where) -> Content:
    # Markup of our own words alone: the table of actions holds no data.
    target = action.action if action.action.startswith("app.") else f"screen.perform('{action.id}')"
    if place == "search" or not action.action:
        return Content.from_markup(f"[bold $text-accent]{action.shown}[/] {action.label}")
    return Content.from_markup(f"[@click={target}][bold $text-accent]{action.shown}[/] {action.label}[/]")
