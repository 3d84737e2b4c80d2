"""Numbers and foreign text as the screen shows them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

DASH: Final = "–"
"""Stands where a value is unknown."""


def duration(seconds: float) -> str:
    """A span of time in the unit that suits it: `8 µs`, `1.3 ms`, `412 ms`, `2.5 s`, `3 min 20 s`."""
    if round(seconds * 1e6) < 1000:
        return f"{seconds * 1e6:.0f} µs"
    if round(seconds * 1e3, 1) < 10:
        return f"{seconds * 1e3:.1f} ms"
    if round(seconds * 1e3) < 1000:
        return f"{seconds * 1e3:.0f} ms"
    if round(seconds, 1) < 60:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s"


def count(number: int) -> str:
    """A whole number with its thousands apart: `17,472`."""
    return f"{number:,}"


def money(dollars: int) -> str:
    """US dollars in three or four digits: `$950`, `$12.3K`, `$47.1M`, `$2.9B`."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "K")):
        # 999,950 rounds to 1,000.0K: it belongs to the next size already.
        if dollars >= size * 0.99995 and dollars >= 1000:
            return f"${dollars / size:.1f}{letter}"
    return f"${dollars}"


def ratio(part: int, whole: int) -> str:
    """A share in per cent, `93.1 %`; a dash when there is nothing to share, which is not the same as 0 %."""
    return f"{100 * part / whole:.1f} %" if whole else DASH


def plural(number: int, noun: str) -> str:
    """A counted noun: `1 change`, `2 changes`."""
    return f"{count(number)} {noun}" if number == 1 else f"{count(number)} {noun}s"


# Marks that reorder or hide what stands beside them. A terminal obeys them beyond the cell they arrive in.
_STEERING = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def visible(text: str) -> str:
    """Foreign text with every character that would steer the terminal replaced by a visible sign, one for one."""
    return _STEERING.sub(_sign, text)


def _sign(found: re.Match[str]) -> str:
    number = ord(found.group())
    if number < 0x20:
        return chr(0x2400 + number)
    return "\u2421" if number == 0x7F else "\ufffd"


def slug(text: str) -> str:
    """Text as lower-case ASCII letters and digits joined by hyphens, accents dropped; empty when none are left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().casefold()
    return "-".join(re.findall(r"[a-z0-9]+", plain))
