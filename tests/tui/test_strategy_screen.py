"""The choosers: every strategy and store in words, chosen by key, digit or click."""

from __future__ import annotations

import msgspec
import pytest
from textual.app import App
from textual.widgets import OptionList

from core.observe.stats import Step, TraceLine
from core.settings import STORES, STRATEGIES
from tests.tui.feed import Feed
from tests.tui.stage import screen_text
from tui.screens.strategies import StoreScreen, StrategyScreen, strategy_choice
from tui.strategy_texts import STORE_TEXTS, STRATEGY_TEXTS
from tui.widgets.lines import line_width
from tui.widgets.path import PathPanel, path_lines


class ChooserApp(App[None]):
    """An empty app that notes what was chosen."""

    def __init__(self) -> None:
        super().__init__()
        self.chosen: list[str | None] = []


def test_every_strategy_and_store_has_its_words() -> None:
    assert set(STRATEGIES) == set(STRATEGY_TEXTS)
    assert set(STORES) == set(STORE_TEXTS)


def test_every_line_fits_80_columns() -> None:
    feed = Feed()
    for strategy in STRATEGIES:
        feed.strategy = strategy
        feed.reads(19_999, 1, hit_seconds=0.1234)
        feed.observer.write(strategy, 12.5)
    feed.sample()
    for strategy in STRATEGIES:
        assert all(len(line) <= 70 for line in strategy_choice(strategy, feed.summary()).lines)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 16)])
@pytest.mark.parametrize(
    ("keys", "chosen"),
    [
        (("enter",), "write-through"),
        (("up", "enter"), "cache-aside"),
        (("j", "enter"), "no-cache"),
        (("3",), "no-cache"),
        (("9", "escape"), None),
    ],
)
async def test_keys_choose_a_strategy(size: tuple[int, int], keys: tuple[str, ...], chosen: str | None) -> None:
    app = ChooserApp()
    async with app.run_test(size=size) as pilot:
        feed = Feed()
        feed.reads(90, 10)
        feed.sample()
        app.push_screen(
            StrategyScreen(STRATEGIES, "write-through", feed.summary(), tuple, "postgresql"), app.chosen.append
        )
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert app.chosen == [chosen]


async def test_the_one_in_force_is_said_in_words_and_highlighted() -> None:
    app = ChooserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(StrategyScreen(STRATEGIES, "no-cache", None, tuple, "postgresql"), app.chosen.append)
        await pilot.pause()
        options = app.screen.query_one(OptionList)
        assert options.highlighted == 2
        texts = [str(options.get_option_at_index(i).prompt) for i in range(3)]
        assert ["in force" in text for text in texts] == [False, False, True]
        assert "so far not used" in texts[0]


async def test_a_store_is_chosen() -> None:
    app = ChooserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(StoreScreen(STORES, "postgresql"), app.chosen.append)
        await pilot.pause()
        await pilot.press("down", "enter")
        await pilot.pause()
        assert app.chosen == ["mongodb"]


MISS = TraceLine(
    1,
    1_700_000_000.0,
    "get",
    "Q1",
    "cache-aside",
    "store",
    "miss: loaded and filled",
    7,
    0.0031,
    (
        Step("redis", "miss", 0.0003),
        Step("redis", "lease", 0.0004),
        Step("store", "read", 0.0012),
        Step("redis", "filled", 0.0005),
    ),
)
SAVE = TraceLine(
    2,
    1_700_000_001.0,
    "save",
    "Q1",
    "write-through",
    "store",
    "committed",
    8,
    0.004,
    (Step("redis", "hidden", 0.0003), Step("store", "committed", 0.0021), Step("redis", "put", 0.0004)),
)


def said(operation: TraceLine, width: int) -> list[str]:
    return ["".join(text for text, _ in line) for line in path_lines(operation, "PostgreSQL", width, None)]


def test_a_path_says_each_step_with_the_time_that_was_measured_and_no_other() -> None:
    assert said(MISS, 200) == [
        "last get    you → Redis: miss 0.30 ms → Redis: lease 0.40 ms → PostgreSQL: read 1.20 ms"
        " → Redis: filled 0.50 ms → you, 3.10 ms in all"
    ]
    assert "Redis: put 0.40 ms → you" in said(SAVE, 200)[0]


@pytest.mark.parametrize("width", [50, 58, 74, 100])
@pytest.mark.parametrize("operation", [MISS, SAVE])
def test_a_path_takes_two_rows_at_most_and_its_times_go_first(operation: TraceLine, width: int) -> None:
    lines = path_lines(operation, "PostgreSQL", width, None)
    assert len(lines) <= 2
    assert all(line_width(line) <= width for line in lines)
    assert all(step.outcome in "".join(said(operation, width)) for step in operation.steps)


def walked(app: ChooserApp) -> list[str]:
    panel = app.screen.query_one(PathPanel)
    return [text for line in panel.lines(74, 4) for text, style in line if style == "chosen"]


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (60, 16)])
async def test_the_way_of_the_highlighted_one_is_shown_at_every_size(size: tuple[int, int]) -> None:
    app = ChooserApp()
    async with app.run_test(size=size) as pilot:
        feed = Feed()
        for strategy in STRATEGIES:
            feed.strategy = strategy
            feed.reads(90, 10)
            feed.observer.write(strategy, 0.003)
        feed.sample()
        app.push_screen(
            StrategyScreen(STRATEGIES, "cache-aside", feed.summary(), lambda: (MISS, SAVE), "postgresql"),
            app.chosen.append,
        )
        await pilot.pause()
        shown = screen_text(app)
        assert "last get " in shown
        assert "Redis: lease" in shown
        assert "last write  none under cache-aside" in shown
        assert "esc leave it" in shown
        await pilot.press("down")
        await pilot.pause()
        shown = screen_text(app)
        assert "last read   none under write-through" in shown
        assert ": committed" in shown


async def test_the_walk_goes_step_by_step_and_only_then_takes_a_newer_operation() -> None:
    app = ChooserApp()
    app.animation_level = "none"  # no timer walks: the test does
    trace = [MISS]
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(StrategyScreen(STRATEGIES, "cache-aside", None, lambda: tuple(trace), "mongodb"))
        await pilot.pause()
        assert walked(app) == []
        panel = app.screen.query_one(PathPanel)
        trace.append(msgspec.structs.replace(MISS, number=2, steps=(Step("redis", "hit", 0.0002),)))
        stops = []
        for _ in range(6):
            panel.walk()
            stops += walked(app)
        assert [stop.split(" ")[1] for stop in stops] == ["miss", "lease", "read", "filled", "3.10"]
        panel.walk()
        assert walked(app) == ["you"]
        panel.walk()
        assert walked(app) == ["Redis: hit 0.20 ms"]
