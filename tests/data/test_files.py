"""What any file may do to a reader: be missing, damaged, badly encoded, ragged, huge, or no text at all."""

from __future__ import annotations

import gzip
import os
import random
import subprocess
import sys
import tracemalloc
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

import data
from core.errors import UnreadableFile
from core.model import Movie

FIXTURES = Path(__file__).parent / "fixtures"
HEADER = "title,year,runtime\n"


def titles(path: Path) -> list[str]:
    return [row.title for row in data.read(path) if isinstance(row, Movie)]


def rejects(path: Path) -> list[data.Reject]:
    return [row for row in data.read(path) if isinstance(row, data.Reject)]


class TestUnreadable:
    @pytest.mark.parametrize(
        ("content", "reason"),
        [
            (b"", "is empty"),
            (gzip.compress(b"", mtime=0), "is empty"),
            (bytes(range(256)) * 40, "is binary"),
            (b"PK\x03\x04rest", "zip archive"),
            (b"SQLite format 3\x00" + bytes(100), "SQLite"),
            ("title,year\nOne,1999\n".encode("utf-16-le"), "UTF-16 text without its mark"),
            (b"\x1f\x8b\x08\x00broken", "cut off or damaged"),
            (b"Dear reader,\nthis is a letter.\n", "no known format"),
            (b"movieId,imdbId,tmdbId\n1,2,3\n", "no known format"),
            (b'{"theaterId": 1000, "location": {}}\n', "no known format"),
            (b"\n\n\n", "no known format"),
        ],
    )
    def test_content_that_holds_no_movies(self, tmp_path: Path, content: bytes, reason: str) -> None:
        path = tmp_path / "movies.csv"
        path.write_bytes(content)
        with pytest.raises(UnreadableFile, match=reason) as caught:
            data.read(path)
        assert str(path) in str(caught.value)
        assert caught.value.remedy

    def test_missing_file_and_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UnreadableFile, match="does not exist"):
            data.read(tmp_path / "none.csv")
        with pytest.raises(UnreadableFile, match="is a folder"):
            data.read(tmp_path)

    def test_a_pipe_is_not_waited_for(self, tmp_path: Path) -> None:
        os.mkfifo(tmp_path / "pipe")
        with pytest.raises(UnreadableFile, match="not a regular file"):
            data.read(tmp_path / "pipe")

    def test_no_permission(self, tmp_path: Path) -> None:
        path = tmp_path / "secret.csv"
        path.write_text(HEADER)
        path.chmod(0)
        code = (
            "import data.text as text, os, pathlib, sys\n"
            "if os.geteuid() == 0: os.seteuid(65534)\n"
            "try: text.TextFile(pathlib.Path(sys.argv[1]))\n"
            "except Exception as error: print(type(error).__name__, error)\n"
        )
        done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
        assert done.stdout.startswith("UnreadableFile"), done.stderr
        assert "may not be read by you" in done.stdout

    def test_truncated_gzip_gives_what_it_holds_and_then_names_the_line(self, tmp_path: Path) -> None:
        noise = random.Random(7)
        rows = "".join(f"Film {number} {noise.random()},1999,90\n" for number in range(20_000))
        packed = gzip.compress((HEADER + rows).encode())
        path = tmp_path / "cut.csv.gz"
        path.write_bytes(packed[: len(packed) // 2])
        kept: list[Movie | data.Reject] = []
        with pytest.raises(UnreadableFile, match=r"after line \d{4,}") as caught:
            kept.extend(data.read(path))
        assert 5_000 < len(kept) < 15_000
        assert f"after line {len(kept) + 1} " in str(caught.value)


class TestEncodings:
    TEXT = "title,year,runtime\r\nAmélie – \u201cx\u201d,2001,122\r\n"

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_usual_encodings(self, tmp_path: Path, encoding: str, packed: bool) -> None:
        path = tmp_path / "movies"
        content = self.TEXT.encode(encoding)
        path.write_bytes(gzip.compress(content) if packed else content)
        assert titles(path) == ["Amélie – \u201cx\u201d"]

    def test_invalid_bytes_of_one_line_are_replaced_and_reported(self, tmp_path: Path) -> None:
        path = tmp_path / "mixed.csv"
        path.write_bytes(HEADER.encode() + "Élan,1999,90\n".encode() + b"Caf\xe9,2000,91\n" + "Über,2001,92\n".encode())
        source = data.read(path)
        assert [row.title for row in source if isinstance(row, Movie)] == ["Élan", "Caf\ufffd", "Über"]
        assert source.warnings == ["line 3: invalid bytes were replaced by U+FFFD"]

    def test_warnings_are_bounded_and_counted(self, tmp_path: Path) -> None:
        path = tmp_path / "mixed.csv"
        path.write_bytes(
            HEADER.encode() + "Élan,1999,90\n".encode() + b"".join(b"Caf\xe9 %d,2000,91\n" % n for n in range(300))
        )
        source = data.read(path)
        assert sum(1 for _ in source) == 301
        assert (len(source.warnings), source.warning_count) == (100, 300)

    @pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
    def test_line_endings(self, tmp_path: Path, ending: str) -> None:
        path = tmp_path / "movies.csv"
        path.write_bytes(ending.join(["title,year", "One,1999", "", '"Two\nlines",2000', "Bad", "Three,2001"]).encode())
        assert titles(path) == ["One", "Two lines", "Three"]
        assert [reject.line for reject in rejects(path)] == [6]


class TestQuotesAndSizes:
    def test_a_quote_never_closed_costs_one_line(self, tmp_path: Path) -> None:
        path = tmp_path / "quote.csv"
        path.write_text(HEADER + 'One,1999,90\n"Open,2000,91\nTwo,2001,92\n"Quo,ted",2002,93\nThree,2003,94\n')
        assert titles(path) == ["One", "Two", "Quo,ted", "Three"]
        assert [(reject.line, reject.row) for reject in rejects(path)] == [(3, '"Open,2000,91')]

    def test_a_quote_open_to_the_end_of_the_file(self, tmp_path: Path) -> None:
        path = tmp_path / "quote.csv"
        path.write_text(HEADER + '"Open,2000,91\n' + "".join(f"Film {n},2001,92\n" for n in range(20_000)))
        assert len(titles(path)) == 20_000
        assert [reject.line for reject in rejects(path)] == [2]

    @pytest.mark.parametrize(
        "cell",
        ["x" * 10_000_000, '"' + "x" * 10_000_000 + '"', '"' + ("x" * 999 + "\n") * 10_000 + '"'],
        ids=["plain", "quoted", "of many lines"],
    )
    def test_a_cell_of_ten_megabytes_is_refused_and_the_rest_read(self, tmp_path: Path, cell: str) -> None:
        path = tmp_path / "large.csv"
        path.write_text(f"title,year,runtime\nOne,1999,90\n{cell},2000,91\nTwo,2001,92\n")
        assert titles(path) == ["One", "Two"]
        refused = rejects(path)
        assert refused[0].line == 3
        assert "longer than" in refused[0].reason
        assert max(len(reject.row) for reject in refused) <= 2_000

    def test_an_open_quote_before_a_line_too_long(self, tmp_path: Path) -> None:
        path = tmp_path / "large.csv"
        path.write_text(HEADER + '"Open,2000,91\nTwo,2001,92\n' + "x" * 2_000_000 + ",2002,93\nThree,2003,94\n")
        assert titles(path) == ["Two", "Three"]
        assert sorted(reject.line for reject in rejects(path)) == [2, 4]

    def test_rows_are_shown_without_control_characters(self, tmp_path: Path) -> None:
        path = tmp_path / "esc.csv"
        path.write_text(HEADER + "Esc\x1b]0;x\x07\u202e,1999,90\n")
        (reject,) = rejects(path)
        assert reject.row == "Esc\\x1b]0;x\\x07\\u202e,1999,90"

    def test_a_cell_of_ten_megabytes_costs_one_reject_whatever_it_holds(self, tmp_path: Path) -> None:
        path = tmp_path / "huge.csv"
        plot = 'He said ""no"", twice, and left.\n' * 300_000
        path.write_text(f'title,plot,year\nOne,short,1999\nHuge,"{plot}",2000\nTwo,"a ""b""\nc",2001\n')
        rows = list(data.read(path))
        assert [row.title if isinstance(row, Movie) else row.line for row in rows] == ["One", 3, "Two"]
        (huge,) = (row for row in rows if isinstance(row, data.Reject))
        assert huge.reason.startswith("a cell is longer than 131 072 characters")
        assert huge.row.startswith('Huge,"He said')

    def test_an_overlong_cell_of_imdb_takes_no_line_after_it_along(self, tmp_path: Path) -> None:
        path = tmp_path / "title.basics.tsv"
        cells = (("tt0000001", "movie", '"' + "x" * 200_000), ("tt0000002", "movie", "Next"))
        path.write_text("tconst\ttitleType\tprimaryTitle\n" + "".join("\t".join(row) + "\n" for row in cells))
        assert [reject.line for reject in rejects(path)] == [2]
        assert titles(path) == ["Next"]

    def test_an_unclosed_quote_swallows_no_good_row_however_many_follow(self, tmp_path: Path) -> None:
        path = tmp_path / "open.csv"
        plain = "".join(f"Plain {n},plain,1999\n" for n in range(9_000))
        good = "".join(f'Film {n},"A plot, quoted",1999\n' for n in range(9_000))
        for row in ('Bad,"never closed,1999\n', 'Bad,"never closed\n'):
            path.write_text("title,plot,year\n" + row + plain + good)
            assert [reject.line for reject in rejects(path)] == [2]
            assert len(titles(path)) == 18_000

    @pytest.mark.parametrize("layout", ["csv", "json lines", "json array", "one line"])
    def test_memory_stays_far_below_the_size_of_the_file(self, tmp_path: Path, layout: str) -> None:
        path = tmp_path / "movies"
        plot = "p" * 9_000
        count = 1_200
        if layout == "csv":
            text = "id,title,plot\n" + "".join(f"Q{n},Film {n},{plot}\n" for n in range(count))
        else:
            documents = [f'{{"_id": "a{n}", "title": "Film {n}", "plot": "{plot}"}}' for n in range(count)]
            between = {"json lines": "\n", "json array": ",\n", "one line": ","}[layout]
            text = between.join(documents) if layout == "json lines" else f"[{between.join(documents)}]"
        path.write_text(text)
        del text
        source = data.read(path)
        assert source.size > 10_000_000
        tracemalloc.start()
        try:
            assert sum(isinstance(row, Movie) for row in source) == count
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
        assert peak < 2_000_000

    @pytest.mark.parametrize("packed", [False, True])
    def test_fraction_grows_to_one(self, tmp_path: Path, packed: bool) -> None:
        noise = random.Random(7)
        content = (HEADER + "".join(f"Film {noise.random()},1999,90\n" for _ in range(20_000))).encode()
        path = tmp_path / "movies"
        path.write_bytes(gzip.compress(content) if packed else content)
        source = data.read(path)
        assert source.fraction == 0.0
        seen = [source.fraction for _ in source]
        assert seen == sorted(seen)
        assert 0.3 < seen[10_000] < 0.7
        assert source.fraction == 1.0
        half = iter(source)
        for _ in range(10_000):
            next(half)
        half.close()
        assert 0.3 < source.fraction < 0.7


class TestAnything:
    @given(st.binary(max_size=300))
    @example(b"title\n")
    @example(b'[{"title": 1}, {')
    @settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_bytes(self, tmp_path: Path, content: bytes) -> None:
        self.only_known_outcomes(tmp_path, content)

    @given(
        start=st.sampled_from(
            [
                "title,year,genres\n",
                "id;title;released;runtime\n",
                "tconst\ttitleType\tprimaryTitle\tstartYear\n",
                "movieId,title,genres\n",
                "id,title,release_date,vote_average,vote_count,popularity,genres,spoken_languages\n",
                '[{"title": 1},',
                '{"title": ',
                '{"_id": 1, "title": "x"}\n',
            ]
        ),
        rest=st.text(st.one_of(st.sampled_from('",;|\t\n\r{}[]:\\$0123456789.-N"'), st.characters()), max_size=200),
        encoding=st.sampled_from(["utf-8", "utf-16", "cp1252"]),
    )
    @settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
    def test_any_text_after_a_known_beginning(self, tmp_path: Path, start: str, rest: str, encoding: str) -> None:
        self.only_known_outcomes(
            tmp_path, (start + rest).encode(encoding, "surrogatepass" if "utf" in encoding else "replace")
        )

    def only_known_outcomes(self, tmp_path: Path, content: bytes) -> None:
        path = tmp_path / "any"
        path.write_bytes(content)
        try:
            for row in data.read(path):
                assert isinstance(row, Movie | data.Reject)
                if isinstance(row, data.Reject):
                    assert row.reason
                    assert row.row.isprintable()
                    assert 1 <= row.line <= content.count(b"\n") + content.count(b"\r") + 1
        except UnreadableFile:
            return


def test_importing_the_readers_loads_no_table_library() -> None:
    code = "import sys, data; print([name for name in ('pandas', 'numpy', 'pymongo', 'bson') if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
