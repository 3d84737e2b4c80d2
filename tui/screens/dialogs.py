"""The boxes that open over the screen, each loaded when it is first asked for: the start needs none of them."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from tui.screens.ask import AskScreen
    from tui.screens.boards import BoardsScreen
    from tui.screens.columns import ColumnsScreen
    from tui.screens.confirm import ConfirmScreen
    from tui.screens.conflict import ConflictScreen
    from tui.screens.detail import DetailScreen
    from tui.screens.edit import EditScreen
    from tui.screens.faults import FaultScreen
    from tui.screens.help import HelpScreen
    from tui.screens.keys import KeysScreen
    from tui.screens.operation import OperationScreen
    from tui.screens.places import PlacesScreen
    from tui.screens.problems import ProblemsScreen
    from tui.screens.review import ReviewScreen
    from tui.screens.strategies import StoreScreen, StrategyScreen
    from tui.screens.visitors import VisitorsScreen

__all__ = [
    "AskScreen",
    "BoardsScreen",
    "ColumnsScreen",
    "ConfirmScreen",
    "ConflictScreen",
    "DetailScreen",
    "EditScreen",
    "FaultScreen",
    "HelpScreen",
    "KeysScreen",
    "OperationScreen",
    "PlacesScreen",
    "ProblemsScreen",
    "ReviewScreen",
    "StoreScreen",
    "StrategyScreen",
    "VisitorsScreen",
]
MODULES: Final = {
    **{name: name.removesuffix("Screen").lower() for name in __all__},
    "FaultScreen": "faults",
    "StoreScreen": "strategies",
    "StrategyScreen": "strategies",
}
"""Where each is, within this package."""


def __getattr__(name: str) -> object:
    if name not in MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = globals()[name] = getattr(import_module(f"tui.screens.{MODULES[name]}"), name)
    return found
