"""MovieLens movies.csv, with links.csv beside it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from core.model import Movie, unique
from data.opening import Format, Opening, companion
from data.rows import Reject
from data.table import Table
from data.text import TextFile
from data.values import imdb_id

_HEADER: Final = ["movieId", "title", "genres"]
_LINKS: Final = ["movieId", "imdbId", "tmdbId"]
_NO_GENRES: Final = "(no genres listed)"
_GENRES: Final = re.compile(r"[A-Z(][\w' )(-]*(?:\|[A-Z][\w' -]*)*")
_YEAR: Final = re.compile(r"\(([0-9]{4})(?:\s*[-–—è]\s*(?:[0-9]{4})?)?\)\s*$")
_ARTICLES: Final = (
    "The|A|An|La|Le|Les|L'|El|Los|Las|Il|Lo|Gli|Der|Die|Das|Ein|Eine|Un|Une|Uno|Una|Os|De|Het|Den|Det|Ett"
)
_TRAILING: Final = re.compile(rf"(?P<before>a\.k\.a\. )?(?P<name>[^()]+), (?P<article>{_ARTICLES})(?=\s*(?:\(|\)|$))")


def recognise(opening: Opening, companions: Sequence[Path]) -> Format | None:
    """The header movieId,title,genres, or its three columns without a header."""
    has_header = opening.cells() == _HEADER
    if not has_header and not _looks_headerless(opening):
        return None
    links = companion(opening.path, companions, ("links.csv", "links.csv.gz"), is_links)
    name = "MovieLens movies" + (" with links" if links else "")
    return Format(name, lambda text: Reading(text, links, header=has_header), (links,) if links else ())


def is_links(opening: Opening) -> bool:
    """Whether a file is links.csv."""
    return opening.cells() == _LINKS


def _looks_headerless(opening: Opening) -> bool:
    rows = [opening.cells(row=row) for row in range(min(5, len(opening.lines)))]
    return bool(rows) and all(
        len(row) == 3 and row[0].isdecimal() and bool(row[1]) and bool(_GENRES.fullmatch(row[2])) for row in rows
    )


class Reading:
    """One pass through movies.csv."""

    def __init__(self, text: TextFile, links: Path | None, *, header: bool) -> None:
        self.rows = Table(text, header=header)
        self._links = _imdb_ids(links, text) if links else {}

    def movie(self, row: list[str]) -> Movie:
        number, whole_title, genres = row
        title, year = split_title(whole_title)
        return Movie(
            id=f"ml:{number.strip()}",
            title=title,
            year=year,
            genres=unique(name for name in genres.split("|") if name.strip() != _NO_GENRES),
            imdb_id=self._links.get(number.strip()),
            type="movie",
        )


def split_title(text: str) -> tuple[str, int | None]:
    """Title and year of "Usual Suspects, The (1995)": the article moved to the front, a range's first year."""
    text = text.strip()
    year = None
    if (found := _YEAR.search(text)) and found.start() > 0:
        year = int(found[1])
        text = text[: found.start()].strip()
    return _TRAILING.sub(_article_first, text), year


def _article_first(found: re.Match[str]) -> str:
    article = found["article"]
    blank = "" if article.endswith("'") else " "
    return f"{found['before'] or ''}{article}{blank}{found['name']}"


def _imdb_ids(links: Path, movies: TextFile) -> dict[str, str]:
    """IMDb ids by movieId; what cannot be read is left out with a warning, as the movies stand without it."""
    ids: dict[str, str] = {}
    with TextFile(links) as text:
        for row in Table(text):
            if isinstance(row, Reject):
                movies.warnings.add(f"{links.name}, line {row.line}: {row.reason}")
            elif row[1].isdecimal() and (id := imdb_id(row[1])):
                ids[row[0].strip()] = id
    return ids
