"""Each foreign format, read from a small file that copies its shapes and its traps."""

from __future__ import annotations

import gzip
import shutil
from datetime import date
from pathlib import Path

import pytest

import data
from core.errors import UnreadableFile
from core.model import Movie
from data.formats.movielens import split_title
from data.formats.tmdb import parse_date
from data.values import dollars, entries, imdb_id, minutes, whole

FIXTURES = Path(__file__).parent / "fixtures"


def read(path: Path, *companions: Path) -> tuple[dict[str, Movie], dict[int, str], data.Source]:
    """Movies by id, reasons by line, and the source."""
    source = data.read(path, companions=companions)
    found = list(source)
    movies = {row.id: row for row in found if isinstance(row, Movie)}
    return movies, {row.line: row.reason for row in found if isinstance(row, data.Reject)}, source


class TestOwnCsv:
    def test_titles_survive_as_they_are(self) -> None:
        movies, rejects, source = read(FIXTURES / "own.csv")
        assert source.format == "Reelcache CSV"
        assert not rejects
        assert [movie.title for movie in movies.values()] == [
            "[REC]", "300", "$", "8½", "+1", "'71", "Alpha, Beta, Gamma", 'The "Quoted" One', "[/bold]",
            '{"$ne": null}; DROP TABLE movie; --',
        ]  # fmt: skip

    def test_a_comma_does_not_split_a_list(self) -> None:
        movies, _, _ = read(FIXTURES / "own.csv")
        assert movies["Q900001"].cast == ("Sammy Example, Jr.", "Zoë Ångström")

    def test_old_dates_and_both_column_names_are_known(self, tmp_path: Path) -> None:
        movies, _, _ = read(FIXTURES / "own.csv")
        assert movies["Q900008"].released == date(1899, 12, 30)
        text = (FIXTURES / "own.csv").read_text(encoding="utf-8")
        for short, full in [
            ("rt_meter", "tomatometer"), ("rt_rating", "critic_rating"), ("rt_reviews", "critic_reviews"),
            ("oscar_noms", "oscar_nominations"), ("box_office_usd", "box_office"),
        ]:  # fmt: skip
            text = text.replace(short, full)
        (tmp_path / "full.csv").write_text(text, encoding="utf-8")
        assert read(tmp_path / "full.csv")[0] == movies

    def test_version_column_is_ignored(self, tmp_path: Path) -> None:
        path = tmp_path / "v.csv"
        path.write_text("id,version,title,genres,directors,cast\nQ1,77,One,,,\n")
        assert read(path)[0]["Q1"].version == 0


