"""What the README shows of the program, made from the program: `python -m tests.tui.readme` renews it.

The picture is the real screen over real servers with the shipped movies; the keys are the table of actions.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import tempfile
from pathlib import Path
from typing import Final

from core import Settings
from tui.actions import ACTIONS, PLACES
from tui.app import ReelcacheApp
from tui.screens.browse import BrowseScreen
from tui.widgets.movie_table import MovieTable

ROOT: Final = Path(__file__).parents[2]
README: Final = ROOT / "README.md"
PICTURE: Final = ROOT / ".github" / "reelcache.svg"
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


async def picture() -> str:
    """The screen after some browsing, as an SVG."""
    folder = Path(tempfile.mkdtemp(prefix="rc-"))
    app = ReelcacheApp(Settings(state_dir=folder))
    async with app.run_test(size=(150, 44)) as pilot:
        async with asyncio.timeout(120):
            while not isinstance(app.screen, BrowseScreen) or app.catalogue is None or app.catalogue.filling:
                await pilot.pause(0.1)
            await app.catalogue.ready()
            screen = app.screen
            for key in ("G", *["pageup"] * 6, "g", *["pagedown"] * 6, *["pageup"] * 4, *"rrr"):
                await pilot.press(key)
                await pilot.pause(0.4)
            while screen.query_one(MovieTable).window.waiting:
                await pilot.pause(0.1)
        drawn = app.export_screenshot(title="reelcache")
    shutil.rmtree(folder)
    return _FONTS.sub("", drawn)


if __name__ == "__main__":
    README.write_text(renewed(README.read_text("utf-8")), "utf-8")
    PICTURE.parent.mkdir(exist_ok=True)
    PICTURE.write_text(asyncio.run(picture()), "utf-8")
