"""Movies over HTTP: read and written under their version, listed window by window, and where each answer came from."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import msgspec
import pytest

from core import Settings
from core.model import FIELD, Movie
from tests.core.movies import movie
from tests.core.sources import ListSource
from tests.tui.api.serving import Api, believed, serving, twice_when_believed, when_believed
from tui.api import bodies

ALIEN = movie(7, id="alien", title="Alien", year=1979, genres=("Horror", "Sci-Fi"), directors=("Ridley Scott",))
BRAZIL = movie(8, id="brazil", title="Brazil", year=1985, genres=("Sci-Fi",), directors=("Terry Gilliam",))
CASABLANCA = movie(9, id="casablanca", title="Casablanca", year=1942, genres=("Drama",), countries=("United States",))


@pytest.fixture
def settings(redis_url: str, postgres_url: str, tmp_path: Path) -> Settings:
    return Settings(redis_url=redis_url, postgres_url=postgres_url, state_dir=tmp_path)


@pytest.fixture
async def api(settings: Settings) -> AsyncIterator[Api]:
    """The API over three movies."""
    async with serving(settings) as served:
        await served.catalogue.load(ListSource([ALIEN, BRAZIL, CASABLANCA]))
        await believed(served)
        yield served


async def test_a_movie_is_read_changed_and_removed_under_its_version(api: Api) -> None:
    created = await api.ask("POST", "/movies", body={"id": "new", "title": " Néw\tone "})
    assert (created.status, created.headers["location"]) == (201, "/movies/new")
    assert created.said == {"id": "new", "version": int(created.etag.strip('"')), "title": "Néw one"}
    read = await api.get("/movies/new")
    assert (read.status, read.said, read.etag) == (200, created.said, created.etag)
    assert (await api.get("/movies/new", If_None_Match=f'"1", W/{read.etag}')).status == 304
    assert (await api.get("/movies/new", If_None_Match="*")).status == 304
    assert (await api.get("/movies/new", If_None_Match='"1", "a,b"')).status == 200

    changed = await api.ask("PUT", "/movies/new", body=read.said | {"year": 2001}, If_Match=read.etag)
    assert (changed.status, changed.said["year"]) == (200, 2001)
    assert changed.etag != read.etag
    late = await api.ask("PUT", "/movies/new", body={"title": "Late"}, If_Match=read.etag)
    assert (late.status, late.etag, late.said["current"]) == (412, changed.etag, changed.said)
    assert late.said["remedy"]
    same = await api.ask("PUT", "/movies/new", body=changed.said | {"year": 2001.0}, If_Match=changed.etag)
    assert (same.status, same.said["year"]) == (200, 2001), "JSON has one kind of number"
    changed = same
    bare = await api.ask("PUT", "/movies/new", body={"title": "Bare"}, If_Match=f'"1", {changed.etag}')
    assert (bare.status, "year" in bare.said) == (200, False), "what is left out becomes unknown"

    for method, path, status in (("POST", "/movies", 409), ("POST", "/movies/new", 409)):
        await api.refused(status, method, path, body={"id": "new", "title": "Again"})
    await api.refused(412, "PUT", "/movies/new", body={"title": "Again"}, If_None_Match="*")
    under = await api.ask("PUT", "/movies/under:its.own-id", body={"title": "Under"}, If_None_Match="*")
    assert (under.status, under.headers["location"]) == (201, "/movies/under:its.own-id")
    assert (await api.ask("POST", "/movies/b", body={"title": "B", "version": 99})).said["version"] != 99

    await api.refused(412, "DELETE", "/movies/new", If_Match=changed.etag)
    gone = await api.ask("DELETE", "/movies/new", If_Match=bare.etag)
    assert (gone.status, gone.said) == (204, None)
    for method, body in (("GET", None), ("DELETE", None), ("PUT", {"title": "Gone"})):
        await api.refused(404, method, "/movies/new", body=body, If_Match=bare.etag)


async def test_every_answer_says_where_it_came_from(api: Api, settings: Settings) -> None:
    first, second = await twice_when_believed(api, "/movies/alien", "/movies/brazil", "/movies/casablanca")
    assert (first.cache, second.cache) == ("miss", "hit")
    known = f"/movies/{first.said['id']}"
    assert second.headers["x-cache-strategy"] == "cache-aside"
    assert second.headers["server-timing"].startswith("catalogue;dur=")
    assert second.headers["server-timing"].count("total;dur=") == 1
    head = await when_believed(api, known, method="HEAD")
    assert (head.status, head.said, head.etag, head.cache) == (200, None, second.etag, "hit")
    same = await when_believed(api, known, If_None_Match=second.etag)
    assert (same.status, same.cache) == (304, "hit")
    absent = await twice_when_believed(api, *(f"/movies/nobody-{n}" for n in range(3)))
    assert [(answer.status, answer.cache) for answer in absent] == [(404, "miss"), (404, "hit")]
    for paths in (
        ("/movies?q=alien", "/movies?q=brazil", "/movies?q=casablanca"),
        ("/genres", "/genres?q=alien", "/genres?q=brazil"),
    ):
        first, second = await twice_when_believed(api, *paths)
        assert (first.cache, second.cache in ("hit", "near")) == ("miss", True), paths
    assert (await api.get("/nothing")).cache == "bypass"

    await api.catalogue.near(True)
    async with asyncio.timeout(60):
        while (near := await when_believed(api, known)).cache != "near":
            assert near.cache == "hit"  # once, and as often as what is kept near was in doubt
    await api.catalogue.use_strategy("no-cache")
    for path in ("/movies/alien", "/movies/nobody", "/movies?q=alien", "/genres"):
        answer = await api.get(path)
        assert (answer.cache, answer.headers["x-cache-strategy"]) == ("bypass", "no-cache"), path


async def test_windows_follow_one_another(api: Api) -> None:
    page = await api.get("/movies?sort=year&limit=2")
    assert page.headers["link"] == '</movies?sort=year&limit=2&offset=2>; rel="next"'
    assert (page.said["total"], page.said["prev"]) == (3, None)
    ids = [each["id"] for each in page.said["movies"]]
    page = await api.get(page.said["next"])
    ids += [each["id"] for each in page.said["movies"]]
    assert ids == ["casablanca", "alien", "brazil"]
    assert (page.said["next"], page.said["prev"]) == (None, "/movies?sort=year&limit=2&offset=0")
    beyond = await api.get("/movies?sort=year&limit=2&offset=1000000000")
    assert (beyond.said["movies"], beyond.said["prev"]) == ([], "/movies?sort=year&limit=2&offset=2")


async def test_parameters_say_what_the_terms_of_their_name_say(api: Api) -> None:
    for asked, found in (
        ("q=alien", [ALIEN]),
        ("q=genre:horror%20year:1970..1980", [ALIEN]),
        ("genre=sci-fi", [ALIEN, BRAZIL]),
        ("genre=sci-fi&genre=HORROR", [ALIEN]),
        ("genre=Drama&q=genre:sci-fi", []),
        ("year_from=1979", [ALIEN, BRAZIL]),
        ("year_to=1979", [ALIEN, CASABLANCA]),
        ("year_from=1979&year_to=1979", [ALIEN]),
        ("director=scott", [ALIEN]),
        ("director=rid%20scott%22", [ALIEN]),
        ("country=united%20states", [CASABLANCA]),
        ("country=united&director=scott", []),
    ):
        listed = await api.get(f"/movies?{asked}")
        assert [each["id"] for each in listed.said["movies"]] == [each.id for each in found], asked
        turned = await api.get(f"/movies?{asked}&descending=true")
        assert [each["id"] for each in turned.said["movies"]] == [each.id for each in reversed(found)], asked
        counted = (await api.get(f"/genres?{asked}")).said["genres"]
        assert {each["name"]: each["count"] for each in counted} == Counter(g for m in found for g in m.genres), asked


async def test_bad_input_is_a_problem_of_its_own_kind(api: Api) -> None:
    alien = (await api.get("/movies/alien")).etag
    long = "a" * (FIELD["id"].longest + 1)
    for path, named in (
        ("/movies?limit=0", "limit"),
        ("/movies?limit=1001", "limit"),
        ("/movies?limit=many", "limit"),
        ("/movies?offset=-1", "offset"),
        ("/movies?offset=1000000001", "offset"),
        ("/movies?descending=perhaps", "descending"),
        ("/movies?year_from=1", "year_from"),
        ("/movies?year_from=2000&year_to=1990", "filter"),
        ("/movies?genre=horrible", "filter"),
        ("/movies?q=gnre:horror", "filter"),
        ("/movies?q=a&q=b", "q"),
        ("/movies?colour=red", "colour"),
        ("/movies/alien?colour=red", "colour"),
        ("/stats?colour=red", "colour"),
        ("/genres?limit=1", "limit"),
        ("/movies/%00", "id"),
        ("/movies/..%5c", "id"),
        ("/movies/%ff", "id"),
        ("/movies/a%20b", "id"),
        (f"/movies/{long}", "id"),
    ):
        problem = await api.refused(422, "GET", path)
        assert list(problem["problems"]) == [named], problem
        assert problem["remedy"]
    assert "title" in (await api.refused(422, "GET", "/movies?sort=nothing"))["remedy"]
    assert "U+0000" in (await api.refused(422, "GET", "/movies?q=%00"))["detail"]
    assert (await api.get("/movies?q=%ff%zz")).status == 200
    for path in ("/movies/a%2Fb", "/movies/", "/movies//", "/", "/docs", "/movies/..%2f..%2fetc"):
        assert (await api.refused(404, "GET", path))["remedy"]
    for method, path, allowed in (
        ("PATCH", "/movies/alien", "DELETE, GET, HEAD, POST, PUT"),
        ("DELETE", "/movies", "GET, HEAD, POST"),
        ("POST", "/stats", "GET, HEAD"),
    ):
        assert (await api.ask(method, path)).headers["allow"] == allowed
        await api.refused(405, method, path)
    for condition in ("", "garbage", '"1" "2"', "1", '"', '"a",'):
        await api.refused(400, "PUT", "/movies/alien", body={"title": "x"}, If_Match=condition)
        await api.refused(400, "DELETE", "/movies/alien", If_Match=condition)
        await api.refused(400, "GET", "/movies/alien", If_None_Match=condition)
    for condition in ('"7"', '"abc"', 'W/"7"', f"W/{alien}", f'"{2**63}"', f'"{10**30}"', '"007", "8"'):
        await api.refused(412, "PUT", "/movies/alien", body={"title": "x"}, If_Match=condition)
        await api.refused(412, "DELETE", "/movies/alien", If_Match=condition)
    for headers in ({}, {"If_Match": "*"}):
        await api.refused(428, "PUT", "/movies/alien", body={"title": "x"}, **headers)
        await api.refused(428, "DELETE", "/movies/alien", **headers)
    await api.refused(400, "PUT", "/movies/alien", body={"title": "x"}, If_Match=alien, If_None_Match="*")
    await api.refused(400, "PUT", "/movies/alien", body={"title": "x"}, If_None_Match=alien)
    assert (await api.get("/movies/alien")).etag == alien


BODIES: Final[tuple[tuple[bytes, int, set[str]], ...]] = (
    (b"", 400, set()),
    (b"{", 400, set()),
    (b'{"title": "\xff"}', 400, set()),
    (b'{"title": "\\ud800"}', 400, set()),
    (b"[" * 100_000, 422, {"body"}),
    (b'{"plot": ' + b"[" * 100_000, 422, {"plot"}),
    (b"[]", 422, {"body"}),
    (b"null", 422, {"body"}),
    (b"{}", 422, {"title"}),
    (b'{"title": null}', 422, {"title"}),
    (b'{"title": " "}', 422, {"title"}),
    (b'{"title": "a\\u0000"}', 422, {"title"}),
    (b'{"title": "x", "colour": "red"}', 422, {"colour"}),
    (b'{"title": "x", "year": "1979"}', 422, {"year"}),
    (b'{"title": "x", "year": true}', 422, {"year"}),
    (b'{"title": "x", "year": 1979.5, "runtime": 0.5}', 422, {"year", "runtime"}),
    (b'{"title": "x", "year": 1e300}', 422, {"year"}),
    (b'{"title": "x", "imdb_votes": 1e400}', 422, {"imdb_votes"}),
    (b'{"title": "x", "imdb_votes": 99999999999999999999999}', 422, {"imdb_votes"}),
    (b'{"title": "x", "genres": ["a", 1]}', 422, {"genres"}),
    (b'{"title": "x", "genres": ["a", "A"], "year": 3000}', 422, {"genres", "year"}),
    (b'{"title": "x", "released": "1979-02-30"}', 422, {"released"}),
    (b'{"title": "x", "id": "another"}', 422, {"id"}),
)


async def test_a_body_that_is_no_movie_is_refused_by_field(api: Api) -> None:
    for sent, status, problems in BODIES:
        problem = await api.refused(status, "PUT", "/movies/mine", body=sent, If_None_Match="*")
        assert set(problem.get("problems", {})) == problems, problem
    await api.refused(404, "GET", "/movies/mine")


async def test_a_body_that_is_too_long_or_not_json_is_not_read(api: Api) -> None:
    await api.refused(413, "POST", "/movies", body=b" " * (bodies.LONGEST + 1))
    await api.refused(415, "POST", "/movies", body=b"title=x", Content_Type="application/x-www-form-urlencoded")
    await api.refused(415, "POST", "/movies")
    longest = Movie(
        id="long", title="x", plot="\U0001f3ac" * 20_000, cast=tuple(f"{n} ".ljust(200, "é") for n in range(500))
    )
    created = await api.ask("POST", "/movies", body=json.dumps(msgspec.to_builtins(longest)).encode())
    assert created.status == 201
    assert (await api.get("/movies/long")).said["plot"] == longest.plot


async def test_a_foreign_name_gets_nothing(api: Api) -> None:
    """A page of others can make a name of its own point here, and would read and write as this person."""
    for host in ("evil.example", "localhost.evil.example", ""):
        await api.refused(403, "GET", "/movies", Host=host)
    for host in ("localhost:1", "[::1]:80", "192.168.7.7"):
        assert (await api.get("/health", Host=host)).status == 200


async def test_who_speaks_no_http_or_leaves_in_the_middle_is_no_defect(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    began = "POST /movies HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    for sent in (began, "\x16\x03\x01 hello\r\n\r\n", "GET / HTTP/1.1\r\nHost: a\r\nHost"):
        port = int(api.url.rpartition(":")[2])
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent.encode("latin-1"))
        writer.write_eof()
        assert b" 500 " not in await asyncio.wait_for(reader.read(), 30)
        writer.close()
        await writer.wait_closed()
    assert (await api.get("/health")).status == 200
    assert [record for record in caplog.records if record.exc_info] == []
