"""The browsing mix of `core/lab/visitors.py`, over HTTP: windows, movies, searches, genres, and edits where asked for.

Movies are asked for by a Zipf law. A closed loop: each user waits for one answer before the next question, and thinks
about none, so that a slow answer means fewer questions. `python -m tests.load` runs it; by hand:

    locust -f tests/load/locustfile.py --headless --users 16 --seconds 20 --stop-timeout 10 --host URL
"""

from __future__ import annotations

import argparse
import sys
import time
from collections import Counter
from collections.abc import Callable
from random import Random
from typing import Any, Final
from urllib.parse import quote

import gevent
import msgspec
from locust import FastHttpUser, events
from locust.env import Environment

from core.lab.visitors import WINDOW
from core.lab.zipf import Zipf
from tests.load.told import Told, percentile

SKEW: Final = 1.0
_SPREAD: Final = 1_000_003
"""Spreads the popular ranks over the table, whose first rows would else be the popular ones."""
_SHORTEST_WORD: Final = 4


class Tally:
    """What all users asked for and were told, in this process."""

    def __init__(self) -> None:
        self.milliseconds: list[float] = []
        self.failures: Counter[str] = Counter()
        self.cache: Counter[str] = Counter()
        self.served = 0
        self.began = self.ended = time.perf_counter()
        self.movies: dict[int, tuple[str, str]] = {}
        """Id and title by row of the whole table."""
        self.zipf: Zipf | None = None

    def told(self) -> Told:
        """The figures for whoever started this."""
        return Told(
            requests=len(self.milliseconds),
            failures=dict(self.failures),
            seconds=self.ended - self.began,
            p50=percentile(self.milliseconds, 0.50),
            p95=percentile(self.milliseconds, 0.95),
            p99=percentile(self.milliseconds, 0.99),
            cache=dict(self.cache),
            served=self.served,
        )


TALLY: Final = Tally()


class Browser(FastHttpUser):
    """One person. The mix is in percent of the questions: windows, searches and genres as below, movies the rest."""

    host = "http://127.0.0.1:8000"
    network_timeout = 30.0
    windows: Final = 20.0
    searches: Final = 6.0
    genres: Final = 2.0
    _count = 0

    def on_start(self) -> None:
        Browser._count += 1
        self.random = Random(f"{self.environment.parsed_options.seed}-{Browser._count}")
        self.edits = float(self.environment.parsed_options.edits)

    def wait_time(self) -> float:
        """They think about nothing."""
        return 0.0

    def ask(self) -> None:
        """The next question."""
        row, drawn = self._row(), self.random.uniform(0, 100)
        if row is None or drawn < self.windows or row not in TALLY.movies:
            self._window(row or 0)
        elif drawn < self.windows + self.searches:
            words = [word for word in TALLY.movies[row][1].split() if len(word) >= _SHORTEST_WORD and word.isalpha()]
            self._listed(f"/movies?limit={WINDOW}&q={quote(words[0] if words else 'the')}", "search")
        elif drawn < self.windows + self.searches + self.genres:
            self._served(self._get(f"/genres?year_from={1940 + row % 70}", "genres"), 1)
        else:
            self._movie(TALLY.movies[row][0], self.random.uniform(0, 100) < self.edits)

    tasks = [ask]  # noqa: RUF012 - where Locust looks for them

    def _row(self) -> int | None:
        """A row of the whole table, the popular ones more often; None while nobody knows how many there are."""
        if TALLY.zipf is None:
            return None
        return TALLY.zipf.draw() * _SPREAD % TALLY.zipf.ranks

    def _window(self, row: int) -> None:
        offset = row // WINDOW * WINDOW
        page = self._listed(f"/movies?limit={WINDOW}&offset={offset}", "window")
        if page is None or not page["total"]:
            return
        TALLY.movies.update(enumerate(((movie["id"], movie["title"]) for movie in page["movies"]), offset))
        if TALLY.zipf is None or TALLY.zipf.ranks != page["total"]:
            TALLY.zipf = Zipf(page["total"], SKEW, Random(self.environment.parsed_options.seed))

    def _listed(self, path: str, name: str) -> Any:
        page = self._get(path, name)
        # Each movie is one read, and their order is one.
        self._served(page, 1 + len(page["movies"]) if page is not None else 0)
        return page

    def _movie(self, id: str, edit: bool) -> None:
        with self.client.get(f"/movies/{id}", name="movie", catch_response=True) as answer:
            movie = _body(answer)
            etag = answer.headers.get("ETag") if movie is not None else None
        self._served(movie, 1)
        if movie is None or not edit or "critic_reviews" not in movie:
            return
        movie["critic_reviews"] ^= 1
        with self.client.put(
            f"/movies/{id}", json=movie, headers={"If-Match": str(etag)}, name="edit", catch_response=True
        ) as answer:
            if answer.status_code == 412:
                answer.success()  # another one was faster, which is what versions are for
            else:
                _body(answer)

    def _get(self, path: str, name: str) -> Any:
        with self.client.get(path, name=name, catch_response=True) as answer:
            return _body(answer)

    def _served(self, body: object, movies: int) -> None:
        if body is not None:
            TALLY.served += movies


def _body(answer: Any) -> Any:
    """The JSON of an answer that says where it came from; None, and a failure, of any other."""
    if answer.status_code != 200:
        answer.failure(f"status {answer.status_code}: {str(answer.text)[:200]}")
        return None
    if (word := answer.headers.get("X-Cache")) is None:
        answer.failure("no X-Cache")
        return None
    TALLY.cache[word] += 1
    return answer.json()


def _options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--edits", type=float, default=0.0, help="percent of the movies looked at that are edited")
    parser.add_argument("--seed", type=int, default=1, help="the same seed asks for the same movies")
    parser.add_argument("--seconds", type=float, default=20.0, help="how long they stay")
    parser.add_argument("--least", type=int, default=0, help="questions that they stay for, however long that takes")
    parser.add_argument("--told", default="", help="a file for the figures, as JSON; none: they are printed")


def _answered(response_time: float, name: str, exception: object, **more: object) -> None:
    TALLY.milliseconds.append(response_time)
    TALLY.ended = time.perf_counter()
    if exception is not None:
        TALLY.failures[f"{name}: {exception}"] += 1


def _begun(environment: Environment, **more: object) -> None:
    TALLY.began = time.perf_counter()
    gevent.spawn(_end_in_time, environment)


def _end_in_time(environment: Environment) -> None:
    asked = environment.parsed_options
    assert asked is not None
    assert environment.runner is not None
    while time.perf_counter() - TALLY.began < asked.seconds or len(TALLY.milliseconds) < asked.least:
        gevent.sleep(0.05)
    environment.runner.quit()


def _report(environment: Environment, **more: object) -> None:
    told = msgspec.json.encode(TALLY.told()).decode()
    if path := environment.parsed_options and environment.parsed_options.told:
        with open(path, "w", encoding="utf-8") as file:
            file.write(told)
    else:
        sys.stdout.write(told + "\n")


LISTENERS: Final[tuple[tuple[Any, Callable[..., None]], ...]] = (
    (events.init_command_line_parser, _options),
    (events.request, _answered),
    (events.test_start, _begun),
    (events.quitting, _report),
)
for event, listener in LISTENERS:
    event.add_listener(listener)
