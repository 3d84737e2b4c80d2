"""EditScreen: the form in which a movie is edited or added."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from time import monotonic
from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input, Static
from textual.worker import Worker, WorkerState

from core.errors import EditConflict, InvalidMovie, MovieExists, OutcomeUnknown, ReelcacheError
from core.model import FIELD, Field, Movie, same_content, value_of
from tui.editing import Draft, proposed_id
from tui.formats import plural
from tui.screens.confirm import ConfirmScreen
from tui.screens.conflict import ConflictScreen
from tui.screens.help import HelpedScreen
from tui.screens.review import ReviewScreen
from tui.widgets.dialog import Dialog
from tui.widgets.field_input import FieldInput
from tui.widgets.field_row import FieldRow
from tui.widgets.tags import Completions, TagEditor, TagInput

Save = Callable[[Movie], Awaitable[Movie]]

GROUPS: Final = (
    ("Film", ("id", "title", "year", "released", "runtime", "rated", "type", "genres", "countries", "languages")),
    ("People and words", ("directors", "writers", "cast", "plot", "poster")),
    ("Reception", ("imdb_id", "imdb_rating", "imdb_votes", "metacritic", "tomatometer")),
    ("Critics, awards, money", ("critic_rating", "critic_reviews", "oscars_won", "oscar_nominations", "box_office")),
)
"""The fields as the form orders them; the first two groups stand left where there are two columns."""

HINT: Final = "ctrl+s save · ctrl+r revert field · esc cancel · F1 keys"


class EditScreen(HelpedScreen[Movie | None]):
    """Every editable field of a movie, one a line; ends with the saved movie, or None when nothing was saved.

    `save` is awaited in a worker. Whatever it raises is shown in the form, and everything typed stays.
    """

    AUTO_FOCUS = "#field-title"
    # Textual declares the breakpoints as an instance variable: no ClassVar here.
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (100, "-wide"), (160, "-columns")]  # noqa: RUF012
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "save", "Save", id="edit.save"),
        Binding("ctrl+r", "revert", "Revert field", id="edit.revert"),
        Binding("escape", "leave", "Cancel", id="edit.leave"),
        # With priority the focus moves before the next key is handed out: of keys that arrive in one go, as over a
        # slow line, none is typed into the field that was just left.
        Binding("down", "step('down')", "Next field", id="edit.down", show=False, priority=True),
        Binding("tab", "step('tab')", "Next field", id="edit.tab", show=False, priority=True),
        Binding("enter", "step('enter')", "Next field", id="edit.enter", show=False, priority=True),
        Binding("up", "step('up')", "Previous field", id="edit.up", show=False, priority=True),
        Binding("shift+tab", "step('shift+tab')", "Previous field", id="edit.back", show=False, priority=True),
    ]
    KEYS_OF = "the form"
    KEYS = (
        ("↓ Tab Enter", "Go to the next field."),
        ("↑", "Go to the field before; Shift+Tab too."),
        ("→", "Take over the value that is offered."),
        ("Enter ,", "In a list: add what is written. An entry that holds a comma stands in double quotes."),
        ("↓ ↑ Tab", "In the choices of a list: mark one with the arrows; Tab takes it, or the first."),
        ("← →", "From the text of a list to its entries: Enter edits the chosen one, Del removes it."),
        ("^← ^→", "Move the chosen entry of a list; Shift with the arrows too."),
        ("^s", "Show what would change, and save it after Enter."),
        ("^r", "Give the field its old value back."),
        ("^u ^k ^w", "Delete to the start, to the end, the word before."),
        ("Esc", "Leave without saving, after asking; while a save is under way, stop waiting."),
        ("F1", "Show these keys: in a field, ? is text."),
    )
    DEFAULT_CSS = """
    EditScreen { align: center middle; }
    EditScreen Dialog { width: 84; max-width: 100%; }
    EditScreen.-wide Dialog { width: 120; }
    EditScreen.-columns Dialog { width: 196; }
    EditScreen .edit--columns, EditScreen .edit--column { height: auto; }
    EditScreen .edit--group {
        display: none;
        height: 1;
        color: $text-primary;
        text-style: bold;
        padding-left: 2;
    }
    EditScreen.-columns .edit--columns { layout: horizontal; }
    EditScreen.-columns .edit--column { width: 2fr; padding: 0 1; }
    EditScreen.-columns .edit--column.-numbers { width: 3fr; }
    EditScreen.-columns .edit--column.-texts { width: 5fr; }
    EditScreen.-columns .edit--group { display: block; margin-top: 1; }
    """

    def __init__(
        self,
        movie: Movie,
        save: Save,
        *,
        title: str = "Edit",
        completions: Completions | None = None,
        draft: Draft | None = None,
        note: str = "",
    ) -> None:
        """`completions` has the values that a list may take over; `note` says, before a save, what it will mean."""
        super().__init__()
        self._save = save
        self._note = note
        self._title = title
        self._completions = completions
        self._draft = draft or Draft(movie)
        self._is_new = FIELD["id"] in self._draft.fields
        self._refused: dict[str, str] = {}
        """What the store's side refused, by field name, until that field is typed in again."""
        self._rows: dict[str, FieldRow] = {}
        self._dialog = Dialog()
        self._saving: Worker[None] | None = None
        self._waiting: Timer | None = None
        """Says how long the save under way has taken."""
        self._left_at = "title"
        """The field that had the focus when the save began."""

    @classmethod
    def for_new(cls, add: Save, *, completions: Completions | None = None, note: str = "") -> EditScreen:
        """The form for a movie that does not exist yet: it has an id field, with a proposal that follows the title."""
        draft = Draft.of_new()
        return cls(draft.base, add, title="New movie", completions=completions, draft=draft, note=note)

    @property
    def draft(self) -> Draft:
        """What has been typed so far."""
        return self._draft

    def compose(self) -> ComposeResult:
        fields = {field.name: field for field in self._draft.fields}
        columns = (
            Vertical(*self._groups(GROUPS[:2], fields), classes="edit--column -texts"),
            Vertical(*self._groups(GROUPS[2:], fields), classes="edit--column -numbers"),
        )
        self._dialog = Dialog(Container(*columns, classes="edit--columns"), keys=HINT)
        yield self._dialog

    def _groups(
        self, groups: Sequence[tuple[str, tuple[str, ...]]], fields: dict[str, Field]
    ) -> list[Static | FieldRow]:
        found: list[Static | FieldRow] = []
        for heading, names in groups:
            found.append(Static(Content(heading), classes="edit--group"))
            for name in names:
                if name in fields:
                    value = self._draft.entries(name) if fields[name].kind == "list" else None
                    self._rows[name] = FieldRow(
                        fields[name], value, self._draft.text(name), completions=self._completions
                    )
                    found.append(self._rows[name])
        return found

    def on_mount(self) -> None:
        for name in self._rows:
            self._judge(name)
        self._report()

    def set_focus(self, widget: Widget | None, scroll_visible: bool = True, from_app_focus: bool = False) -> None:
        """Move the focus, and leave it to the dialog to scroll: where Textual goes is reckoned before words and notice
        have taken their lines, and reached after it."""
        super().set_focus(widget, scroll_visible=False, from_app_focus=from_app_focus)

    # ------------------------------------------------------------------------------------------------------- typing

    def on_input_changed(self, event: Input.Changed) -> None:
        """Take what was typed into the draft."""
        event.stop()
        if isinstance(event.input, FieldInput):
            self._take_typed(event.input.field.name)

    def on_tag_editor_changed(self, event: TagEditor.Changed) -> None:
        """Take the entries of a list into the draft."""
        event.stop()
        self._take_typed(event.editor.field.name)

    def _take_typed(self, name: str) -> None:
        """Take what a field shows by now into the draft.

        Events tell late what changed: of keys that come in one go the next one is in the box already, and a new
        movie's id, which follows the title while nobody typed another, would stop doing so in the middle of a word.
        """
        row = self._rows[name]
        if row.tags is not None:
            if row.tags.entries != self._draft.entries(name):
                self._take(name, self._draft.put(name, row.tags.entries))
        elif row.input.value != self._draft.text(name):
            text = self._draft.text
            follows = self._is_new and name == "title" and text("id") == proposed_id(text("title"))
            self._take(name, self._draft.write(name, row.input.value))
            if follows:
                self._rows["id"].show(proposed_id(row.input.value))
                self._take_typed("id")

    def _take_all_typed(self) -> None:
        for name, row in self._rows.items():
            if row.tags is None or row.input.has_focus:
                self._take_typed(name)

    def _take(self, name: str, draft: Draft) -> None:
        """Go on with a draft that has another value in this field, and show what it makes of it."""
        self._draft = draft
        self._refused.pop(name, None)
        self._judge(name)
        self._report()

    async def action_step(self, key: str) -> None:
        """Go to the next field or the one before, unless the key has a meaning in the list being edited."""
        if isinstance(self.focused, TagInput) and await self.focused.takes(key):
            return
        if key in ("up", "shift+tab"):
            self.focus_previous()
        else:
            self.focus_next()

    def on_dialog_noticed(self) -> None:
        """Keep the word of the field in focus clear of the notice too."""
        self._keep_in_view()

    def on_dialog_stretched(self) -> None:
        """Show the word of the last field too: the row hears of its line before there is room to scroll to it."""
        self._keep_in_view()

    def _keep_in_view(self) -> None:
        if isinstance(self.focused, FieldInput):
            self._rows[self.focused.field.name].scroll_visible(animate=False, immediate=True)

    def on_field_input_refused(self, event: FieldInput.Refused) -> None:
        """Say why a paste or a key did nothing."""
        event.stop()
        self._dialog.say(f"{event.input.field.label} {event.reason}.", "warning")

    def action_revert(self) -> None:
        """Give the focused field its old value back."""
        if isinstance(self.focused, FieldInput) and self._saving is None:
            name = self.focused.field.name
            self._rows[name].show(value_of(self._draft.base, name))

    def _problem(self, name: str) -> str | None:
        return self._draft.problem(name) or self._refused.get(name)

    def _wrong(self) -> dict[str, str]:
        """What is wrong, by field name, in the order of the form."""
        return {name: problem for name in self._rows if (problem := self._problem(name))}

    def _judge(self, name: str) -> None:
        old = None if self._is_new else self._draft.original(name)
        self._rows[name].judge(dirty=self._draft.is_dirty(name), old=old, problem=self._problem(name))

    def _report(self) -> None:
        """The title and the notice: how much is changed, and whether it can be saved."""
        changes = len(self._draft.dirty)
        self._dialog.title_bar(self._title, self._draft.base.title[:40], plural(changes, "change") if changes else "")
        wrong = self._wrong()
        if not changes:
            self._dialog.say(
                "Fill in the title; all else may stay unknown." if self._is_new else "Nothing changed yet."
            )
        elif wrong:
            name, problem = next(iter(wrong.items()))
            more = f" ({plural(len(wrong) - 1, 'more problem')})" if len(wrong) > 1 else ""
            self._dialog.say(f"Cannot be saved: {FIELD[name].label} {problem}{more}.", "warning")
        else:
            self._dialog.say(f"ctrl+s saves {plural(changes, 'change')}.", "success")

    # ------------------------------------------------------------------------------------------------------- saving

    def action_save(self) -> None:
        """Save, or go to the first field that is in the way."""
        # After all keys typed before this one have reached their boxes.
        self.call_after_refresh(self._save_what_is_typed)

    def _save_what_is_typed(self) -> None:
        if self._saving is not None or not self.is_current:
            return
        self._take_all_typed()
        if wrong := self._wrong():
            self._report()
            self._rows[next(iter(wrong))].input.focus()
            self._dialog.say(
                f"Cannot be saved: {FIELD[next(iter(wrong))].label} {next(iter(wrong.values()))}.", "error"
            )
        elif not self._draft.dirty:
            self._dialog.say("Nothing changed, so there is nothing to save.")
        else:
            if isinstance(self.focused, FieldInput):
                self._left_at = self.focused.field.name
            review = ReviewScreen(self._title, self._draft.changes, self._note)
            self.app.push_screen(review, self._save_if_meant)

    def _save_if_meant(self, meant: bool | None) -> None:
        if meant:
            self._saving = self.run_worker(self._store(self._draft.movie), exit_on_error=False)
            self._freeze(True)

    async def _store(self, movie: Movie) -> None:
        try:
            saved = await self._until_no_conflict(movie)
        except InvalidMovie as error:
            self._refuse(error.problems)
        except MovieExists as error:
            self._refuse({"id": "is taken by another movie"}, f"{error}")
        except OutcomeUnknown as error:
            self._stay(f"It is unknown whether it was saved. {error} What you typed is still here.", "warning")
        except ReelcacheError as error:
            self._stay(f"Not saved. {error} What you typed is still here.", "error")
        else:
            if saved is None:
                self._stay("Not saved. What you typed is still here; ctrl+s compares again.", "warning")
            else:
                self._finish(saved)

    async def _until_no_conflict(self, movie: Movie) -> Movie | None:
        """The saved movie; None when the person turned away from a conflict."""
        while True:
            try:
                return await self._save(movie)
            except EditConflict as conflict:
                theirs = conflict.current
                if same_content(movie, theirs):
                    return theirs
                merged = await self.app.push_screen_wait(ConflictScreen(self._draft.base, movie, theirs))
                if merged is None:
                    return None
                self._rebase(theirs, merged)
                if same_content(merged, theirs):
                    return theirs
                movie = merged

    def _rebase(self, base: Movie, movie: Movie) -> None:
        """Go on from their version, so that nothing chosen is lost should the save fail now."""
        self._draft = self._draft.rebase(base, movie)
        for name, row in self._rows.items():
            row.show(value_of(movie, name))
            self._judge(name)

    def _refuse(self, problems: dict[str, str], reason: str = "") -> None:
        self._refused = {name: problem for name, problem in problems.items() if name in self._rows}
        for name in self._rows:
            self._judge(name)
        self._left_at = next(iter(self._refused), self._left_at)
        self._stay(reason or "Not saved. " + "; ".join(f"{k}: {v}" for k, v in problems.items()) + ".", "error")

    def _freeze(self, saving: bool) -> None:
        """Keep the fields readable but untouched while the save is under way."""
        for row in self._rows.values():
            row.input.disabled = saving
        if saving:
            began = monotonic()
            self._say_in_flight(began)
            self._waiting = self.set_interval(1.0, partial(self._say_in_flight, began))
        elif self._waiting is not None:
            self._waiting.stop()

    def _say_in_flight(self, began: float) -> None:
        seconds = round(monotonic() - began)
        if seconds < 2:
            self._dialog.say("Saving: on its way to the store, saved once it answers. Esc stops waiting.")
        else:
            said = f"Saving for {seconds} s, no answer yet: it may still arrive. Esc stops waiting."
            self._dialog.say(said, "warning")

    def _stay(self, message: str, tone: str) -> None:
        self._saving = None
        self._freeze(False)
        self._report()
        self._dialog.say(message, tone)
        self._rows[self._left_at].input.focus()

    def _finish(self, saved: Movie) -> None:
        if not self.is_current:
            # The command palette or the like may have been opened over the form meanwhile.
            self.pop_until_active()
        self.dismiss(saved)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Say so when a save was given up or broke in a way that nobody foresaw."""
        if event.worker is not self._saving:
            return
        if event.state is WorkerState.CANCELLED:
            self._stay(
                "Stopped waiting; it is unknown whether the change arrived. Saving once more is safe.", "warning"
            )
        elif event.state is WorkerState.ERROR:
            kind = type(event.worker.error).__name__
            self._stay(f"Not saved: something unforeseen went wrong ({kind}). What you typed is still here.", "error")

    # ------------------------------------------------------------------------------------------------------ leaving

    def action_leave(self) -> None:
        """Close; with changes only after asking. While a save is under way: stop waiting for it."""
        self.call_after_refresh(self._leave_what_is_typed)

    def _leave_what_is_typed(self) -> None:
        if not self.is_current:
            return
        self._take_all_typed()
        if self._saving is not None:
            self._saving.cancel()
        elif changes := len(self._draft.dirty):
            question = f"Discard {plural(changes, 'change')}?"
            self.app.push_screen(
                ConfirmScreen(question, yes="discard", no="keep editing", danger=True), self._leave_if_meant
            )
        else:
            self.dismiss(None)

    def _leave_if_meant(self, meant: bool | None) -> None:
        if meant:
            self.dismiss(None)
