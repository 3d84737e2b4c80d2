"""Words can be read in every theme, and nothing is told by colour alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from textual.app import App
from textual.color import Color
from textual.theme import BUILTIN_THEMES
from textual.widget import Widget

from core.settings import Settings
from tests.tui.desk import desk
from tui.app import ReelcacheApp
from tui.legible import LEAST_CONTRAST, WORDS, contrast, legible
from tui.widgets.counters import CountersPanel

ANSI = [name for name in BUILTIN_THEMES if "ansi" in name]


@pytest.mark.parametrize("theme", [name for name in BUILTIN_THEMES if name not in ANSI])
def test_words_stand_out_from_what_they_stand_on_in_every_theme(tmp_path: Path, theme: str) -> None:
    app = ReelcacheApp(Settings(state_dir=tmp_path))
    app.theme = theme
    variables = legible(App.get_css_variables(app), dark=app.current_theme.dark)
    for word in WORDS:
        for ground in ("surface", "panel"):
            found = contrast(Color.parse(variables[word]), Color.parse(variables[ground]))
            assert found >= LEAST_CONTRAST, (word, ground, round(found, 2))


def test_with_sixteen_colours_a_light_theme_writes_in_that_of_all_text(tmp_path: Path) -> None:
    app = ReelcacheApp(Settings(state_dir=tmp_path))
    variables = {**App.get_css_variables(app), "text-warning": "#ffff00"}
    assert legible(variables, dark=False, few=True)["text-warning"] == variables["foreground"]
    assert legible(variables, dark=True, few=True)["text-warning"] == "#FFFF00"


def test_black_and_white_are_as_far_apart_as_colours_are() -> None:
    assert contrast(Color(0, 0, 0), Color(255, 255, 255)) == pytest.approx(21)
    assert contrast(Color(9, 9, 9), Color(9, 9, 9)) == 1


@pytest.mark.parametrize("theme", ["textual-light", "textual-dark", *ANSI])
async def test_the_styles_of_the_panels_are_legible(tmp_path: Path, theme: str) -> None:
    async with desk(tmp_path) as at:
        at.app.theme = theme
        await at.pilot.pause()
        panel = at.screen.query_one(CountersPanel)
        lines, marks = (
            ("good", "warning", "bad", "chosen", "muted", "value"),
            ("hit", "miss", "near", "marked", "number"),
        )
        styles: list[tuple[Widget, str]] = [(panel, f"line--{name}") for name in lines]
        styles += [(at.table, f"movie-table--{name}") for name in marks]
        for widget, name in styles:
            style = widget.get_component_rich_style(name)
            assert style.color is not None, name
            assert style.bgcolor is not None, name
            if theme not in ANSI:
                ends = [Color(*colour.get_truecolor()) for colour in (style.color, style.bgcolor)]
                assert contrast(*ends) >= LEAST_CONTRAST, name
