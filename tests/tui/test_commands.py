"""The commands as a person runs them: in a process of their own, on real servers, with and without a terminal."""

from __future__ import annotations

import asyncio
import csv
import gzip
import io
import random
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from pymongo import AsyncMongoClient
from pymongo.asynchronous.collection import AsyncCollection
from rich.console import Console

from core import LoadProgress
from tests.core.stores.sample_mflix import DOCUMENTS
from tests.tui.shell import Run, environment, on_a_terminal, run
from tui.loading import ProgressLine

__all__ = ["environment", "run"]

COMMANDS = (
    "load",
    "doctor",
    "check",
    "get",
    "find",
    "genres",
    "stats",
    "places",
    "keys",
    "key",
    "edit",
    "config",
    "stop",
    "reset",
    "adopt",
    "web",
    "api",
)


def noise(count: int) -> str:
    """A CSV file that gzip cannot make much smaller."""
    source = random.Random(7)
    return "id,title,year\n" + "".join(f"n{n},Film {source.random()},1999\n" for n in range(count))


class TestHelp:
    def test_the_first_page_has_an_example_for_each_command(self, run: Run) -> None:
        page = run("--help").stdout
        assert all(re.search(rf"^ +reelcache .*\b{command}\b", page, re.M) for command in COMMANDS)
        assert "..." not in page.replace("[ARGS]...", ""), "no sentence is cut off"

    @pytest.mark.parametrize("command", COMMANDS)
    def test_each_command_has_an_example_and_points_to_the_other_options(self, run: Run, command: str) -> None:
        page = run(command, "--help").stdout
        assert re.search(rf"Example: reelcache .*{command}", page)
        assert "reelcache --help" in page

    def test_completion_knows_the_names(self, run: Run) -> None:
        for words, names in (
            ("reelcache --store ", {"postgresql", "mongodb"}),
            ("reelcache --strategy ", {"cache-aside", "write-through", "no-cache"}),
            ("reelcache ", set(COMMANDS)),
        ):
            asked = {"_REELCACHE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
            assert set(run(**asked).stdout.split()) == names


class TestRefusals:
    @pytest.mark.parametrize(
        ("words", "told"),
        [
            ((), "needs a terminal"),
            (("--bogus",), "--bogus"),
            (("frobnicate",), "frobnicate"),
            (("--store", "oracle"), "Choose one of: postgresql, mongodb."),
            (("load", "--store", "oracle"), "Choose one of: postgresql, mongodb."),
            (("--strategy", "guess", "doctor"), "Choose one of: cache-aside, write-through, no-cache."),
            (("--config", "none.toml", "doctor"), "none.toml"),
            (("reset",), "--yes"),
        ],
    )
    def test_a_wrong_word_costs_one_sentence(self, run: Run, words: tuple[str, ...], told: str) -> None:
        done = run(*words)
        assert done.returncode == 2
        assert told in done.stderr

    def test_a_file_that_is_none(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "empty.csv").write_text("")
        for name, reason in (("none.csv", "does not exist"), (".", "is a folder"), ("empty.csv", "is empty")):
            done = run("load", name)
            assert (done.returncode, done.stdout) == (1, "")
            assert reason in done.stderr

    def test_a_name_never_steers_the_terminal(self, run: Run) -> None:
        assert "\x1b" not in run("load", "\x1b[31mred.csv").stderr


class TestLoad:
    @pytest.mark.parametrize("store", ["postgresql", "mongodb"])
    def test_twice_changes_nothing_and_the_rejects_are_named(self, run: Run, tmp_path: Path, store: str) -> None:
        (tmp_path / "films.csv").write_text("id,title,year\na,One,1999\nb,,2000\na,Two,2001\nc,Three,1895\n")
        first = run("load", "films.csv", "--store", store)
        assert first.returncode == 0, first.stderr
        assert first.stderr == "films.csv: CSV\n"
        assert "4 read, 2 stored, 0 unchanged, 2 rejected." in first.stdout
        named = tmp_path / "films.rejects.csv"
        assert first.stdout.splitlines()[1].endswith(str(named))
        with named.open(newline="") as file:
            assert [row["line"] for row in csv.DictReader(file)] == ["3", "4"]
        assert "4 read, 0 stored, 2 unchanged, 2 rejected." in run("load", "films.csv", "--store", store).stdout

    def test_invented_movies_are_always_the_same(self, run: Run) -> None:
        first = run("load", "--synthetic", "700", "--seed", "3")
        assert (first.returncode, first.stderr) == (0, "700 invented movies, seed 3: none of them is real\n")
        assert "700 read, 700 stored, 0 unchanged, 0 rejected." in first.stdout
        assert "500 read, 0 stored, 500 unchanged" in run("load", "--synthetic", "500", "--seed", "3").stdout
        assert '"type": "fictional movie"' in run("get", "sy0000001", "--json").stdout
        assert run("load", "films.csv", "--synthetic", "5").returncode == 2
        refused = run("load", "--synthetic", "0")
        assert refused.returncode == 2
        assert "Ask for 1 to 9,999,999" in refused.stderr

    def test_what_was_put_right_silently_is_told(self, run: Run, tmp_path: Path) -> None:
        lines = ["title,year", "Élan,1999"]
        (tmp_path / "mixed.csv").write_bytes("\n".join(lines).encode() + b"\nCaf\xe9,2000" * 9)
        told = run("load", "mixed.csv").stdout.splitlines()[1:]
        assert "Note: line 3: invalid bytes were replaced by U+FFFD" in told
        assert told[-1] == "Note: 4 more of this kind."

    def test_a_cut_off_file_loses_nothing_that_it_still_holds(self, run: Run, tmp_path: Path) -> None:
        packed = gzip.compress(noise(1_500).encode())
        (tmp_path / "cut.csv.gz").write_bytes(packed[: len(packed) // 2])
        cut = run("load", "cut.csv.gz")
        assert cut.returncode == 1
        line = re.search(r"after line (\d+)", cut.stderr)
        assert line is not None
        good = int(line[1]) - 1
        assert 250 < good < 1_500
        assert f"({good} stored, 0 unchanged)" in cut.stderr
        (tmp_path / "cut.csv.gz").write_bytes(packed)
        assert f"1,500 read, {1_500 - good} stored, {good} unchanged" in run("load", "cut.csv.gz").stdout

    def test_a_terminal_shows_the_rate_and_the_time_left(self, environment: dict[str, str], tmp_path: Path) -> None:
        (tmp_path / "many.csv").write_text(noise(6_000))
        code, seen = on_a_terminal(environment, "load", str(tmp_path / "many.csv"))
        assert code == 0
        assert re.search(r"into postgresql .* rows, [\d,]+/s .*\d:\d\d", seen)
        assert "6,000 read, 6,000 stored" in seen

    def test_ctrl_c_keeps_what_was_read(self, environment: dict[str, str], run: Run, tmp_path: Path) -> None:
        path = tmp_path / "many.csv"
        # More than is stored while this process, which is to type, gets no processor for some seconds.
        path.write_text(noise(100_000))
        code, seen = on_a_terminal(environment, "load", str(path), when=r"rows, [\d,]+/s", then=b"\x03")
        assert code == 130
        figures = re.search(r"Stopped after .* s: ([\d,]+) read, ([\d,]+) stored", seen)
        assert figures is not None
        assert figures[1] == figures[2]
        assert "load the file again for the rest" in seen
        path.write_text(noise(int(figures[1].replace(",", "")) + 1_000))
        assert f" 1,000 stored, {figures[2]} unchanged" in run("load", str(path)).stdout


class TestAdopt:
    @pytest.fixture
    async def movies(self, mongo_url: str) -> AsyncIterator[AsyncCollection[dict[str, Any]]]:
        async with AsyncMongoClient[dict[str, Any]](mongo_url) as client:
            collection = client.get_default_database()["movies"]
            await collection.insert_many([dict(document) for document in DOCUMENTS[:2]])
            yield collection

    async def test_asks_adopts_and_gives_back(self, run: Run, movies: AsyncCollection[dict[str, Any]]) -> None:
        before = await movies.find().to_list()
        unasked = run("adopt")
        assert unasked.returncode == 2
        assert "--yes" in unasked.stderr
        assert await movies.find().to_list() == before
        assert "2 movies adopted." in run("adopt", "--yes").stdout
        assert await movies.count_documents({"reelcache": {"$exists": True}}) == 2
        assert "nothing needs adding" in run("adopt").stdout
        assert run("adopt", "--remove").returncode == 2
        assert "2 documents are as they were" in run("adopt", "--remove", "--yes").stdout
        assert await movies.find().to_list() == before

    @pytest.mark.parametrize(("typed", "code"), [(b"n\n", 1), (b"\x03", 1)])
    async def test_no_and_ctrl_c_change_nothing(
        self, environment: dict[str, str], movies: AsyncCollection[dict[str, Any]], typed: bytes, code: int
    ) -> None:
        before = await movies.find().to_list()
        answered = await asyncio.to_thread(on_a_terminal, environment, "adopt", when=r"\[y/N\]", then=typed)
        assert answered[0] == code, answered[1]
        assert await movies.find().to_list() == before

    def test_the_embedded_one_needs_none(self, run: Run) -> None:
        refused = run("adopt", MONGO_URL="")
        assert refused.returncode == 2
        assert "--mongo-url" in refused.stderr


class TestServers:
    def test_doctor_tells_of_each_server_how_found_which_version_and_how_long(self, run: Run) -> None:
        done = run("doctor")
        assert done.returncode == 0, done.stdout
        for server in ("redis", "postgresql", "mongodb"):
            assert re.search(rf"^{server}: answers, version [\d.]+ \(\d+ ms\)\n  found: by URL: ", done.stdout, re.M)

    def test_doctor_says_where_the_choices_of_the_screen_are_and_whether_they_can_be_read(
        self, run: Run, tmp_path: Path
    ) -> None:
        file = tmp_path / "reelcache" / "remembered.json"
        file.parent.mkdir()
        file.write_text("{")
        told = run("doctor", XDG_CONFIG_HOME=str(tmp_path)).stdout
        assert f"Choices of the screen: {file}" in told
        assert "cannot be read" in told

    def test_doctor_says_what_to_do(self, run: Run) -> None:
        done = run("doctor", REDIS_URL="redis://:secret@127.0.0.1:1/0")
        assert done.returncode == 1
        assert "redis: in trouble" in done.stdout
        assert "what to do:" in done.stdout
        assert "secret" not in done.stdout

    def test_stop_and_reset_where_nothing_runs(self, run: Run) -> None:
        assert run("stop").stdout == "No embedded server was running.\n"
        assert run("reset", "--yes").returncode == 0

    def test_reset_asks(self, environment: dict[str, str]) -> None:
        for typed, code, told in (
            (b"n\n", 1, "Nothing was changed."),
            (b"\x03", 1, "Aborted"),
            (b"y\n", 0, "Deleted."),
        ):
            left, seen = on_a_terminal(environment, "reset", when=r"\[y/N\]", then=typed)
            assert (left, told in seen) == (code, True), seen


def test_the_time_left_begins_anew_behind_the_shipped_movies() -> None:
    screen = io.StringIO()
    with ProgressLine(Console(file=screen, force_terminal=True, width=100)) as line:
        line.show(LoadProgress(17_472, 17_472, 0, 0, seconds=9.0, fraction=1.0))
        line.begin("into postgresql")
        line.show(LoadProgress(250, 250, 0, 0, seconds=1.0, fraction=0.01))
    last = screen.getvalue().rpartition("into postgresql")[2]
    assert "250 rows" in last
    assert "0:00:00" not in last
