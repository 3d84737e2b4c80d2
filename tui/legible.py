"""Colours of words that can be read on the theme's own background, whatever the theme."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from textual.color import Color

LEAST_CONTRAST: Final = 4.5
"""Between a word and what it stands on, as WCAG 2 asks for text of normal size (success criterion 1.4.3)."""
WORDS: Final = tuple(f"text-{name}" for name in ("primary", "secondary", "accent", "warning", "error", "success"))
_GROUNDS: Final = ("surface", "panel")
_STEP: Final = 0.03


def legible(variables: Mapping[str, str], *, dark: bool, few: bool = False) -> dict[str, str]:
    """A theme's variables, with the colours of words made darker, or lighter in a dark theme, until they are read.

    With `few` colours (16) a light theme has none for words: yellow and cyan are all that is left of them on white."""
    if few and not dark:
        return {**variables, **dict.fromkeys(WORDS, variables["foreground"])}
    grounds = [Color.parse(variables[name]) for name in _GROUNDS]
    changed = dict(variables)
    for name in WORDS:
        if name in variables and (colour := Color.parse(variables[name])).ansi is None:
            changed[name] = _apart(colour, grounds, dark=dark).hex
    return changed


def contrast(one: Color, other: Color) -> float:
    """The ratio of their luminances, from 1 to 21 (WCAG 2)."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _apart(colour: Color, grounds: list[Color], *, dark: bool) -> Color:
    for _ in range(round(1 / _STEP)):
        if any(ground.ansi is not None for ground in grounds) or all(
            contrast(colour, ground) >= LEAST_CONTRAST for ground in grounds
        ):
            break
        colour = colour.lighten(_STEP) if dark else colour.darken(_STEP)
    return colour


def _luminance(colour: Color) -> float:
    linear = [part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4 for part in colour.normalized]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
