"""Many rows at once, column by column: nearly all of a large file is in order, and so is told at a tenth of the price.

What comes of them are the columns of `core.packed`. Where a row must be refused nothing comes of any of them: then they
are read one by one, which says why.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from core.model import FIELD, FIELDS, RECURRING, Field, Value
from core.packed import CELL, ENTRY, Columns, text_of
from core.remembered import Remembered
from data.values import Converter, bars

Column = tuple[int, str, Converter]
"""Place in the row, field, and how a cell of it is read."""
Row = Sequence[str]


class Conversion:
    """How rows become columns: those at some places of them, and what is the same of every movie.

    `id_of` makes the id of a row of what stands in its column, which may be empty."""

    def __init__(
        self, columns: Sequence[Column], constant: Mapping[str, Value], id_of: Callable[[str, Row], str]
    ) -> None:
        self._columns = [(place, name, _Cells(FIELD[name], convert)) for place, name, convert in columns]
        self._constant = {name: text_of(value) for name, value in constant.items()}
        self._id_of = id_of
        self._id_place = next((place for place, name, _ in columns if name == "id"), None)

    def columns(self, rows: Sequence[Row]) -> Columns:
        """What the rows say. Raises ValueError where one of them is to be refused."""
        cells = list(zip(*rows, strict=True))
        between = CELL * (len(rows) - 1)
        found = {name: CELL.join([text] * len(rows)) for name, text in self._constant.items()}
        for place, name, column in self._columns:
            if name != "id":
                found[name] = column.column(cells[place])
        found["id"] = self._ids([""] * len(rows) if self._id_place is None else cells[self._id_place], rows)
        return [found.get(field.name, between) for field in FIELDS]

    def _ids(self, cells: Sequence[str], rows: Sequence[Row]) -> str:
        together = "".join(cells)
        # Letters come behind digits, so each begins with a letter.
        if together.isalnum() and together.isascii() and min(cells) >= "A" and len(max(cells, key=len)) <= _ID.longest:
            return CELL.join(cells)
        ids = [self._id_of(cell, row) for cell, row in zip(cells, rows, strict=True)]
        return CELL.join([text_of(_ID.checked(id)) for id in ids])


class _Cells:
    """How cells of one column become those of their field. What recurs is remembered."""

    def __init__(self, field: Field, convert: Converter) -> None:
        self._field = field
        self._convert = convert
        self._known = Remembered(self._cell) if field.name in RECURRING else None
        self._plain = _PLAIN.get(convert)

    def column(self, cells: Sequence[str]) -> str:
        """The column of the field. Raises ValueError where a row is to be refused."""
        if not self._field.required and not any(cells):
            return CELL * (len(cells) - 1)
        if self._known is not None:
            return CELL.join(self._known.of(cells))
        if self._plain is not None and (column := self._plain(self._field, cells)) is not None:
            return column
        return CELL.join(map(self._cell, cells))

    def _cell(self, cell: str) -> str:
        value = self._convert(cell) if cell else None
        return "" if value is None and not self._field.required else text_of(self._field.checked(value))


def _texts(field: Field, cells: Sequence[str]) -> str | None:
    """Texts as they are, where they are plainly tidy and within the rules."""
    if (
        not _tidy("|".join(cells))
        or len(max(cells, key=len)) > field.longest
        or (field.required and not all(cells))
        or (field.pattern is not None and not all(map(field.pattern.fullmatch, filter(None, cells))))
    ):
        return None
    return CELL.join(cells)


def _lists(field: Field, cells: Sequence[str]) -> str | None:
    """Lists likewise, whose entries have bars between them."""
    together = "|".join(filter(None, cells))
    several = [cell for cell in cells if "|" in cell]
    if (
        not _tidy(together)
        or "||" in f"|{together}|"
        or (len(max(cells, key=len)) > field.longest and len(max(together.split("|"), key=len)) > field.longest)
        or field.pattern is not None
    ):
        return None
    # An entry stands but once in its list, whatever its case.
    for entries in [cell.split("|") for cell in CELL.join(several).casefold().split(CELL)]:
        if len(set(entries)) < len(entries) or len(entries) > field.many:
            return None
    return CELL.join(cells).replace("|", ENTRY)


def _tidy(together: str) -> bool:
    """Whether texts with bars between them are plainly what `core.model.tidy` makes of them, with nothing forbidden."""
    framed = f"|{together}|"
    return (
        framed.isprintable()
        and not ("| " in framed or " |" in framed)
        and (framed.isascii() or unicodedata.is_normalized("NFC", framed))
    )


_ID: Final = FIELD["id"]
_PLAIN: Final[dict[Converter, Callable[[Field, Row], str | None]]] = {str: _texts, bars: _lists}
"""How the cells of a whole column are looked at together, by their converter."""
