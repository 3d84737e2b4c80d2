"""The structure inspector as people and scripts meet it: the screen that K opens, and the two commands."""

from __future__ import annotations

import json
from typing import Any

from redis.asyncio import Redis

from core import Settings
from tests.tui.shell import Run, environment, run
from tests.tui.stage import until
from tests.tui.test_real_catalogue import ALIEN, seat, settings
from tui.screens.keys import KeysScreen
from tui.widgets.anatomy_text import short_name

__all__ = ["environment", "run", "settings"]

ODD = "rc:x:{rc}:[b]top[/b]\x1b[2J"


def test_names_are_short_and_cannot_steer_the_terminal() -> None:
    assert short_name("rc:e:{rc}:reelcache.postgresql-1.0:movie:Q1") == "movie:Q1"
    assert short_name("rc:g:{rc}:reelcache.postgresql-1.0:movie:Q%3A1") == "gate movie:Q:1"
    assert short_name("rc:b:{rc}") == "b"
    assert short_name(ODD) == "x:[b]top[/b]␛[2J"
    assert short_name("rc:x:{rc}:\udcff\n") == "x:\\udcff\\n"


async def test_k_shows_the_movies_own_keys_first_then_all(settings: Settings) -> None:
    async with seat(settings) as at, Redis.from_url(settings.redis_url or "") as client:
        await client.zadd(ODD, {"[/x]": 9.5, "Q2": 7})
        await at.go_to(ALIEN)
        await at.catalogue.get(ALIEN)
        await at.pilot.press("K")
        await at.until_text(f"The entry of movie {ALIEN}", "title", "Alien", "The entry holds version ")
        screen = at.app.screen
        assert isinstance(screen, KeysScreen)
        assert [key.name.decode() for key in screen._shown[:2]] == [*at.catalogue.keys_of(ALIEN)]

        await at.pilot.press("pagedown")
        await at.until_text("0000  31 56 ")
        await at.pilot.press("pageup")

        # Another process changes it: the screen follows by itself.
        entry, gate = at.catalogue.keys_of(ALIEN)
        await client.hset(gate, mapping={"w:theirs": 10**15})
        await at.until_text("A writer announced a change (theirs)")
        await client.delete(entry, gate)
        await at.until_text("There is no such key at this moment")

        await at.pilot.press("slash", *"top", "enter")
        await at.until_text("A zset of the program's own", "[/x]", "9.5", "x:[b]top[/b]␛[2J", " · top · 1 key")
        await at.pilot.press("Y")
        copied = json.loads(at.app.clipboard)
        assert (copied["name"], copied["elements"][0]["name"]) == (ODD, "[/x]")
        await at.pilot.press("slash", *"zz", "enter")
        await at.until_text("No key of the program's has such a name.")
        await at.pilot.resize_terminal(60, 20)
        await at.pilot.press("question_mark")
        await at.until_text("Keys of the inspector")
        await at.pilot.press("escape")
        await at.pilot.press("escape")
        await until(at.pilot, lambda: not screen._text)
        await at.pilot.press("escape")
        await until(at.pilot, lambda: at.app.screen is at.screen)


async def test_scripts_list_keys_and_take_one_apart(run: Run, environment: dict[str, str], redis_url: str) -> None:
    def told(*words: str, code: int = 0) -> Any:
        done = run(*words, "--json")
        assert (done.returncode, done.stderr) == (code, "")
        return json.loads(done.stdout)

    async with Redis.from_url(redis_url) as client:
        await client.zadd(ODD, {"[/x]": 9.5})
        await client.set("rc:x:{rc}:bytes", b"\xff\x00", px=60_000)
    listed = told("keys", "rc:x:*")
    assert listed["more"] is False
    assert [(key["name"], key["type"], key["ttl_ms"] is None) for key in listed["keys"]] == [
        (ODD, "zset", True),
        ("rc:x:{rc}:bytes", "string", False),
    ]
    assert told("keys", "nothing-like-this", code=3)["keys"] == []
    whole = told("key", "rc:x:{rc}:bytes")
    assert (whole["raw"], whole["value"], whole["whole"]) == ("ff00", "ff00", True)
    person = run("keys", "rc:x:*")
    assert "␛[2J" in person.stdout
    assert "\x1b" not in person.stdout
    person = run("key", ODD)
    assert "A zset of the program's own" in person.stdout
    assert "\x1b" not in person.stdout
    assert run("key", "rc:gone").returncode == 3
    wrong = run("key", "theirs")
    assert (wrong.returncode, wrong.stdout) == (2, "")
    assert "'theirs' is no key of Reelcache." in wrong.stderr
    assert "rc:" in wrong.stderr