class TestPlainCsv:
    def test_obvious_names_are_enough(self, tmp_path: Path) -> None:
        path = tmp_path / "anything.txt"
        path.write_text(
            "Movie Title;Release Year;Genre;Director;Duration;Rating;Actors\n"
            "Alien Example;(1979);Horror, Sci-Fi;Dee One;1h 57min;8,5;A. One, B. Two, Jr.\n"
            "No Idea;N/A;;null;-;NA;\n",
            encoding="utf-8",
        )
        movies, rejects, source = read(path)
        assert source.format == "CSV"
        assert not rejects
        alien, unknown = movies.values()
        assert (alien.title, alien.year, alien.runtime, alien.imdb_rating) == ("Alien Example", 1979, 117, 8.5)
        assert alien.genres == ("Horror", "Sci-Fi")
        assert alien.directors == ("Dee One",)
        assert alien.cast == ("A. One", "B. Two, Jr.")
        assert unknown == Movie(id=unknown.id, title="No Idea")

    def test_ids_are_the_same_each_time_and_differ_by_content(self, tmp_path: Path) -> None:
        path = tmp_path / "plain.csv"
        path.write_text("title,year\nHamlet,1948\nHamlet,1990\nHamlet,1948\n")
        first, rejects, _ = read(path)
        assert list(first) == list(read(path)[0])
        assert len(first) == 2
        assert all(id.startswith("csv:") for id in first)
        assert rejects == {4: f"has the same id as an earlier row ({next(iter(first))})"}

    def test_bare_numbers_as_ids_are_marked(self, tmp_path: Path) -> None:
        path = tmp_path / "plain.csv"
        path.write_text("id,name\n17,One\nQ5,Two\n")
        assert list(read(path)[0]) == ["csv:17", "Q5"]

    @pytest.mark.parametrize(
        ("row", "reason"),
        [
            ("Wordy,soon,90", "year: must be a whole number, not 'soon'"),
            ("Negative,1999,-5", "runtime: must lie between 1 and 60 000"),
            ("Far,20244,90", "year: must lie between 1870 and 2100"),
            (",1999,90", "title: is required"),
            ("One,1999", "has 2 cells where the header has 3"),
            ("One,1999,90,more", "has 4 cells where the header has 3"),
            ("Nul\x00,1999,90", "title: holds a forbidden character (U+0000)"),
            ("Esc\x1b[2J,1999,90", "title: holds a forbidden character (U+001B)"),
        ],
    )
    def test_bad_row_is_refused_with_its_line_and_the_next_is_read(self, tmp_path: Path, row: str, reason: str) -> None:
        path = tmp_path / "plain.csv"
        path.write_text(f"title,year,runtime\nFirst,1998,80\n{row}\nLast,2000,100\n")
        movies, rejects, _ = read(path)
        assert [movie.title for movie in movies.values()] == ["First", "Last"]
        assert rejects == {3: reason}

    @pytest.mark.parametrize(
        ("text", "amount"),
        [("$47.1M", 47_100_000), ("$26.8k", 26_800), ("$1,234,567", 1_234_567), ("0", None), ("N/A", None)],
    )
    def test_dollars(self, text: str, amount: int | None) -> None:
        assert dollars(text) == amount

    @pytest.mark.parametrize(
        ("text", "expected"), [("118", 118), ("118.0", 118), ("2h", 120), ("1h 5m", 65), ("0", None)]
    )
    def test_minutes(self, text: str, expected: int | None) -> None:
        assert minutes(text) == expected

    @pytest.mark.parametrize(
        ("text", "expected"), [("1,234", 1234), ("12,345,678", 12_345_678), ("88.0", 88), ("75%", 75)]
    )
    def test_whole(self, text: str, expected: int) -> None:
        assert whole(text) == expected

    @pytest.mark.parametrize("text", ["1,5", "12,34", "7.5", "1e3", "９x"])
    def test_no_whole_number(self, text: str) -> None:
        with pytest.raises(ValueError, match="whole number"):
            whole(text)

    @pytest.mark.parametrize(("text", "expected"), [("439", "tt0000439"), ("tt0111161", "tt0111161"), ("", None)])
    def test_imdb_id(self, text: str, expected: str | None) -> None:
        assert imdb_id(text) == expected

    @pytest.mark.parametrize(
        "text", ["A|B", "A; B", "A, B", '["A", "B"]', "['A', 'B']", "A|b|B|", '[{"name": "A"}, {"name": "B"}]']
    )
    def test_lists_however_written(self, text: str) -> None:
        assert tuple(name.upper() for name in entries(text)) == ("A", "B")


