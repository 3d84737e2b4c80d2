"""TagEditor: a list of a movie as a person edits it, each entry a tag, with a box behind them for the next one."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import ClassVar, Final

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget
from textual.widgets import Input

from core.model import Field, forbidden
from tui.formats import visible
from tui.tags import PASTED, TYPED, Lines, Tags, admit, in_quotes, lay_out, split, written
from tui.widgets.drop_down import DropDown
from tui.widgets.field_input import FieldInput

Completions = Callable[[str, str], Awaitable[Sequence[str]]]
"""The values that other movies have in a field of this name, and that begin so; the likeliest first."""
LookUp = Callable[[str], Awaitable[Sequence[str]]]
"""The same of one field."""

PAUSE: Final = 0.12
"""Seconds without a key before values are looked up."""
MOST_LINES: Final = 4
"""Lines of the form that a list takes; with more, the entries scroll and the line with the box stays."""
TEXT_WIDTH: Final = 14
"""Cells that the box has at least."""
_MARGIN: Final = 5
"""Cells at the right end that say how many entries are out of sight, where some are."""


class TagEditor(Widget):
    """Shows the entries, and does what the keys typed in its box mean for them.

    It draws the entries itself: a film has sixty actors, and a form of widgets for each would open slowly.
    """

    COMPONENT_CLASSES: ClassVar[set[str]] = {"tags--tag", "tags--chosen", "tags--more"}
    DEFAULT_CSS = """
    TagEditor { layout: vertical; height: auto; background: $panel; }
    TagEditor > TagInput, TagEditor > TagInput:focus { background: transparent; }
    TagEditor > .tags--tag { background: $foreground 15%; color: $foreground; }
    TagEditor > .tags--chosen { background: $primary; color: $text; text-style: bold; }
    TagEditor > .tags--more { color: $text-muted; }
    """

    tags: reactive[Tags] = reactive(Tags())

    @dataclass
    class Changed(Message):
        """The entries, or what is written behind them, changed; `entries` holds both."""

        editor: TagEditor
        entries: tuple[str, ...]

    class Moved(Message):
        """Another entry is chosen, or none any more."""

    def __init__(self, field: Field, entries: tuple[str, ...], *, look_up: LookUp | None = None) -> None:
        super().__init__()
        self.field = field
        self.input = TagInput(self)
        self.choices = DropDown()
        self._known = frozenset(entries)
        """Entries that are not to be split at the marks they hold, besides those there now."""
        self._look_up = look_up
        self._top = 0
        """The first line in sight."""
        self.set_reactive(TagEditor.tags, Tags(entries))

    def compose(self) -> ComposeResult:
        yield self.input
        yield self.choices

    @property
    def entries(self) -> tuple[str, ...]:
        """The entries, those still in the text among them: what is written counts."""
        return self.tags.add(*self._split(self.input.value)).entries

    def show(self, entries: tuple[str, ...]) -> None:
        """Hold these entries and no text."""
        self._known |= set(entries)
        self._close()
        self._write("")
        self.tags = Tags(entries)
        self._report()

    def _split(self, text: str, marks: str = TYPED) -> tuple[str, ...]:
        return split(text, self._known.union(self.tags.entries), marks)

    def _report(self) -> None:
        self.post_message(self.Changed(self, self.entries))

    def _write(self, text: str) -> None:
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)

    # --------------------------------------------------------------------------------------------------------- keys

    def press(self, key: str, character: str | None = None) -> bool:
        """Do what a key means here; False where it is for the box, or for the form."""
        return (
            self._press_with_choices(key)
            or (self.tags.chosen is not None and self._press_on_tag(key, character))
            or (self.tags.chosen is None and self._press_in_text(key, character))
        )

    def _press_with_choices(self, key: str) -> bool:
        choices = self.choices
        if not choices.is_open:
            return False
        match key:
            case "down":
                choices.step(1)
            case "up" if choices.marked is not None:
                choices.step(-1)
            case "tab":
                self._enter((choices.taken,))
            case "enter" if choices.marked is not None:
                self._enter((choices.taken,))
            case "right" if self.input.cursor_at_end:
                self._enter((choices.taken,))
            case "escape":
                self._close()
            case _:
                return False
        return True

    def _press_on_tag(self, key: str, character: str | None) -> bool:
        match key:
            case "left":
                self._turn(self.tags.back())
            case "right":
                self._turn(self.tags.on())
            case "home":
                self._turn(self.tags.choose(0))
            case "end":
                self.choose_none()
            case "delete" | "backspace" | "ctrl+w":
                self._turn(self.tags.remove())
            case "ctrl+left" | "shift+left":
                self._turn(self.tags.move(-1))
            case "ctrl+right" | "shift+right":
                self._turn(self.tags.move(1))
            case "enter":
                self._edit_chosen()
            case "escape":
                self.choose_none()
            case _:
                typed = character is not None and character.isprintable()
                if typed or key in ("ctrl+u", "ctrl+k"):
                    self.choose_none()
                return typed and self._press_in_text(key, character)
        return True

    def _press_in_text(self, key: str, character: str | None) -> bool:
        text, cursor = self.input.value, self.input.cursor_position
        if key == "enter" and text.strip():
            self.commit()
        elif character == "," and not in_quotes(text[:cursor]):
            self._enter(self._split(f"{text[:cursor]},{text[cursor:]}"))
        elif character == " " and not text:
            pass
        elif cursor or not self.tags.entries:
            return False
        elif key in ("left", "backspace", "ctrl+w") and self.input.selection.is_empty:
            self._turn(self.tags.back())
        elif key == "home":
            self._turn(self.tags.choose(0))
        elif key == "ctrl+u" and not text:
            self._turn(Tags())
        else:
            return False
        return True

    def _turn(self, tags: Tags) -> None:
        """Go on with these tags, and tell the form what is new about them."""
        before, self.tags = self.tags, tags
        self._close()
        if before.entries != tags.entries:
            self._report()
        if before.chosen != tags.chosen:
            self.post_message(self.Moved())

    def choose_none(self) -> None:
        """Go on in the text."""
        self._turn(self.tags.choose(None))

    def _edit_chosen(self) -> None:
        """Take the chosen entry back into the text; what stood there becomes an entry first, or all stays."""
        if not self.commit():
            return
        entry, rest = self.tags.take()
        self._write(written(entry))
        self._turn(rest)
        self._report()

    def commit(self) -> bool:
        """Make what is written into entries; False where the field's rule refuses some: those stay in the text."""
        return self._enter(self._split(self.input.value))

    def _enter(self, new: Sequence[str]) -> bool:
        tags, refused = admit(self.field, self.tags, new)
        self._write(", ".join(map(written, refused)))
        self._turn(tags)
        self._report()
        return not refused

    def take_paste(self, text: str) -> bool:
        """Make the entries of a copied list into tags; False where the text is but one, or the piece of one."""
        if not any(mark in text for mark in PASTED):
            return False
        start, end = sorted(self.input.selection)
        value = self.input.value
        self._enter(self._split(value[:start] + text + value[end:], PASTED))
        return True

    # ------------------------------------------------------------------------------------------------------ choices

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look up what the word could become, a moment after the last key."""
        event.stop()
        self._close()
        if self._look_up is not None and self.input.has_focus and (begun := self._begun):
            self.run_worker(self._offer(self._look_up, begun), group="choices", exclusive=True)
        self._report()

    @property
    def _begun(self) -> str:
        """The entry being written, where it is but one."""
        parts = self._split(self.input.value)
        return parts[0].lstrip('"') if len(parts) == 1 else ""

    async def _offer(self, look_up: LookUp, begun: str) -> None:
        await asyncio.sleep(PAUSE)
        try:
            names = await look_up(begun)
        except Exception:
            # Textual ends the program over an error here, and a store that is away says so elsewhere.
            return
        if begun != self._begun or not self.input.has_focus or self.tags.chosen is not None:
            return
        taken = {entry.casefold() for entry in self.tags.entries}
        offered = [name for name in names if name.casefold() not in taken and not forbidden(name)]
        # Of "Drama" and "Drama film" the first is meant by who has written it out.
        offered.sort(key=lambda name: (name != begun, name.casefold() != begun.casefold()))
        if offered != [begun]:
            self.choices.open(offered)

    def _close(self) -> None:
        self.workers.cancel_group(self, "choices")
        self.choices.close()

    def on_drop_down_picked(self, event: DropDown.Picked) -> None:
        """Take what was clicked on."""
        event.stop()
        self._enter((event.choice,))
        self.input.focus()

    def leave(self) -> None:
        """The box lost the focus: what is written becomes an entry where it can."""
        if self.input.value.strip():
            self.commit()
        gap = self.tags.gap if self.input.value else None
        self._turn(Tags(self.tags.entries, None, gap))

    # ------------------------------------------------------------------------------------------------------- looking

    def watch_tags(self) -> None:
        """Put the box behind the entries."""
        if self.is_mounted:
            self._arrange_box()

    def on_mount(self) -> None:
        self.watch(self.input, "has_focus", self._arrange_box, init=False)

    def on_resize(self) -> None:
        self._arrange_box()

    def _arrange_box(self) -> None:
        if width := self.size.width:
            lines = self._lines(width)
            self._top = self._scrolled(lines)
            row = min(len(lines.places), MOST_LINES) - 1
            self.input.styles.margin = (row, 0, 0, lines.text_at)
            self.input.placeholder = "" if self.tags.entries else self.field.hint
        self.refresh(layout=True)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the entries take, up to the most."""
        return min(len(self._lines(width).places), MOST_LINES)

    def _lines(self, width: int) -> Lines:
        widths = [min(cell_len(visible(entry)) + 2, width - _MARGIN) for entry in self.tags.entries]
        text = TEXT_WIDTH if self.input.has_focus or self.input.value else 0
        lines = lay_out(widths, width, text)
        return lines if len(lines.places) <= MOST_LINES else lay_out(widths, width - _MARGIN, text)

    def _scrolled(self, lines: Lines) -> int:
        """The first line to show: the last line is always there, and of the others those around the chosen entry."""
        last, scrolling = len(lines.places) - 1, MOST_LINES - 1
        if last < MOST_LINES:
            return 0
        if self.tags.chosen is None:
            return last - scrolling if self.input.has_focus else 0
        line = lines.line_of(self.tags.chosen)
        return min(max(self._top, line - scrolling + 1), line, last - scrolling)

    def on_click(self, event: events.Click) -> None:
        """Choose the entry under the mouse."""
        event.stop()
        if self.input.disabled or (at := event.get_content_offset(self)) is None:
            return
        self.input.focus()
        lines, left = self._lines(self.size.width), 0
        for place in self._in_sight(lines)[at.y]:
            left += self._width_of(place) + 1
            if at.x < left - 1:
                self._turn(self.tags.choose(place))
                return

    def _in_sight(self, lines: Lines) -> tuple[tuple[int, ...], ...]:
        if len(lines.places) <= MOST_LINES:
            return lines.places
        return (*lines.places[self._top : self._top + MOST_LINES - 1], lines.places[-1])

    def _width_of(self, place: int) -> int:
        return min(cell_len(visible(self.tags.entries[place])) + 2, self.size.width - _MARGIN)

    def render(self) -> Content:
        width = self.size.width
        lines = self._lines(width)
        shown = self._in_sight(lines)
        rows = [Content(" ").join(map(self._drawn, places)) for places in shown]
        if len(lines.places) > MOST_LINES:
            above = sum(map(len, lines.places[: self._top]))
            below = sum(map(len, lines.places[self._top + MOST_LINES - 1 : -1]))
            for row, sign, hidden in ((0, "↑", above), (MOST_LINES - 2, "↓", below)):
                if hidden:
                    said = f"{sign}{hidden}"
                    blanks = Content(" " * (width - rows[row].cell_length - len(said)))
                    rows[row] += blanks + Content.styled(said, self.get_visual_style("tags--more", partial=True))
        return Content("\n").join(rows)

    def _drawn(self, place: int) -> Content:
        chosen = place == self.tags.chosen
        # Signs as well as colours: a tag, and the chosen one, must be seen as such without colours.
        begin, end = ("▸", "◂") if chosen else ("[", "]")
        text = Content(visible(self.tags.entries[place])).truncate(self._width_of(place) - 2, ellipsis=True)
        # Whole, not partial: a partial style has no background.
        style = self.get_visual_style("tags--chosen" if chosen else "tags--tag")
        return (Content(begin) + text + Content(end)).stylize(style)


class TagInput(FieldInput):
    """The box behind the entries. Keys that concern them go to their editor."""

    def __init__(self, editor: TagEditor) -> None:
        super().__init__(editor.field, "")
        self._editor = editor

    async def takes(self, key: str) -> bool:
        """Whether a key that else belongs to the form did something here. Every key before it is done with first."""
        done = asyncio.Event()
        if self.call_later(done.set):
            await done.wait()
        return self._editor.press(key)

    async def on_key(self, event: events.Key) -> None:
        """Let the editor have the key first."""
        if self._editor.press(event.key, event.character):
            event.prevent_default()
            event.stop()

    def on_mouse_down(self) -> None:
        """Write here, whatever was chosen."""
        self._editor.choose_none()

    def on_click(self, event: events.Click) -> None:
        """No business of the editor: it would take the place for one of its own."""
        event.stop()

    def on_blur(self) -> None:
        """Leave nothing half written."""
        self._editor.leave()

    def _insert(self, text: str) -> None:
        if len(text) > (self.max_length or 0) or not self._editor.take_paste(text):
            super()._insert(text)
