"""The choosers: every strategy and store in words, chosen by key, digit or click."""

from __future__ import annotations

import pytest
from textual.app import App
from textual.widgets import OptionList

from core.settings import STORES, STRATEGIES
from tests.tui.feed import Feed
from tui.screens.strategies import StoreScreen, StrategyScreen, strategy_choice
from tui.strategy_texts import STORE_TEXTS, STRATEGY_TEXTS


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
        app.push_screen(StrategyScreen(STRATEGIES, "write-through", feed.summary()), app.chosen.append)
        await pilot.pause()
        await pilot.press(*keys)
        await pilot.pause()
        assert app.chosen == [chosen]


async def test_the_one_in_force_is_said_in_words_and_highlighted() -> None:
    app = ChooserApp()
    async with app.run_test(size=(80, 24)) as pilot:
        app.push_screen(StrategyScreen(STRATEGIES, "no-cache", None), app.chosen.append)
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