class TestMflix:
    @pytest.fixture(params=["canonical", "relaxed", "v1", "driver"])
    def found(self, request: pytest.FixtureRequest) -> tuple[dict[str, Movie], dict[int, str], data.Source]:
        return read(FIXTURES / f"mflix-{request.param}.json")

    def test_every_flavour_gives_the_same_movies(
        self, found: tuple[dict[str, Movie], dict[int, str], data.Source]
    ) -> None:
        movies, rejects, source = found
        assert source.format == "sample_mflix (Extended JSON)"
        assert movies == read(FIXTURES / "mflix-relaxed.json")[0]
        assert list(rejects.values()) == [
            "is the same film as an earlier document (imdb.id of tt0000439)",
            "title: is required",
            "runtime: must lie between 1 and 60 000",
            "title: holds a forbidden character (U+001B)",
        ]

    def test_one_document_in_full(self) -> None:
        movies, _, _ = read(FIXTURES / "mflix-canonical.json")
        assert movies["mflix:aaaaaaaaaaaaaaaaaaaa0001"] == Movie(
            id="mflix:aaaaaaaaaaaaaaaaaaaa0001",
            title="The Paper Lantern",
            year=1903,
            released=date(1903, 12, 1),
            runtime=11,
            rated="TV-G",
            genres=("Short", "Western"),
            countries=("USA",),
            languages=("English",),
            directors=("Renè Example",),
            writers=("Renè Example", "Ivy Note"),
            cast=("A. One", "B. Two", "C. Three", "D. Four"),
            imdb_id="tt0000439",
            imdb_rating=7.4,
            imdb_votes=9847,
            tomatometer=100,
            critic_rating=7.6,
            critic_reviews=6,
            oscars_won=2,
            box_office=47_100_000,
            type="movie",
            plot="A lantern is lost, then è found.",
            poster="https://example.org/lantern.jpg",
        )

    def test_traps(self) -> None:
        movies, _, _ = read(FIXTURES / "mflix-relaxed.json")
        series = movies["mflix:aaaaaaaaaaaaaaaaaaaa0002"]
        assert (series.year, series.imdb_rating, series.imdb_votes, series.rated) == (2006, None, None, "APPROVED")
        assert (series.oscars_won, series.oscar_nominations) == (1, None)
        number = movies["mflix:aaaaaaaaaaaaaaaaaaaa0004"]
        assert (number.title, number.rated, number.box_office) == ("300", None, 26_800)
        assert (number.oscars_won, number.oscar_nominations) == (None, 4)
        assert movies["mflix:aaaaaaaaaaaaaaaaaaaa0006"].title == "$where"

    def test_lines_of_rejects(self) -> None:
        assert list(read(FIXTURES / "mflix-canonical.json")[1]) == [3, 7, 8, 9]
        assert list(read(FIXTURES / "mflix-relaxed.json")[1]) == [4, 8, 9, 10]
        lines = (FIXTURES / "mflix-driver.json").read_text(encoding="utf-8").split("\n")
        assert all(lines[line - 1] == "  {" for line in read(FIXTURES / "mflix-driver.json")[1])

    def test_gzip_by_content(self, tmp_path: Path) -> None:
        path = tmp_path / "export"
        path.write_bytes(gzip.compress((FIXTURES / "mflix-canonical.json").read_bytes()))
        assert read(path)[0] == read(FIXTURES / "mflix-canonical.json")[0]

    @pytest.mark.parametrize("layout", ["lines", "array", "pretty"])
    def test_a_broken_object_costs_only_itself(self, tmp_path: Path, layout: str) -> None:
        good = [
            '{"_id": "a1", "title": "One"}',
            '{"_id": "a2", "title": "Two {\\"}"}',
            '{"_id": "a3", "title": "Three"}',
        ]
        bad = '{"_id": "b1", "title": "never closed}'
        rows = [good[0], bad, good[1], '{"_id": "b2" "title": 1}', "17", good[2]]
        text = "\n".join(rows) if layout == "lines" else "[" + ",\n".join(rows) + "]"
        if layout == "pretty":
            text = text.replace(', "title"', ',\n  "title"')
        path = tmp_path / "broken.json"
        path.write_text(text)
        movies, rejects, _ = read(path)
        assert list(movies) == ["mflix:a1", "mflix:a2", "mflix:a3"]
        assert len(rejects) == 3

    def test_hostile_values_are_refused_or_left_out(self, tmp_path: Path) -> None:
        path = tmp_path / "hostile.json"
        path.write_text(
            '{"_id": "a1", "title": {"$gt": ""}}\n'
            '{"_id": "a2", "title": ["x"]}\n'
            '{"_id": "a3", "title": "Deep", "genres": ' + "[" * 5000 + "]" * 5000 + "}\n"
            '{"_id": "a4", "title": "Large", "imdb": {"rating": 1' + "0" * 400 + "}}\n"
            '{"_id": "a5", "title": "Late", "released": {"$date": {"$numberLong": "99999999999999999"}}}\n'
            '{"_id": "a6", "title": "\\ud800"}\n'
            '{"_id": {"$oid": null}, "title": "No id"}\n'
            '{"_id": "a8", "title": "Odd", "year": {"$numberInt": []}, "runtime": true, "cast": {"a": 1, "b": 2}}\n'
            '{"_id": "a9", "title": "Fine", "year": {"$numberInt": []}, "metacritic": {"$numberDouble": "NaN"}}\n'
        )
        movies, rejects, _ = read(path)
        assert list(movies) == ["mflix:a9"]
        assert list(rejects) == [1, 2, 3, 4, 5, 6, 7, 8]

    def test_array_cut_off_in_the_middle_keeps_what_came_before(self, tmp_path: Path) -> None:
        text = (FIXTURES / "mflix-relaxed.json").read_text(encoding="utf-8")
        path = tmp_path / "cut.json"
        path.write_text(text[: text.index("No Year at All")], encoding="utf-8")
        kept: list[Movie | data.Reject] = []
        with pytest.raises(UnreadableFile, match="begins on line 6"):
            kept.extend(data.read(path))
        assert [type(row).__name__ for row in kept] == ["Movie", "Movie", "Reject", "Movie"]


