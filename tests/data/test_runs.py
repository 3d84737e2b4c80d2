"""Many rows at once are the same movies, and the same refused rows, as one by one."""

from __future__ import annotations

import gzip
from pathlib import Path
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import data
from core.errors import UnreadableFile
from core.model import Movie
from core.packed import movies_of
from data import text
from data.formats.csv import Reading
from data.source import Source

OWN = "id,title,year,released,runtime,genres,directors,cast,imdb_id,critic_rating,box_office_usd,plot,poster"
HEADERS = (
    OWN,
    "id,title,genres,directors,cast,tomatometer,rt_meter",
    "Title;Year;Runtime;Genre;Director;Actors;IMDb;Rating;Gross;Plot",
    "movieId,title,genres",
)
CELLS = {
    "id": st.one_of(st.sampled_from(("", "tt1", "Q1", "7", "bad id", "é", "x" * 101)), st.integers(8).map(str)),
    "title": st.sampled_from(("Alien", "", " ", "Amélie", "Ame\u0301lie", " Blank", "a\u00a0b", "[REC]", "x" * 501)),
    "year": st.sampled_from(("1999", "", "(1999)", "soon", "1700", "1999.0", "9" * 30)),
    "released": st.sampled_from(("1979-05-25", "", "1979-05-25T00:00", "25.5.79", "1600-01-01")),
    "list": st.sampled_from(("", "A|B", "A", "A|a", "A||B", " A|B", "A, B", "x" * 201, "A\x1bB", "[\"A\", \"B\"]")),
    "imdb": st.sampled_from(("", "tt0078748", "tt1", "78748")),
    "number": st.sampled_from(("", "7.4", "7", "7,4", "11", "1e400", "N/A", "$1,000", "88%", "inf")),
    "text": st.sampled_from(("", "A plot.", "Two\nlines", 'He said "no"', "tab\there", "\x07", "a\u202eb", "N/A")),
}  # fmt: skip
KINDS = {
    "movieid": "id", "runtime": "number", "genres": "list", "genre": "list", "directors": "list", "director": "list",
    "cast": "list", "actors": "list", "imdb_id": "imdb", "plot": "text", "poster": "text",
}  # fmt: skip
BROKEN = st.sampled_from(
    [
        b"\n",
        b"  \n",
        b"one cell\n",
        b'"never closed,1\n',
        b'"closed" too soon",2\n',
        b"\xff\xfe,\x00\n",
        b"Caf\xe9,1\n",
        b"x" * 3_000 + b"\n",
        b"lone\rreturn\n",
        b"\xef\xbf\xbd,1\n",
    ]
)


def cells(name: str) -> st.SearchStrategy[str]:
    name = name.lower()
    return CELLS[name if name in CELLS else KINDS.get(name, "number")]


def row(header: str) -> st.SearchStrategy[bytes]:
    delimiter = ";" if ";" in header else ","

    def written(cells: tuple[str, ...]) -> bytes:
        quoted = ['"{}"'.format(cell.replace('"', '""')) if set(cell) & set('",;\n\t') else cell for cell in cells]
        return (delimiter.join(quoted) + "\n").encode()

    return st.tuples(*map(cells, header.split(delimiter))).map(written)


def good(number: int, header: str) -> bytes:
    """A row with an id, where there is one, and a title."""
    named = [name.lower() for name in header.replace(";", ",").split(",")]
    known = {"id": f"tt{number}", "movieid": str(number), "title": f"Good {number}"}
    return (",;"[";" in header].join(known.get(name, "") for name in named) + "\n").encode()


@st.composite
def files(draw: st.DrawFn) -> bytes:
    """A file most of whose rows are in order."""
    header = draw(st.sampled_from(HEADERS))
    in_order = st.integers(0, 999).map(lambda number: good(number, header))
    rows = draw(st.lists(st.one_of(in_order, in_order, in_order, row(header), BROKEN), max_size=30))
    content = header.encode() + b"\n" + b"".join(rows)
    return content[:-1] if draw(st.booleans()) else content


def outcome(source: Source) -> tuple[object, ...]:
    rows: list[object] = []
    problem = ""
    try:
        rows.extend(source.here())
    except UnreadableFile as error:
        problem = str(error)
    return rows, problem, source.warnings, source.warning_count


@given(files(), st.integers(1, 9), st.booleans())
@example(OWN.encode() + b"\n" + b"tt1,A,,,,,,,,,,,\n" * 3, 2, False)
@settings(max_examples=400, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_runs_change_nothing(tmp_path: Path, content: bytes, few: int, cut: bool) -> None:
    path = tmp_path / "movies.csv"
    packed = gzip.compress(content)
    path.write_bytes(packed[: len(packed) - 12] if cut else content)
    with patch.object(text, "LONGEST_LINE", 2_000), patch("data.source._FEW", few), patch.object(text, "_AT_ONCE", few):
        try:
            source = data.read(path)
        except UnreadableFile:
            return
        at_once = outcome(source)
        with patch.object(Reading, "run", lambda *_: None):
            assert at_once == outcome(data.read(path))


def test_a_file_in_order_is_read_in_runs(tmp_path: Path) -> None:
    path = tmp_path / "movies.csv"
    path.write_text("".join((OWN, "\n", *(f"tt{n},Film {n},1999,,90,Drama|War,A B,C|D,,,,,\n" for n in range(3_000)))))
    found = list(data.read(path).runs())
    movies = [movie for each in found for movie in ([each] if isinstance(each, Movie) else movies_of(each))]  # type: ignore[arg-type]  # none is refused
    assert [movie.title for movie in movies] == [f"Film {n}" for n in range(3_000)]
    assert movies[7].cast == ("C", "D")
    assert len(found) < 15


@pytest.mark.parametrize("at", [1, 1_500, 2_999])
def test_a_row_out_of_order_costs_no_other(tmp_path: Path, at: int) -> None:
    path = tmp_path / "movies.csv"
    rows = [f"tt{n},Film {n},1999,,90,Drama,A B,C,,,,,\n" for n in range(3_000)]
    rows[at] = rows[at].replace("1999", "soon")
    path.write_text("".join((OWN, "\n", *rows)))
    found = list(data.read(path).here())
    [reject] = [row for row in found if isinstance(row, data.Reject)]
    assert (found.index(reject), reject.line) == (at, at + 2)
    assert "soon" in reject.row
    assert len(found) == 3_000
