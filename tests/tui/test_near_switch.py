"""The near tier from the screen: on, off, why not, and remembered; and how far an order index is."""

from __future__ import annotations

from pathlib import Path

import msgspec

from core.query import Query
from core.strategies.orders import Making
from tests.tui.desk import desk
from tests.tui.feed import Feed
from tui.near_texts import near_held
from tui.remembered import Memory
from tui.widgets.counters import headline, health_lines, latency_lines, strip_line
from tui.widgets.lines import Line
from tui.widgets.status import StatusLine
from tui.widgets.strategy_bar import StrategyBar


async def test_a_key_and_a_click_switch_it_and_it_is_remembered(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "remembered.json")
    async with desk(tmp_path, memory=memory) as at:
        bar = at.screen.query_one(StrategyBar)
        assert "▸near tier" not in at.text
        await at.press("N")
        await at.until(lambda: "▸near tier" in bar.render_line(0).text)
        assert at.catalogue.near_tier.on
        await at.until(lambda: "20,000 entries or 64 MB: such rows are marked n" in at.toasts())
        await at.until(lambda: "near on" in at.screen.query_one(StatusLine).render_line(0).text)
        assert memory.settings == {"near_cache": True}
        await at.pilot.click(StrategyBar, offset=(bar.render_line(0).text.index("near tier") + 2, 0))
        await at.until(lambda: "▸near tier" not in bar.render_line(0).text)
        assert not at.catalogue.near_tier.on
        assert Memory(tmp_path / "remembered.json").settings == {"near_cache": False}


async def test_why_it_keeps_nothing_is_said_and_it_stays_wanted(tmp_path: Path) -> None:
    async with desk(tmp_path, size=(160, 60)) as at:
        at.catalogue.near_problem = "NEAR Redis does not push [/what] changes"
        await at.press("N")
        await at.until(lambda: "keeps nothing yet: NEAR Redis does not push [/what] changes" in at.toasts())
        await at.until(lambda: "near nothing kept" in at.screen.query_one(StatusLine).render_line(0).text)
        at.app.clear_notifications()
        await at.press("2", "f")
        await at.until(lambda: "keeps nothing: NEAR Redis does not push [/what] changes" in at.text)


async def test_keys_pressed_while_it_is_being_switched_are_none_of_its_own(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.gate.clear()
        await at.press("N", "N", "N")
        at.catalogue.gate.set()
        await at.until(lambda: at.toasts())
        assert at.catalogue.near_tier.on
        assert len(at.app._notifications) == 1


async def test_the_table_says_how_far_the_order_index_is_until_it_is_made(tmp_path: Path) -> None:
    async with desk(tmp_path) as at:
        at.catalogue.making = Making(Query(sort="title", descending=True), 420_000, 1_000_000)
        await at.until(lambda: at.table.border_subtitle == "1,000 movies · title ▲ · order index 42.0 %")
        at.catalogue.making = Making(Query(sort="critic_reviews"), 1, 1_000_000)
        await at.until(lambda: "order index of critic reviews <0.1 %" in str(at.table.border_subtitle))
        at.catalogue.making = None
        await at.until(lambda: at.table.border_subtitle == "1,000 movies · title ▲")


def text(lines: list[Line]) -> str:
    return "\n".join("".join(part for part, _ in line) for line in lines)


def test_hits_and_latencies_of_both_tiers_stand_side_by_side() -> None:
    feed = Feed()
    feed.reads(20, 5)
    before = text([*headline(feed.summary(), 44), *latency_lines(feed.summary().now, 44)])
    assert "near" not in before
    feed.near = msgspec.structs.replace(feed.near, on=True, entries=1_234, size=5_400_000, invalidated=7, evicted=3)
    for _ in range(60):
        feed.observer.near_hit("cache-aside", "Q1", 1, 0.0, 3e-6)
    feed.sample()
    summary = feed.summary()
    head = text(headline(summary, 44))
    assert "  near               120/s   60 in all" in head
    assert "  Redis               40/s   20 in all" in head
    rows = text(latency_lines(summary.now, 44))
    assert rows.index("near hit") < rows.index("Redis hit")
    assert "3 µs" in rows.splitlines()[1]
    assert "ms" in rows.splitlines()[2], "Redis's own latency, not mixed with the near tier's"
    health = text(health_lines(summary, 64))
    assert "1.2k of 20.0k entries, 5.1 MB of 64 MB" in health
    assert "7 by the bell, 3" in health
    assert "near 75.0 %" in text([strip_line(summary, 80)])


def test_under_no_cache_it_says_that_it_is_passed_by() -> None:
    feed = Feed()
    feed.near = msgspec.structs.replace(feed.near, on=True)
    feed.strategy = "no-cache"
    assert "no-cache passes it by" in near_held(feed.sample(), 80)[0]
