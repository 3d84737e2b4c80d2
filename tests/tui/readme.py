"""What the README shows of the program, made from the program: `python -m tests.tui.readme` renews it.

The pictures are of the real screen over real servers with the shipped movies; the keys are the table of actions.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from core import Settings
from data import Synthetic
from tui.actions import ACTIONS, PLACES
from tui.app import ReelcacheApp
from tui.screens.browse import BrowseScreen
from tui.widgets.movie_table import MovieTable

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
PICTURES: Final = ROOT / ".github"
MANY: Final = 1_000_000
SHIPPED: Final = 17_472
SCREENS: Final = (
    ("boards", ("B",), "From&#160;Redis"),
    ("places", ("P", *"paris", "enter"), "Strasbourg"),
    ("keys", ("K",), "Decoded"),
)
"""The screens over the table: the picture's name, the keys that lead there, and what its SVG holds then."""
_KEYS: Final = re.compile(r"(?<=<!-- keys: begin -->\n).*?(?=<!-- keys: end -->)", re.DOTALL)

_FONTS: Final = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
"""Fonts that would be fetched from elsewhere; the reader's own fixed-width font serves."""


def keys() -> str:
    """The keys that a person should know, by place, as a Markdown table."""
    rows = ["| Where | Keys |", "| --- | --- |"]
    for place, title in PLACES.items():
        known = [
            f"`{action.shown}` {action.label.lower()}" for action in ACTIONS if action.where == place and action.shown
        ]
        if known:
            rows.append(f"| {title} | {' · '.join(known)} |".replace("`|`", "`\\|`"))
    return "\n".join(rows) + "\n"


def renewed(text: str) -> str:
    """The README with the present keys."""
    return _KEYS.sub(lambda _: keys(), text)


async def pictures() -> AsyncIterator[tuple[str, str]]:
    """The screen after some browsing, the screens over it, and its last row among a million more: the name of each and
    an SVG."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    app = ReelcacheApp(Settings(state_dir=folder))
    async with app.run_test(size=(150, 44)) as pilot, asyncio.timeout(600):
        while not isinstance(app.screen, BrowseScreen) or app.catalogue is None or app.catalogue.filling:
            await pilot.pause(0.1)
        await app.catalogue.ready()
        screen = app.screen
        for key in ("G", *["pageup"] * 6, "g", *["pagedown"] * 6, *["pageup"] * 4, *"rrr"):
            await pilot.press(key)
            await pilot.pause(0.4)
        while screen.query_one(MovieTable).window.waiting:
            await pilot.pause(0.1)
        yield "reelcache", _drawn(app)
        for name, keys, shown in SCREENS:
            await pilot.press(*keys)
            while shown not in (drawn := _drawn(app)):
                await pilot.pause(0.1)
            yield name, drawn
            while app.screen is not screen:
                await pilot.press("escape")
        await app.catalogue.load(Synthetic(MANY, seed=1))
        last = f"{MANY + SHIPPED:,}"
        await pilot.press("r", "G")
        while last not in (drawn := _drawn(app)) or screen.query_one(MovieTable).window.waiting:
            await pilot.pause(0.1)
        yield "million", drawn
    shutil.rmtree(folder)


def _drawn(app: ReelcacheApp) -> str:
    return _FONTS.sub("", app.export_screenshot(title="reelcache"))


async def _renew() -> None:
    PICTURES.mkdir(exist_ok=True)
    async for name, drawn in pictures():
        (PICTURES / f"{name}.svg").write_text(drawn, "utf-8")


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
    asyncio.run(_renew())
