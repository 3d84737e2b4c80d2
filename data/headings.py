"""Headings: which field a name in a foreign file stands for, however it is spelled."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

_BETWEEN_WORDS: Final = re.compile(r"[\W_]+")


def spelled_plainly(name: str) -> str:
    """The name without what stands between its words, in small letters: `Release Date` is `releasedate`."""
    return _BETWEEN_WORDS.sub("", name).casefold()


def columns_of(header: Sequence[str], names: Mapping[str, Sequence[str]]) -> dict[str, int]:
    """The place of each field's column. `names` are those of each field, spelled plainly, the best known one first,
    which counts where there are several."""
    field_of = {name: field for field, known in names.items() for name in known}
    best: dict[str, tuple[int, int]] = {}
    for place, heading in enumerate(header):
        name = spelled_plainly(heading)
        if field := field_of.get(name):
            rank = names[field].index(name)
            if field not in best or rank < best[field][0]:
                best[field] = (rank, place)
    return {field: place for field, (_, place) in best.items()}
