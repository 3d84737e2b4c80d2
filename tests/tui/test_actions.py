from __future__ import annotations

from typing import get_args

from tui.actions import ACTIONS, Where
from tui.app import ReelcacheApp
from tui.bindings import app_bindings, bindings
from tui.screens.browse import BrowseScreen
from tui.screens.start import StartScreen
from tui.widgets.filter_bar import FilterBar
from tui.widgets.key_footer import fitting, hints
from tui.widgets.movie_table import MovieTable


def test_ids_are_unique_and_every_action_is_explained() -> None:
    assert len({action.id for action in ACTIONS}) == len(ACTIONS)
    assert all(action.label and action.help.endswith(".") for action in ACTIONS)


def test_no_key_does_two_things_in_one_place() -> None:
    for where in get_args(Where):
        keys = [key for action in ACTIONS if action.where == where for key in action.keys.split(",") if key]
        assert len(set(keys)) == len(keys)


def test_every_action_exists_where_its_key_is_bound() -> None:
    owners = {
        "movies": MovieTable,
        "search": FilterBar,
        "start": StartScreen,
        "tour": BrowseScreen,
        "everywhere": BrowseScreen,
    }
    for action in ACTIONS:
        if not action.action:
            continue
        namespaces = {"app": ReelcacheApp, "screen": BrowseScreen}
        owner = namespaces.get(action.action.partition(".")[0], owners[action.where])
        name = action.action.removeprefix("app.").removeprefix("screen.").split("(")[0]
        assert hasattr(owner, f"action_{name}"), action.id


def test_footer_fits_eighty_columns_and_always_shows_help() -> None:
    for width in (20, 40, 58, 78, 200):
        chosen = fitting(hints("movies"), width)
        assert chosen[-1].id == "app.help"
        assert len("  ".join(f"{action.shown} {action.label}" for action in chosen)) <= width
    offered = tuple(action for action in hints("movies") if action.id != "filter.clear")
    assert {"filter.text", "sort.next", "movies.edit", "movies.open", "strategy.choose", "store.choose"} <= {
        action.id for action in fitting(offered, 78)
    }


def test_bindings_carry_ids() -> None:
    for found in (*app_bindings(), *bindings("movies"), *bindings("everywhere")):
        assert getattr(found, "id", None)
