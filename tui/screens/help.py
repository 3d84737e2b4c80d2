"""HelpScreen: keys, with what each does; and HelpedScreen, a dialog that shows its own."""

from __future__ import annotations

import textwrap
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.screen import ModalScreen, ScreenResultType
from textual.widget import Widget

from tui.keys_help import Section, Sections

_KEY: Final = 12
"""Cells of a key; what does not fit has a line of its own."""


class HelpScreen(ModalScreen[None]):
    """A page of keys; any of Esc, ?, F1 and q closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,f1,q,enter", "dismiss", "Close", show=False, id="help.close"),
        Binding("down,j", "scroll(1)", "Down", show=False, id="help.down"),
        Binding("up,k", "scroll(-1)", "Up", show=False, id="help.up"),
        Binding("pagedown,space", "scroll(10)", "Page down", show=False, id="help.page_down"),
        Binding("pageup", "scroll(-10)", "Page up", show=False, id="help.page_up"),
    ]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll {
        width: 84; max-width: 100%; height: auto; max-height: 100%;
        background: $surface; border: round $border; padding: 0 2;
        scrollbar-size-vertical: 1; scrollbar-background: $surface;
        border-title-style: bold; border-subtitle-color: $text-muted;
    }
    """

    def __init__(self, title: str, sections: Sections) -> None:
        super().__init__()
        self._title, self._sections = title, sections

    def compose(self) -> ComposeResult:
        page = VerticalScroll(KeyPage(self._sections))
        page.border_title = Content(self._title)
        page.border_subtitle = Content("↑ ↓ scroll · esc close")
        yield page

    def action_scroll(self, lines: int) -> None:
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)


class KeyPage(Widget):
    """The sections below each other, long sentences in a column beside their keys."""

    DEFAULT_CSS = "KeyPage { height: auto; }"

    def __init__(self, sections: Sections) -> None:
        super().__init__()
        self._sections = sections

    def render(self) -> Content:
        return Content("\n").join(help_lines(self._sections, self.content_size.width))

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        return len(help_lines(self._sections, width))


def help_lines(sections: Sections, width: int) -> list[Content]:
    """The page in so many cells, a blank line between sections."""
    lines: list[Content] = []
    for section in sections:
        if lines:
            lines.append(Content(""))
        lines += _section_lines(section, max(width, 2 * _KEY))
    return lines


def _section_lines(section: Section, width: int) -> list[Content]:
    if not section.heading:
        return [Content(line) for _, text in section.rows for line in textwrap.wrap(text, width)]
    lines = [Content.styled(section.heading, "bold $text-accent")]
    for key, meaning in section.rows:
        first, *rest = textwrap.wrap(meaning, width - 2 - _KEY)
        if len(key) < _KEY:
            lines.append(Content.assemble((f"  {key:<{_KEY}}", "bold"), first))
        else:
            lines += [Content.styled(f"  {key}", "bold"), Content(f"  {'':<{_KEY}}{first}")]
        lines += [Content(f"  {'':<{_KEY}}{line}") for line in rest]
    return lines


class HelpedScreen(ModalScreen[ScreenResultType]):
    """A dialog whose keys are shown by `?` and F1; where text is typed, by F1 alone."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("question_mark,f1", "keys", "Keys", show=False, id="dialog.keys"),
    ]
    KEYS_OF: ClassVar[str] = ""
    """What the dialog is, for the title: "Keys of the form"."""
    KEYS: ClassVar[tuple[tuple[str, str], ...]] = ()
    """Each key as people read it, and what it does here."""
    KEYS_NOTE: ClassVar[str] = ""
    """What is to be known beside the keys."""

    def action_keys(self) -> None:
        """Show the keys of this dialog."""
        note = (Section("", (("", self.KEYS_NOTE),)),) if self.KEYS_NOTE else ()
        self.app.push_screen(HelpScreen(f"Keys of {self.KEYS_OF}", (*note, Section("Keys here", self.KEYS))))
