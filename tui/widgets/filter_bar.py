"""FilterBar: the box for search text, years or a place to go to, and the line that names the filters in force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Final, Literal

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static

from core.model import FIELD, tidy
from core.query import LONGEST_TEXT, SEVERAL, Query, Range
from tui.bindings import bindings
from tui.columns import visible
from tui.completing import Word, completed, shown_choices, word_at
from tui.formats import count
from tui.terms import PANELS
from tui.widgets.line_input import LineInput
from tui.years import show_years

Asking = Literal["text", "years", "jump", "title"]
_PROMPTS: Final[dict[Asking, tuple[str, str]]] = {
    "text": ("Filter", "words, or genre:horror year:1979..1989 director:scott rating:>8"),
    "years": ("Years", "1979, 1979-1989, 1979- or -1989"),
    "jump": ("Go to", "a row number, 50% or an id"),
    "title": ("Title", "how the title begins"),
}
_DEBOUNCE: Final = 0.15


def clean(text: str) -> str:
    """What was typed or pasted as a search may hold it: tidied, without control characters, not too long."""
    return "".join(c for c in tidy(text[: LONGEST_TEXT * 4]) if visible(c) == c)[:LONGEST_TEXT]


class BoundedInput(LineInput):
    """A box that takes what fits of a paste, with its control characters dropped, and says so where it was cut."""

    def _on_paste(self, event: events.Paste) -> None:
        event.prevent_default()
        event.stop()
        room = max(0, LONGEST_TEXT - len(self.value) + len(self.selected_text))
        self.replace(clean(event.text)[:room], *self.selection)
        if len(tidy(event.text[: LONGEST_TEXT * 4])) > room:
            told = f"Only the beginning of {count(len(event.text))} characters: the box holds {LONGEST_TEXT}."
            self.notify(told, title="Paste", severity="warning", markup=False)


class FilterBar(Widget):
    """One line that opens when something is asked, and closes when it is answered or left."""

    BINDINGS: ClassVar[list[BindingType]] = bindings("search")
    DEFAULT_CSS = """
    FilterBar { height: auto; display: none; background: $surface; }
    FilterBar.-open { display: block; }
    FilterBar Horizontal { height: 1; }
    FilterBar Input { width: 1fr; }
    FilterBar #prompt { width: 9; padding: 0 1; color: $text-accent; text-style: bold; }
    FilterBar #problem { height: auto; max-height: 2; padding: 0 1; color: $text-error; display: none; }
    FilterBar #problem.-shown { display: block; }
    FilterBar #choices { height: 1; padding: 0 1 0 9; color: $text-muted; display: none; }
    FilterBar #choices.-shown { display: block; }
    """

    class Typed(Message):
        """The filter's text changed, a moment after the last key; `word` is the one that the cursor stands behind."""

        def __init__(self, text: str, word: Word) -> None:
            super().__init__()
            self.text = text
            self.word = word

    class Answered(Message):
        """Enter was pressed; `text` is what stands in the box."""

        def __init__(self, asking: Asking, text: str) -> None:
            super().__init__()
            self.asking = asking
            self.text = text

    class Left(Message):
        """The box was left: cleared with Esc, or kept."""

        def __init__(self, asking: Asking, *, cleared: bool) -> None:
            super().__init__()
            self.asking = asking
            self.cleared = cleared

    asking: Asking = "text"

    def __init__(self, *, id: str | None = None) -> None:
        super().__init__(id=id)
        self._debounce: Timer | None = None
        self._choices: tuple[str, ...] = ()
        self._word: Word | None = None
        self._recent: tuple[str, ...] = ()
        self._recalled = -1
        """Which of the recent texts stands in the box; -1 where none does."""

    def compose(self) -> ComposeResult:
        with Horizontal():
            yield Static("", id="prompt")
            yield BoundedInput(max_length=LONGEST_TEXT, compact=True, select_on_focus=False)
        yield Static("", id="choices", markup=False)
        yield Static("", id="problem", markup=False)

    def ask(self, asking: Asking, text: str = "", recent: Sequence[str] = ()) -> None:
        """Open the box with this text in it, and with the texts that Up brings back, the newest first."""
        self.asking = asking
        self._recent, self._recalled = tuple(recent), -1
        self.suggest(None, ())
        prompt, placeholder = _PROMPTS[asking]
        self.query_one("#prompt", Static).update(prompt)
        self._problem("")
        box = self.query_one(BoundedInput)
        box.placeholder = placeholder
        with box.prevent(Input.Changed):
            box.value = text
        box.cursor_position = len(text)
        self.add_class("-open")
        # At once, or of keys that arrive in one go the first would still go to the table.
        self.screen.set_focus(box)

    @property
    def is_open(self) -> bool:
        """Whether it is asking."""
        return self.has_class("-open")

    def refuse(self, problem: str) -> None:
        """Say what is wrong with the answer; the box stays open with what was typed."""
        self._problem(problem)

    def suggest(self, word: Word | None, choices: Sequence[str]) -> None:
        """Show what a word could become; Tab takes the first. Choices that come late, for another word, are dropped."""
        if word is not None and word != self._word_now():
            return
        self._word, self._choices = word, tuple(choices)
        line = self.query_one("#choices", Static)
        shown = shown_choices([visible(choice) for choice in choices], max(10, self.size.width - 16))
        line.update(f"Tab → {shown}" if shown else "")
        line.set_class(bool(shown), "-shown")

    def _word_now(self) -> Word:
        box = self.query_one(BoundedInput)
        return word_at(box.value, box.cursor_position)

    def close(self) -> None:
        """Put the box away."""
        if self._debounce is not None:
            self._debounce.stop()
        self.remove_class("-open")

    def _problem(self, problem: str) -> None:
        line = self.query_one("#problem", Static)
        line.update(problem)
        line.set_class(bool(problem), "-shown")

    def on_input_changed(self, event: Input.Changed) -> None:
        event.stop()
        self._problem("")
        if self.asking not in ("text", "title"):
            return
        self.suggest(None, ())
        if self._debounce is not None:
            self._debounce.stop()
        self._debounce = self.set_timer(_DEBOUNCE, self._typed)

    def _typed(self) -> None:
        self.post_message(self.Typed(clean(self.query_one(BoundedInput).value), self._word_now()))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        event.stop()
        self.action_keep()

    def action_keep(self) -> None:
        if self._debounce is not None:
            self._debounce.stop()
        self.post_message(self.Answered(self.asking, clean(self.query_one(BoundedInput).value)))

    def action_down(self) -> None:
        if self._recalled > -1:
            self._recall(self._recalled - 1)
        elif self.asking == "text":
            self.action_keep()

    def action_recent(self) -> None:
        if self._recent:
            self._recall(min(self._recalled + 1, len(self._recent) - 1))

    def action_complete(self) -> None:
        """Put the first choice in the word's place. The next ones are offered once it stands there."""
        if self._word is None or not self._choices:
            return
        box = self.query_one(BoundedInput)
        box.value, box.cursor_position = completed(box.value, self._word, self._choices[0])

    def _recall(self, number: int) -> None:
        self._recalled = number
        box = self.query_one(BoundedInput)
        box.value = self._recent[number] if number > -1 else ""
        box.cursor_position = len(box.value)

    def action_leave(self) -> None:
        self.close()
        self.post_message(self.Left(self.asking, cleared=True))


