"""The commands for scripts, on both stores: what they print, to a person and to a program, and their exit codes."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import psycopg
import pytest

from core.query import SORTS, TRENDS
from tests.tui.shell import PROGRAM, Run, environment, load, run

__all__ = ["environment", "run"]

MOVIES = """id,title,year,runtime,genres,directors
a1,Alien,1979,117,Horror|Sci-Fi,Ridley Scott
b2,Brazil,1985,,Sci-Fi,Terry Gilliam
c3,Ridley,,90,Drama,Tony Scott
"""


@pytest.fixture
def three(tmp_path: Path) -> Path:
    """A file of three movies."""
    path = tmp_path / "movies.csv"
    path.write_text(MOVIES, "utf-8")
    return path


@pytest.fixture(params=("postgresql", "mongodb"))
async def store(request: pytest.FixtureRequest, environment: dict[str, str], three: Path) -> str:
    """The name of a store that holds the three movies: each of the two."""
    name = str(request.param)
    await load(environment, three, name)
    return name


@pytest.fixture
async def loaded(environment: dict[str, str], three: Path) -> None:
    """The default store holds the three movies, where a test has nothing to do with stores."""
    await load(environment, three)


def told(run: Run, *words: str) -> Any:
    """What a command that succeeds tells a program."""
    done = run(*words, "--json")
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def titles(found: Any) -> list[str]:
    return [movie["title"] for movie in found["movies"]]


class TestGet:
    def test_a_movie_is_shown_to_a_person_and_to_a_program(self, run: Run, store: str) -> None:
        assert re.search(r"^Title +Alien$", run("--store", store, "get", "a1").stdout, re.M)
        movie = told(run, "--store", store, "get", "a1")
        assert (movie["id"], movie["title"], movie["year"], movie["plot"]) == ("a1", "Alien", 1979, None)
        assert movie["genres"] == ["Horror", "Sci-Fi"]
        assert movie["version"] > 0

    def test_no_such_movie_has_a_code_of_its_own(self, run: Run, store: str) -> None:
        for id in ("none", "\x1b[31mnone", b"\xff".decode("utf-8", "surrogateescape"), ""):
            done = run("--store", store, "get", id, "--json")
            assert (done.returncode, done.stdout) == (3, "")
            assert len(done.stderr.splitlines()) == 1
            assert "\x1b" not in done.stderr

    def test_a_store_that_is_away_is_no_missing_movie(self, run: Run) -> None:
        done = run("get", "a1", DATABASE_URL="postgresql://me:secret@127.0.0.1:1/none")
        assert (done.returncode, done.stdout) == (1, "")
        assert done.stderr.startswith("reelcache: ")
        assert "secret" not in done.stderr


class TestFind:
    def test_a_window_of_an_answer_in_an_order(self, run: Run, store: str) -> None:
        found = told(run, "--store", store, "find", "--sort", "year", "--desc")
        assert (found["total"], found["offset"], titles(found)) == (3, 0, ["Brazil", "Alien", "Ridley"])
        assert found["movies"][1] == told(run, "--store", store, "get", "a1")
        found = told(run, "--store", store, "find", "--offset", "1", "--limit", "1")
        assert (found["total"], found["offset"], titles(found)) == (3, 1, ["Brazil"])

    def test_a_person_sees_a_line_for_each_movie_and_how_many_there_are(self, run: Run, store: str) -> None:
        done = run("--store", store, "find", "scott")
        assert done.stdout == "a1  1979  Alien\nc3     –  Ridley\n"
        assert done.stderr == "1 to 2 of 2 that match.\n"

    @pytest.mark.usefixtures("loaded")
    def test_the_quotes_that_the_shell_took_away_are_put_back(self, run: Run) -> None:
        assert titles(told(run, "find", "director:ridley scott")) == ["Alien"]
        assert titles(told(run, "find", "director:scott genre:drama")) == ["Ridley"]

    @pytest.mark.parametrize("words", [("zardoz",), ("--offset", "3"), ("--offset", "1000000000")])
    @pytest.mark.usefixtures("loaded")
    def test_none_listed_is_not_found(self, run: Run, words: tuple[str, ...]) -> None:
        done = run("find", *words, "--json")
        assert done.returncode == 3
        assert json.loads(done.stdout)["movies"] == []
        assert run("find", *words).stdout == ""

    @pytest.mark.parametrize(
        "words",
        [("--limit", "0"), ("--limit", "1001"), ("--offset", "-1"), ("--sort", "plot"), ("yeer:1985",), ("\x1b[2J",)],
    )
    def test_what_cannot_be_asked_is_bad_input(self, run: Run, words: tuple[str, ...]) -> None:
        # The address would fail if it were tried: a slip costs no server.
        done = run("find", *words, DATABASE_URL="postgresql://127.0.0.1:1/none")
        assert (done.returncode, done.stdout) == (2, "")
        assert "\x1b" not in done.stderr

    def test_completion_knows_the_sorts(self, run: Run) -> None:
        asked = {"_REELCACHE_COMPLETE": "complete_bash", "COMP_WORDS": "reelcache find --sort ", "COMP_CWORD": "3"}
        assert set(run(**asked).stdout.split()) == {*SORTS, *TRENDS}

    def test_a_reader_that_has_seen_enough_ends_it_quietly(
        self, run: Run, environment: dict[str, str], tmp_path: Path
    ) -> None:
        rows = "".join(f"n{n},Film {n} {'x' * 200}\n" for n in range(1_000))
        (tmp_path / "many.csv").write_text("id,title\n" + rows, "utf-8")
        assert run("load", "many.csv").returncode == 0
        with subprocess.Popen(
            [*PROGRAM, "find", "--limit", "1000", "--json"],
            cwd=tmp_path,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            process.stdout.read(10)
            process.stdout.close()
            assert process.stderr.read() == b""
        assert process.returncode == 141


class TestGenres:
    def test_they_are_counted_under_a_filter(self, run: Run, store: str) -> None:
        assert told(run, "--store", store, "genres") == {"Sci-Fi": 2, "Drama": 1, "Horror": 1}
        assert told(run, "--store", store, "genres", "year:1985") == {"Sci-Fi": 1}
        assert told(run, "--store", store, "genres", "genre:horror") == {"Sci-Fi": 1, "Horror": 1}
        assert re.search(r"^Sci-Fi +2$", run("--store", store, "genres").stdout, re.M)
        assert told(run, "--store", store, "genres", "zardoz") == {}

    @pytest.mark.parametrize("word", ["yeer:1985", "year:", "genre:horrr"])
    @pytest.mark.usefixtures("loaded")
    def test_a_filter_that_means_nothing_is_bad_input(self, run: Run, word: str) -> None:
        done = run("genres", word)
        assert (done.returncode, done.stdout) == (2, "")
        assert done.stderr.startswith("reelcache: ")


class TestStats:
    def test_store_and_cache_are_told_of(self, run: Run, store: str) -> None:
        found = told(run, "--store", store, "stats")
        assert (found["store"], found["movies"]) == (store, 3)
        assert found["cache"]["used"] is True
        assert found["cache"]["why_not"] is None
        assert found["redis"]["clients"] >= 1
        seen = run("--store", store, "stats").stdout
        assert f"{store}, 3 movies" in seen
        assert re.search(r"^Cache +believed$", seen, re.M)
        assert "not seen from here" in seen

    def test_redis_away_is_told_and_the_store_is_still_counted(self, run: Run) -> None:
        away = {"REDIS_URL": "redis://:secret@127.0.0.1:1/0"}
        done = run("stats", "--json", **away)
        found = json.loads(done.stdout)
        assert (done.returncode, found["movies"], found["redis"], found["cache"]["used"]) == (1, 0, None, False)
        assert found["cache"]["why_not"]
        assert "secret" not in done.stdout
        assert re.search(r"^Cache +not used: ", run("stats", **away).stdout, re.M)

    def test_no_server_that_it_started_is_left(self, run: Run, state_dir: Path) -> None:
        own = {"REDIS_URL": "", "REELCACHE_STATE_DIR": str(state_dir)}
        done = run("stats", "--json", **own)
        assert done.returncode == 0
        assert json.loads(done.stdout)["redis_url"].startswith("unix:")
        assert run("stop", **own).stdout == "No embedded server was running.\n"


class TestEdit:
    def test_old_and_new_values_are_shown_and_saved(self, run: Run, store: str) -> None:
        sets = ("--set", "runtime=118", "--set", "genres=Horror, Thriller", "--set", "directors=")
        done = run("--store", store, "edit", "a1", *sets)
        assert (done.returncode, done.stderr) == (0, "")
        *changes, last = done.stdout.splitlines()
        assert changes == [
            "Runtime: 117 -> 118",
            "Genres: Horror, Sci-Fi -> Horror, Thriller",
            "Directors: Ridley Scott -> –",
        ]
        movie = told(run, "--store", store, "get", "a1")
        assert last == f"Saved as version {movie['version']}."
        assert (movie["runtime"], movie["genres"], movie["directors"]) == (118, ["Horror", "Thriller"], [])

    @pytest.mark.usefixtures("loaded")
    def test_a_dry_run_saves_nothing(self, run: Run) -> None:
        before = told(run, "get", "b2")
        found = told(run, "edit", "b2", "--set", "released=1985-02-20", "--dry-run")
        assert found == {
            "id": "b2",
            "version": before["version"],
            "saved": False,
            "changes": [{"field": "released", "old": None, "new": "1985-02-20"}],
        }
        assert told(run, "get", "b2") == before

    def test_what_is_so_already_makes_no_version(self, run: Run, store: str) -> None:
        before = told(run, "--store", store, "get", "a1")["version"]
        found = told(run, "--store", store, "edit", "a1", "--set", "runtime=117")
        assert (found["version"], found["saved"], found["changes"]) == (before, False, [])

    def test_a_movie_that_moved_on_is_a_conflict(self, run: Run, store: str) -> None:
        seen = told(run, "--store", store, "get", "a1")["version"]
        now = told(run, "--store", store, "edit", "a1", "--set", "runtime=118", "--version", str(seen))["version"]
        done = run("--store", store, "edit", "a1", "--set", "runtime=119", "--version", str(seen), "--json")
        assert (done.returncode, done.stdout) == (4, "")
        assert f"at version {now} now, not at {seen}" in done.stderr
        assert told(run, "--store", store, "get", "a1")["runtime"] == 118

    @pytest.mark.usefixtures("loaded")
    def test_a_movie_that_moves_on_meanwhile_is_a_conflict(self, environment: dict[str, str], tmp_path: Path) -> None:
        url = environment["DATABASE_URL"]
        with psycopg.connect(url) as rival, psycopg.connect(url, autocommit=True) as onlooker:
            rival.execute("update reelcache.movies set title = 'Aliens' where id = 'a1'")
            with subprocess.Popen(
                [*PROGRAM, "edit", "a1", "--set", "runtime=118"],
                cwd=tmp_path,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            ) as process:
                waits = "select count(*) from pg_stat_activity where datname = current_database() and %s = any"
                waits += "(pg_blocking_pids(pid))"
                while onlooker.execute(waits, [rival.info.backend_pid]).fetchone() == (0,):
                    assert process.poll() is None
                rival.commit()
                output, problem = process.communicate(timeout=60)
        assert (process.returncode, output) == (4, ""), problem
        assert "'Aliens' is at version" in problem

    @pytest.mark.parametrize(
        ("word", "reason"),
        [
            ("runtime=long", "whole number"),
            ("runtime=0", "between 1 and"),
            ("title=", "required"),
            ("title=\x1b[31mred", "forbidden"),
        ],
    )
    @pytest.mark.usefixtures("loaded")
    def test_a_value_that_breaks_a_rule_is_bad_input(self, run: Run, word: str, reason: str) -> None:
        done = run("edit", "a1", "--set", "year=1980", "--set", word)
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr
        assert "\x1b" not in done.stderr
        assert told(run, "get", "a1")["year"] == 1979

    @pytest.mark.parametrize(
        ("words", "reason"),
        [
            ((), "--set"),
            (("--set", "runtime"), "field=value"),
            (("--set", "lenght=1"), "is no field"),
            (("--set", "\x1b[2J=1"), "is no field"),
            (("--set", "id=b9"), "cannot be changed"),
            (("--set", "year=1980", "--set", "year=1981"), "twice"),
        ],
    )
    def test_what_names_no_field_is_refused_before_a_server_is_asked(
        self, run: Run, words: tuple[str, ...], reason: str
    ) -> None:
        done = run("edit", "a1", *words, DATABASE_URL="postgresql://127.0.0.1:1/none")
        assert (done.returncode, done.stdout) == (2, "")
        assert reason in done.stderr
        assert "\x1b" not in done.stderr

    def test_no_such_movie(self, run: Run, store: str) -> None:
        done = run("--store", store, "edit", "none", "--set", "year=1980")
        assert (done.returncode, done.stdout) == (3, "")


def test_no_text_of_a_movie_steers_the_terminal(run: Run, environment: dict[str, str]) -> None:
    assert run("find").returncode == 3, "the table is there"
    with psycopg.connect(environment["DATABASE_URL"]) as connection:
        connection.execute(
            "insert into reelcache.movies (id, title, genres) values ('x1', %s, %s)",
            ["\x1b[31mRed", ["\x1b]0;owned\x07"]],
        )
    edit = ("edit", "x1", "--set", "title=Red", "--set", "genres=", "--dry-run")
    for words in (("find",), ("get", "x1"), ("genres",), edit):
        for form in ((), ("--json",)):
            done = run(*words, *form)
            assert done.returncode == 0, done.stderr
            assert not set("\x1b\x07") & set(done.stdout + done.stderr)


class TestPlaces:
    def test_theaters_are_loaded_and_found_from_a_city(self, run: Run, tmp_path: Path) -> None:
        file = tmp_path / "cinemas.csv"
        file.write_text("name,lat,lon,country\nRex,48.87,2.347,FR\nSwapped,2.347,48.87,FR\nFar,200,0,\n", "utf-8")
        done = run("places", "load", "cinemas.csv")
        assert done.returncode == 0
        assert "3 read, 1 stored, 0 unchanged, 2 rejected" in done.stdout
        assert "cinemas.rejects.csv" in done.stdout
        assert "Refused: cinemas.csv line 3: latitude 2.347 and longitude 48.87 look exchanged" in done.stderr
        assert "Exchange the two columns" in done.stderr
        assert "line 4: latitude 200" in done.stderr
        found = told(run, "places", "near", "paris", "--radius", "300", "--limit", "3")
        assert [(near["name"], near["kind"]) for near in found["places"]] == [
            ("Paris", "city"),
            ("Rex", "theater"),
            ("Brussels", "city"),
        ]
        assert found["places"][1]["distance_km"] == pytest.approx(1.86, abs=0.1)
        assert "GeoNames" in found["credit"]
        seen = run("places", "near", "48.85,2.35", "--box", "600x600", "--only", "theater")
        assert re.search(r"2\.\d km +theater +Rex", seen.stdout)
        assert "in a box of 600 × 600 km around 48.85, 2.35, by Redis" in seen.stderr
        for words, said in (
            (("near", "Pariss"), "Did you mean Paris"),
            (("near", "Paris", "--radius", "30000"), "more than half the way around the Earth"),
            (("near", "Paris", "--box", "wide"), "Write it as --box 300x200"),
            (("near", "Paris", "--only", "venue"), "--only city or --only theater"),
        ):
            refused = run("places", *words)
            assert (refused.returncode, refused.stdout) == (2, "")
            assert said in refused.stderr
        empty = run("places", "near", "33.0,-140.0", "--radius", "5")
        assert (empty.returncode, empty.stdout) == (3, "")
        (tmp_path / "empty.csv").write_text("name,lat,lon\n", "utf-8")
        for name, said in (("none.csv", "does not exist"), ("empty.csv", "has no theater in it")):
            refused = run("places", "load", name)
            assert refused.returncode == 1
            assert said in refused.stderr
