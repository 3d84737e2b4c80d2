"""KeysScreen: the keys that the program has in Redis, and each one taken apart. It looks, and changes nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import ClassVar, Final

import msgspec
from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from core.cache.inspector import Listed, Listing
from core.errors import ReelcacheError
from core.inspection import Inspection, shown_name
from tui.formats import plural, visible
from tui.key_object import as_object
from tui.screens.help import HelpedScreen
from tui.widgets.anatomy_text import anatomy_lines, row, short_name
from tui.widgets.filter_bar import BoundedInput
from tui.work import run

PAGE: Final = 200
"""Keys that are listed at once."""
MOST: Final = 2_000
"""Keys that are listed in all: more say no more to a person, who narrows them."""
_EVERY: Final = 1.0
"""Seconds between two looks at the key that is marked."""
_LISTED_EVERY: Final = 3
"""Looks between two listings."""
_STACKED: Final = 76
"""Cells below which the key stands under the list, not beside it."""

Keys = Callable[..., Awaitable[Listing]]
Inspect = Callable[[str], Awaitable[Inspection]]


class KeysScreen(HelpedScreen[None]):
    """A list of keys, those named `first` on top, and the marked one whole; both are read again as time goes by."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "Close", id="keys.close", priority=True),
        Binding("q,K", "dismiss(None)", "Close", show=False, id="keys.quit"),
        Binding("j", "move(1)", "Down", show=False, id="keys.down"),
        Binding("k", "move(-1)", "Up", show=False, id="keys.up"),
        # The list would take them for itself.
        Binding("pagedown", "scroll(1)", "Page down", show=False, id="keys.page-down", priority=True),
        Binding("pageup", "scroll(-1)", "Page up", show=False, id="keys.page-up", priority=True),
        Binding("space", "scroll(1)", "Page down", show=False, id="keys.space"),
        Binding("slash", "narrow", "Narrow", id="keys.narrow"),
        Binding("n", "more", "More", id="keys.more"),
        Binding("r", "reload", "Read again", id="keys.reload"),
        Binding("Y", "copy", "Copy", id="keys.copy"),
    ]
    KEYS_OF = "the inspector"
    KEYS = (
        ("↑ ↓ k j", "Go to another key; it is shown whole beside the list."),
        ("PgUp PgDn", "Scroll what is shown of it; Space too."),
        ("/", "Narrow the list: words of a name, or a pattern such as movie:Q10*. Enter keeps it, Esc leaves it."),
        ("n", "List more keys."),
        ("r", "Read again now; once a second that happens by itself."),
        ("Y", "Copy what is known of the key, as JSON."),
        ("Esc q K", "Close."),
    )
    KEYS_NOTE = (
        "What the program has in Redis, of every store and copy: movie:Q1 is an entry, and beside it stands its gate,"
        " which says who may fill it. This screen only reads: no key changes by it."
    )
    DEFAULT_CSS = """
    KeysScreen { align: center middle; }
    KeysScreen > Vertical {
        width: 100%; height: 100%; background: $surface; border: round $primary; padding: 0 1;
        border-title-color: $text-primary; border-title-style: bold; border-subtitle-color: $text-muted;
    }
    KeysScreen Horizontal { height: 1fr; }
    KeysScreen OptionList, KeysScreen OptionList:focus {
        width: 2fr; min-width: 38; max-width: 64; height: 100%; border: none; padding: 0; background: $surface;
        background-tint: transparent; scrollbar-size-vertical: 1;
    }
    KeysScreen VerticalScroll { width: 3fr; height: 100%; padding-left: 1; scrollbar-size-vertical: 1; }
    KeysScreen.-stacked Horizontal { layout: vertical; }
    KeysScreen.-stacked OptionList, KeysScreen.-stacked OptionList:focus { width: 100%; max-width: 100%; height: 2fr; }
    KeysScreen.-stacked VerticalScroll { width: 100%; height: 3fr; padding-left: 0; }
    KeysScreen Input { height: 1; border: none; padding: 0; background: $boost; display: none; }
    KeysScreen Input.-shown { display: block; }
    KeysScreen .keys--notice { height: auto; max-height: 3; color: $text-error; display: none; }
    KeysScreen .keys--notice.-shown { display: block; }
    """

    def __init__(self, keys: Keys, inspect: Inspect, first: Sequence[str] = ()) -> None:
        super().__init__()
        self._keys, self._inspect, self._first = keys, inspect, tuple(first)
        self._text = ""
        self._cursor = ""
        self._shown: tuple[Listed, ...] = ()
        self._pages = 1
        self._seen: Inspection | None = None
        self._looks = 0
        self._frame = Vertical()
        self._box = BoundedInput(placeholder="words of a name, or a pattern: movie:Q10*", compact=True)
        self._list = OptionList()
        self._whole = Static()
        self._scroll = VerticalScroll(self._whole, can_focus=False)
        self._notice = Static(classes="keys--notice")

    def compose(self) -> ComposeResult:
        self._frame.border_title = Content("Keys in Redis")
        self._frame.border_subtitle = Content("↑ ↓ choose · PgDn scroll · / narrow · n more · esc close · ? keys")
        with self._frame:
            yield self._box
            with Horizontal():
                yield self._list
                yield self._scroll
            yield self._notice

    def on_mount(self) -> None:
        self._list.focus()
        self._read_list()
        self.set_interval(_EVERY, self._look_again)

    def on_resize(self, event: events.Resize) -> None:
        """Stack the two where they do not fit side by side."""
        self.set_class(event.size.width < _STACKED, "-stacked")
        self.call_after_refresh(self._draw)

    # ------------------------------------------------------------------------------------------------------ reading

    def action_reload(self) -> None:
        """Read list and key again."""
        self._read_list()

    def action_more(self) -> None:
        """List more keys."""
        if self._cursor and len(self._shown) < MOST:
            self._pages += 1
            self._read_list()

    def _look_again(self) -> None:
        self._looks += 1
        if self._pages == 1 and self._looks % _LISTED_EVERY == 0:
            self._read_list()
        else:
            self._read_key()

    def _read_list(self) -> None:
        run(self, self._list_keys(), doing="list the keys", group="keys")

    async def _list_keys(self) -> None:
        try:
            pinned = [_listed(await self._inspect(name)) for name in self._first] if not self._text else []
            found: dict[bytes, Listed] = {}
            cursor = ""
            for _ in range(self._pages):
                page = await self._keys(self._text, cursor=cursor, limit=PAGE)
                found |= {key.name: key for key in page.keys}
                cursor = page.cursor
                if not cursor:
                    break
        except ReelcacheError as problem:
            self._say(str(problem))
            return
        self._say("")
        self._cursor = cursor
        for key in pinned:
            found.pop(key.name, None)
        rest = sorted(found.values(), key=lambda key: short_name(shown_name(key.name)))
        self._show_list((*pinned, *rest[:MOST]))
        await self._show_key()

    def _show_list(self, keys: tuple[Listed, ...]) -> None:
        marked = self._marked
        self._shown = keys
        names = [key.name for key in keys]
        wide = self._list.scrollable_content_region.width - 2  # an option has a blank at each end
        if [key.name for key in keys] == [option.id and bytes.fromhex(option.id) for option in self._list.options]:
            for number, key in enumerate(keys):
                self._list.replace_option_prompt_at_index(number, row(key, wide))
        else:
            self._list.set_options([Option(row(key, wide), id=key.name.hex()) for key in keys])
            wanted = marked.encode("utf-8", "surrogateescape") if marked is not None else b""
            self._list.highlighted = names.index(wanted) if wanted in names else 0 if names else None
        more = ", more with n" if self._cursor and len(keys) < MOST else ", narrow them with /" if self._cursor else ""
        of = f" · {self._text}" if self._text else ""
        self._frame.border_title = Content(visible(f"Keys in Redis{of} · {plural(len(keys), 'key')}{more}"))

    @property
    def _marked(self) -> str | None:
        """The name of the key that is marked."""
        at = self._list.highlighted
        return shown_name(self._shown[at].name) if at is not None and at < len(self._shown) else None

    @on(OptionList.OptionHighlighted)
    def show_marked(self) -> None:
        """Show the marked key whole, from its beginning."""
        self._scroll.scroll_home(animate=False)
        self._read_key()

    def _read_key(self) -> None:
        run(self, self._show_key(), doing="look at the key", group="key")

    async def _show_key(self) -> None:
        name = self._marked
        if name is None:
            nothing = "No key of the program's has such a name." if self._text else "The program has nothing in Redis."
            self._seen = None
            self._whole.update(Content(nothing))
            return
        try:
            self._seen = await self._inspect(name)
        except ReelcacheError as problem:
            self._say(str(problem))
            return
        self._say("")
        self._draw()

    def _draw(self) -> None:
        if self._seen is not None:
            width = max(20, self._scroll.scrollable_content_region.width)
            self._whole.update(Content("\n").join(anatomy_lines(self._seen, width)))

    def _say(self, problem: str) -> None:
        self._notice.set_class(bool(problem), "-shown")
        self._notice.update(Content(visible(problem)))

    # ---------------------------------------------------------------------------------------------------- what is asked

    def action_move(self, rows: int) -> None:
        """Mark another key."""
        if rows > 0:
            self._list.action_cursor_down()
        else:
            self._list.action_cursor_up()

    def action_scroll(self, pages: int) -> None:
        """Move what is shown of the key."""
        if pages > 0:
            self._scroll.scroll_page_down(animate=False)
        else:
            self._scroll.scroll_page_up(animate=False)

    def action_narrow(self) -> None:
        """Type what the names are to hold."""
        self._box.add_class("-shown")
        self._box.value = self._text
        self._box.focus()

    def action_leave(self) -> None:
        """Close the box, take back what narrows the list, or close the screen."""
        if self._box.has_class("-shown"):
            self._close_box()
        elif self._text:
            self._narrow("")
        else:
            self.dismiss(None)

    @on(Input.Submitted)
    def keep(self, event: Input.Submitted) -> None:
        """List what was typed."""
        event.stop()
        self._close_box()
        self._narrow(event.value.strip())

    def _narrow(self, text: str) -> None:
        self._text, self._pages = text, 1
        self._read_list()

    def _close_box(self) -> None:
        self._box.remove_class("-shown")
        self._list.focus()

    def action_copy(self) -> None:
        """Hand what is known of the key to the terminal's clipboard."""
        if self._seen is not None:
            self.app.copy_to_clipboard(msgspec.json.format(msgspec.json.encode(as_object(self._seen))).decode())
            self.notify("Copied, where the terminal lets programs copy.", title="Key", timeout=4, markup=False)


def _listed(seen: Inspection) -> Listed:
    made = seen.anatomy
    return Listed(made.name, made.type, made.ttl_ms, made.memory)
