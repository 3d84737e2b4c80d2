"""Choosers: a small list to switch the strategy or the store from, with what each would mean."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from core.observe.histogram import percentile
from core.observe.stats import TraceLine
from tui import figures
from tui.screens.help import HelpedScreen
from tui.strategy_texts import STORE_TEXTS, STRATEGY_TEXTS
from tui.widgets.path import PathPanel
from tui.windows import Summary, hit_ratio, reads, store_latency


class Choice(msgspec.Struct, frozen=True):
    """One entry of a chooser: the name that is returned, what it is called, and lines that explain it."""

    name: str
    label: str
    lines: tuple[str, ...]
    note: str = ""
    """What is said behind the name of one that is not in force."""


class ChoiceScreen(HelpedScreen[str | None]):
    """A list to choose a name from: Up, Down and Enter, a click, or its digit at once; Escape chooses nothing."""

    DEFAULT_CSS: ClassVar[str] = """
    ChoiceScreen {
        align: center middle;
        & > Vertical {
            width: 78;
            max-width: 100%;
            height: auto;
            max-height: 100%;
            padding: 0 1;
            border: round $border;
            border-title-color: $foreground;
            border-title-style: bold;
            border-subtitle-color: $foreground 60%;
            background: $surface;
        }
        OptionList, OptionList:focus {
            height: auto;
            border: none;
            padding: 0;
            background: $surface;
            background-tint: transparent;
        }
        PathPanel { dock: bottom; }
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Cancel", id="choice.cancel"),
        Binding("j", "down", "Down", show=False, id="choice.down"),
        Binding("k", "up", "Up", show=False, id="choice.up"),
        *(Binding(str(digit), f"pick({digit})", show=False, id=f"choice.pick_{digit}") for digit in range(1, 10)),
    ]

    KEYS_OF = "a choice"
    KEYS = (
        ("↑ ↓ k j", "Go to another one."),
        ("1 … 9", "Choose by number, at once."),
        ("Enter", "Choose the marked one."),
        ("Esc q", "Leave it as it is."),
    )

    def __init__(self, title: str, choices: Sequence[Choice], current: str) -> None:
        super().__init__()
        self._title = title
        self._choices = tuple(choices)
        self._current = current

    def compose(self) -> ComposeResult:
        """The list in a frame, and the keys below it."""
        with Vertical() as frame:
            frame.border_title = self._title
            frame.border_subtitle = f"1-{len(self._choices)} choose at once   enter choose   esc leave it   ? keys"
            yield OptionList(*(Option(self._prompt(i, choice)) for i, choice in enumerate(self._choices, 1)))
            yield from self.below()

    def below(self) -> ComposeResult:
        """What stands under the list."""
        yield from ()

    def on_mount(self) -> None:
        """Begin at what is in force."""
        names = [choice.name for choice in self._choices]
        options = self.query_one(OptionList)
        options.highlighted = names.index(self._current) if self._current in names else 0
        options.focus()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Return the name that was chosen."""
        event.stop()
        self.dismiss(self._choices[event.option_index].name)

    def action_pick(self, digit: int) -> None:
        """Choose by digit; one that numbers nothing does nothing."""
        if digit <= len(self._choices):
            self.dismiss(self._choices[digit - 1].name)

    def action_down(self) -> None:
        """Move the highlight down."""
        self.query_one(OptionList).action_cursor_down()

    def action_up(self) -> None:
        """Move the highlight up."""
        self.query_one(OptionList).action_cursor_up()

    def _prompt(self, number: int, choice: Choice) -> Content:
        current = choice.name == self._current
        note = "  ◂ in force" if current else f"  {choice.note}" if choice.note else ""
        heading = f"{number}  {choice.label}{note}"
        lines = [Content.styled(heading, "bold"), *(Content(f"   {line}") for line in choice.lines)]
        return Content("\n").join(lines)


class StrategyScreen(ChoiceScreen):
    """Choose a strategy, by its promise, its figures so far and the paths of its reads and writes.

    Below the list stands the way that the last operations of the highlighted one really took."""

    KEYS_OF = "the strategies"
    KEYS_NOTE = "Below the list: the way that the last read and the last write of the marked strategy really took."

    def __init__(
        self,
        strategies: Sequence[str],
        current: str,
        summary: Summary | None,
        trace: Callable[[], tuple[TraceLine, ...]],
        store: str,
    ) -> None:
        super().__init__("Caching strategy", [strategy_choice(name, summary) for name in strategies], current)
        self._strategies = tuple(strategies)
        self._path = PathPanel(trace, STORE_TEXTS[store].name, current)

    def below(self) -> ComposeResult:
        """The paths really taken."""
        yield self._path

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Explain the one that the highlight is on."""
        self._path.explain(self._strategies[event.option_index])


class StoreScreen(ChoiceScreen):
    """Choose a store."""

    KEYS_OF = "the stores"

    def __init__(self, stores: Sequence[str], current: str) -> None:
        texts = [(name, STORE_TEXTS[name]) for name in stores]
        super().__init__("Store", [Choice(name, text.name, (text.promise,)) for name, text in texts], current)


def strategy_choice(name: str, summary: Summary | None) -> Choice:
    """A strategy in words, with its figures since the start."""
    text = STRATEGY_TEXTS[name]
    lines = (text.promise, f"read   {text.read}", f"write  {text.write}", *_so_far(name, summary))
    idle = summary.idle.get(name) if summary else None
    ago = "" if idle is None else "just now" if idle < 1 else f"{figures.age(idle)} ago"
    return Choice(name, name, lines, f"last used {ago}" if ago else "")


def _so_far(name: str, summary: Summary | None) -> tuple[str, ...]:
    stats = summary.overall.strategies.get(name) if summary else None
    if stats is None or not (reads(stats) or stats.writes):
        return ("so far not used",)
    asked = hit_ratio(stats) is not None
    counts = [f"{figures.short(reads(stats))} reads"]
    if asked:
        counts += [f"hit ratio {figures.ratio_in_words(stats)}", f"{figures.short(stats.saved)} store reads avoided"]
    times = [
        f"{label} {figures.latency(p95)}"
        for label, latency in (
            ("near hit", stats.near_latency),
            ("hit in Redis" if stats.near_hits else "hit", stats.hit_latency),
            ("miss" if asked else "read", store_latency(stats)),
            ("write", stats.write_latency),
        )
        if (p95 := percentile(latency, 0.95)) is not None
    ]
    return f"so far {' · '.join(counts)}", f"p95    {' · '.join(times) or figures.NOTHING}"
