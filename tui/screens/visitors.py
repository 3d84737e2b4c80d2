"""VisitorsScreen: how many simulated visitors there are, and what they do; adjusted while they are at it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Final

import msgspec
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from core.lab.visitors import Plan, Visitors
from tui import figures
from tui.screens.help import HelpedScreen
from tui.widgets.dialog import Dialog


class _Knob(msgspec.Struct, frozen=True):
    """One thing to adjust: the field of the plan, what it is called, and its steps from the least to the most."""

    field: str
    label: str
    steps: tuple[float, ...]
    show: Callable[[float], str]


KNOBS: Final = (
    _Knob("visitors", "Visitors", (1, 2, 4, 8, 16, 32, 64), lambda value: f"{value:.0f}"),
    _Knob("rate", "Each does", (0.2, 0.5, 1, 2, 5, 10, 20, 50), lambda value: f"{value:g} a second"),
    _Knob("skew", "Popularity", (0.2, 0.6, 0.8, 1.0, 1.2, 1.5), lambda value: f"Zipf {value:.1f}"),
    _Knob("browses", "Browse", (0, 5, 10, 20, 40, 60), lambda value: f"{value:.0f} %"),
    _Knob("edits", "Edit", (0, 1, 2, 5, 10, 20, 40), lambda value: f"{value:.0f} %"),
)
_MEANING: Final = {
    "visitors": "How many there are at once. Each waits for its answer before it asks again.",
    "rate": "Operations a second for each visitor, while the answers keep up.",
    "skew": "How unevenly movies are asked for: at 1.0 the first is asked for twice as often as the second.",
    "browses": "The share that looks at a window of 50 rows; the rest read one movie.",
    "edits": "The share that saves an edit. Edits are REAL: the number of reviews goes up or down by one, and stays.",
}


class VisitorsScreen(HelpedScreen[None]):
    """Arrows adjust, Enter lets visitors come or sends them away; closing the box leaves them as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss(None)", "Close", id="visitors.close"),
        Binding("V,enter,space", "start_or_stop", "Start or stop", id="visitors.toggle"),
        Binding("up,k", "choose(-1)", "Up", show=False, id="visitors.up"),
        Binding("down,j", "choose(1)", "Down", show=False, id="visitors.down"),
        Binding("left,h", "adjust(-1)", "Less", show=False, id="visitors.less"),
        Binding("right,l", "adjust(1)", "More", show=False, id="visitors.more"),
    ]
    KEYS_OF = "the visitors"
    KEYS = (
        ("↑ ↓ k j", "Choose what to adjust."),
        ("← → h l", "Less or more of it; visitors who are there follow at once."),
        ("Enter Space V", "Let visitors come, or send them away."),
        ("Esc q", "Close; the visitors stay as they are."),
    )
    DEFAULT_CSS = """
    VisitorsScreen { align: center middle; }
    VisitorsScreen Dialog { width: 70; max-width: 100%; }
    VisitorsScreen Static { height: auto; }
    """

    def __init__(self, visitors: Visitors) -> None:
        super().__init__()
        self._visitors = visitors
        self._plan = visitors.plan
        self._chosen = 0
        self._text = Static()

    def compose(self) -> ComposeResult:
        yield Dialog(
            self._text,
            title="Simulated visitors",
            keys="↑ ↓ ← → adjust · enter start or stop · esc close · ? keys",
        )

    def on_mount(self) -> None:
        self._show()
        self.set_interval(0.5, self._show)

    def action_choose(self, knobs: int) -> None:
        """Go to another knob."""
        self._chosen = (self._chosen + knobs) % len(KNOBS)
        self._show()

    def action_adjust(self, steps: int) -> None:
        """Turn the knob by a step; visitors who are there follow at once."""
        knob = KNOBS[self._chosen]
        place = knob.steps.index(getattr(self._plan, knob.field)) + steps
        value = knob.steps[max(0, min(len(knob.steps) - 1, place))]
        self._plan = msgspec.convert({**msgspec.structs.asdict(self._plan), knob.field: value}, Plan)
        if self._visitors.present:
            self._visitors.start(self._plan)
        self._show()

    async def action_start_or_stop(self) -> None:
        """Let visitors come, or send them away."""
        if self._visitors.present:
            await self._visitors.stop()
        else:
            self._visitors.start(self._plan)
        self._show()

    def _show(self) -> None:
        there = self._visitors.present
        lines = [
            Content.assemble(
                ("● They are here." if there else "○ Nobody is here.", "bold $text-warning" if there else "bold"),
                (f"  {visitors_done(self._visitors)}" if there else "", "$text-muted"),
            ),
            Content(""),
        ]
        for number, knob in enumerate(KNOBS):
            chosen = number == self._chosen
            value = knob.show(getattr(self._plan, knob.field))
            arrows = f"◂ {value} ▸" if chosen else f"  {value}"
            lines.append(Content.styled(f"{'▸' if chosen else ' '} {knob.label:<12}{arrows}", "bold" if chosen else ""))
        lines += [Content(""), Content.styled(_MEANING[KNOBS[self._chosen].field], "$text-muted")]
        self._text.update(Content("\n").join(lines))


def visitors_done(visitors: Visitors) -> str:
    """What they have done so far, in words."""
    done = visitors.done
    parts = [f"{figures.short(done.browsed)} browsed", f"{figures.short(done.read)} read"]
    if done.edited or visitors.plan.edits:
        parts.append(f"{figures.short(done.edited)} edited")
    if done.failed:
        parts.append(f"{figures.short(done.failed)} failed")
    return ", ".join(parts)