def describe_filter(query: Query) -> str:
    """The filters in force in words; empty when there are none."""
    parts = []
    if query.text.strip():
        parts.append(f"“{visible(query.text.strip())}”")
    parts += [visible(genre) for genre in query.genres]
    if years := show_years(query.year_from, query.year_to):
        parts.append(years)
    parts += [
        f"{FIELD[field].label.lower()} “{visible(text).replace(SEVERAL, ' or ')}”" for field, text in query.within
    ]
    parts += [describe_range(limits) for limits in query.ranges]
    return " · ".join(parts)


def describe_range(limits: Range) -> str:
    """Bounds in words, such as "critic rating > 8.5"."""
    signs = {"least": "≥", "most": "≤", "above": ">", "below": "<"}
    bounds = [f"{signs[side]} {bound:,g}" for side, bound in limits.bounds.items()]
    return f"{FIELD[limits.field].label.lower()} {' '.join(bounds)}"


class FilterLine(Widget):
    """The filters in force and how many movies match, in one line; not there when nothing is filtered."""

    DEFAULT_CSS = """
    FilterLine { height: 1; padding: 0 1; background: $surface; color: $text-muted; display: none; }
    FilterLine.-active { display: block; }
    """

    filters: reactive[str] = reactive("")
    matches: reactive[int | None] = reactive(None)
    whole: reactive[int | None] = reactive(None)
    """How many movies there are without a filter, where that is known."""

    def on_mount(self) -> None:
        self.tooltip = Content(PANELS["filter"])

    def watch_filters(self, filters: str) -> None:
        self.set_class(bool(filters), "-active")

    def render(self) -> Content:
        if self.matches is None:
            count = "searching…"
        else:
            count = f"{self.matches:,} of {self.whole:,}" if self.whole is not None else f"{self.matches:,}"
            count += " match" if self.matches != 1 or self.whole is not None else " matches"
        none = self.matches == 0
        filters = self.filters if len(self.filters) <= 120 else self.filters[:119] + "…"
        return Content.assemble(
            ("Filter ", "bold"),
            (filters, "$text-accent"),
            ("   ", ""),
            (count, "bold $text-warning" if none else ""),
            ("   Esc clears", ""),
        )