class TestImdb:
    def test_ratings_beside_are_joined_and_quotes_are_plain(self) -> None:
        movies, rejects, source = read(FIXTURES / "title.basics.tsv")
        assert source.format == "IMDb title.basics with title.ratings"
        first = movies["tt0900001"]
        assert (first.imdb_rating, first.imdb_votes, first.runtime) == (5.7, 2000, 62)
        assert first.genres == ("Drama", "History")
        assert movies["tt0900003"].title == '"Unclosed'
        assert movies["tt0900004"].title == 'Next " Row'
        assert movies["tt10900010"].imdb_rating == 8.1
        assert rejects == {
            9: "has 6 cells where the header has 9",
            10: "startYear: must be a whole number, not 'about 1960'",
            11: "has the same id as an earlier row (tt0900001)",
            13: "imdb_id: must look like tt0078748",
        }

    def test_only_films_are_loaded_and_it_says_so(self) -> None:
        movies, _, source = read(FIXTURES / "title.basics.tsv")
        assert {movie.type for movie in movies.values()} == {"movie", "tvMovie"}
        assert [warning.split("'")[1] for warning in source.warnings] == ["short", "tvSeries"]

    def test_ratings_may_be_elsewhere_or_missing(self, tmp_path: Path) -> None:
        basics = shutil.copy(FIXTURES / "title.basics.tsv", tmp_path / "b.tsv")
        packed = tmp_path / "elsewhere" / "r.gz"
        packed.parent.mkdir()
        packed.write_bytes(gzip.compress((FIXTURES / "title.ratings.tsv").read_bytes()))
        assert read(Path(basics))[0]["tt0900001"].imdb_rating is None
        assert read(Path(basics), packed)[0]["tt0900001"].imdb_rating == 5.7

    def test_ratings_without_a_row(self, tmp_path: Path) -> None:
        basics = shutil.copy(FIXTURES / "title.basics.tsv", tmp_path / "b.tsv")
        (tmp_path / "title.ratings.tsv").write_text("tconst\taverageRating\tnumVotes\n")
        assert read(Path(basics))[0]["tt0900001"].imdb_votes is None

    def test_damaged_ratings_are_named(self, tmp_path: Path) -> None:
        basics = shutil.copy(FIXTURES / "title.basics.tsv", tmp_path / "b.tsv")
        lines = "".join(f"tt{number:07d}\t5.{number % 10}\t{number * 7919 % 5003}\n" for number in range(50_000))
        packed = gzip.compress(f"tconst\taverageRating\tnumVotes\n{lines}".encode())
        (tmp_path / "title.ratings.tsv.gz").write_bytes(packed[: len(packed) // 2])
        with pytest.raises(UnreadableFile, match=r"title\.ratings\.tsv\.gz"):
            list(data.read(basics))

    def test_a_companion_of_something_else_is_refused(self) -> None:
        with pytest.raises(UnreadableFile, match="does not belong"):
            data.read(FIXTURES / "title.basics.tsv", companions=[FIXTURES / "movielens" / "links.csv"])


class TestMovieLens:
    def test_years_articles_and_links(self) -> None:
        movies, rejects, source = read(FIXTURES / "movielens" / "movies.csv")
        assert source.format == "MovieLens movies with links"
        assert [(movie.title, movie.year) for movie in movies.values()] == [
            ("The Usual Fixtures", 1995),
            ("The City of Examples (La Cité des exemples)", 1995),
            ("Heat of the Test", 1995),
            ("Without a Year", None),
            ("Long Runner", 2006),
            ("L'Avventura di prova", 1960),
            ("2001", 1968),
            ("Fixture Seven (a.k.a. The Example)", 1995),
            ('The "Great" Test', 1947),
            ("[REC]", 2007),
        ]
        assert movies["ml:4"].genres == ()
        assert movies["ml:1"].imdb_id == "tt0900814"
        assert movies["ml:4"].imdb_id is None
        assert rejects == {10: "has 2 cells where the header has 3", 11: "has the same id as an earlier row (ml:3)"}

    def test_without_a_header_the_first_row_counts(self) -> None:
        bare, _, source = read(FIXTURES / "movielens-headerless.csv")
        assert source.format == "MovieLens movies"
        assert [movie.title for movie in bare.values()] == [
            movie.title for movie in read(FIXTURES / "movielens" / "movies.csv")[0].values()
        ]

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("(2001)", ("(2001)", None)),
            ("Series (2006-)", ("Series", 2006)),
            ("Me, Myself (2000)", ("Me, Myself", 2000)),
            ("Nausicaä, Der (1984)", ("Der Nausicaä", 1984)),
        ],
    )
    def test_split_title(self, text: str, expected: tuple[str, int | None]) -> None:
        assert split_title(text) == expected


