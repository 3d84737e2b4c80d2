"""Key bindings, made of the table of actions."""

from __future__ import annotations

from typing import Final

from textual.binding import Binding, BindingType

from tui.actions import ACTIONS, Where

_IN_DIALOGS: Final = ("app.interrupt", "app.suspend")
_OF_THE_APP: Final = tuple(
    action for action in ACTIONS if action.where == "everywhere" and action.action.startswith("app.")
)


def bindings(where: Where) -> list[BindingType]:
    """The key bindings of one place, each with the id that a key map can name."""
    return [
        Binding(
            action.keys,
            action.action,
            action.label,
            show=False,
            key_display=action.shown,
            priority=action.opens_box,
            id=action.id,
        )
        for action in ACTIONS
        if action.where == where and action.keys and action not in _OF_THE_APP
    ]


def app_bindings() -> list[BindingType]:
    """The key bindings that work on every screen, those without a letter in dialogs too."""
    return [
        Binding(
            action.keys,
            action.action.removeprefix("app."),
            action.label,
            show=False,
            priority=action.id in _IN_DIALOGS,
            id=action.id,
        )
        for action in _OF_THE_APP
        if action.keys and action.id != "app.palette"
    ]
