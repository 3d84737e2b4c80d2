"""TraceFilter: which lines of the log are shown, from a few words typed. Knows no widget."""

from __future__ import annotations

import re
from typing import Final

import msgspec

from core.observe.stats import TraceLine

_DURATION: Final = re.compile(r"([<>])(\d{1,9}(?:\.\d{1,6})?)(us|µs|μs|ms|s)?")
_UNITS: Final = {"us": 1e-6, "µs": 1e-6, "μs": 1e-6, "ms": 1e-3, "s": 1.0, "": 1e-3}


class TraceFilter(msgspec.Struct, frozen=True):
    """Every word must stand somewhere in the line's operation, key, strategy, tier or verdict, and `above` and `below`
    (seconds) hold its duration in."""

    words: tuple[str, ...] = ()
    above: float | None = None
    below: float | None = None

    def shows(self, line: TraceLine) -> bool:
        """Whether the line is among those asked for."""
        if self.above is not None and line.seconds <= self.above:
            return False
        if self.below is not None and line.seconds >= self.below:
            return False
        if not self.words:
            return True
        said = f"{line.operation} {line.key} {line.strategy} {line.tier or ''} {line.verdict.replace('_', ' ')}"
        said = said.casefold()
        return all(word in said for word in self.words)


def parse_trace_filter(text: str) -> TraceFilter:
    """What was typed as a filter: words, and `>10ms` or `<0.5s`. Raises ValueError with what to write instead."""
    words: list[str] = []
    above = below = None
    for word in text.split():
        if word[0] not in "<>":
            words.append(word.casefold())
            continue
        match = _DURATION.fullmatch(word)
        if match is None:
            raise ValueError(f"{word[:20]}: write a duration as >10ms, <0.5s or >300us.")
        seconds = float(match[2]) * _UNITS[match[3] or ""]
        if match[1] == ">":
            above = seconds
        else:
            below = seconds
    return TraceFilter(tuple(words), above, below)