class TestTmdb:
    def test_movies_with_credits(self) -> None:
        movies, rejects, source = read(FIXTURES / "tmdb" / "tmdb_5000_movies.csv")
        assert source.format == "TMDB movies with credits"
        first = movies["tmdb:1001"]
        assert (first.year, first.released, first.runtime, first.box_office) == (
            2009,
            date(2009, 12, 10),
            162,
            2_787_965_087,
        )
        assert first.genres == ("Action", "Adventure")
        assert first.languages == ("English", "Japanese", "Arabic")
        assert (first.directors, first.writers) == (("Dee Rector",), ("Wri Ter",))
        assert first.cast == ("Lead Actor", "Second Actor")
        unknown = movies["tmdb:1002"]
        assert (unknown.box_office, unknown.runtime, unknown.genres) == (None, None, ())
        assert movies["tmdb:1006"].genres == ("Drama",)
        assert movies["tmdb:1007"].languages == ("Qish",)
        assert movies["tmdb:1009"].title == "Two Lines"
        assert rejects[6].startswith("genres: must be a list")
        assert rejects[9] == "has the same id as an earlier row (tmdb:1001)"
        assert rejects[10].startswith("release_date: '2009-13-45' is not a date")
        assert source.warnings == ["tmdb_5000_credits.csv, line 3: must be a list, not '[broken'"]

    def test_the_whole_column_tells_the_date_format(self) -> None:
        movies, rejects, _ = read(FIXTURES / "tmdb-renamed.csv")
        assert movies["tmdb:1"].released == date(2009, 3, 4)
        assert movies["tmdb:2"].released == date(2009, 12, 10)
        assert list(rejects) == [7]

    @pytest.mark.parametrize(
        ("dates", "expected", "warnings"),
        [
            (["13/02/2009", "01/02/2009"], date(2009, 2, 1), 0),
            (["02/13/2009", "01/02/2009"], date(2009, 1, 2), 0),
            (["03/04/2009", "01/02/2009"], date(2009, 1, 2), 1),
            (["13-02-68", "01-02-68"], date(1968, 2, 1), 0),
            (["2009-02-13", "2009-02-01"], date(2009, 2, 1), 0),
        ],
    )
    def test_date_formats(self, tmp_path: Path, dates: list[str], expected: date, warnings: int) -> None:
        header = "movie_id,title,release_date,vote_average,vote_count,popularity"
        path = tmp_path / "t.csv"
        path.write_text("\n".join([header, *(f"{n},Film {n},{text},1,1,1" for n, text in enumerate(dates))]))
        movies, _, source = read(path)
        assert movies["tmdb:1"].released == expected
        assert source.warning_count == warnings

    def test_two_digit_years_are_past(self) -> None:
        assert parse_date("13-02-35", "%d-%m-%y") in (date(1935, 2, 13), date(2035, 2, 13))
        assert parse_date("13-02-68", "%d-%m-%y") == date(1968, 2, 13)
