"""FaultScreen: what can be broken on purpose, by one key each, and what is broken now."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, get_args

from textual.content import Content

from core.lab.faults import FAULT, FAULTS, FaultName, FaultSwitches
from tui.screens.strategies import Choice, ChoiceScreen

LIFT: Final = "lift"
"""What is chosen to mend everything."""
_CHOICES: Final = (
    *(Choice(fault.name, fault.title, (fault.description,)) for fault in FAULTS),
    Choice(LIFT, "Lift all faults", ("Everything is mended, as it also is when you leave.",)),
)


class FaultScreen(ChoiceScreen):
    """Choose a fault to switch on, or off where it is on; it ends with the fault's name."""

    KEYS_OF = "the faults"
    KEYS_NOTE = "Each fault is real. Choosing one that is on mends it; the last entry, and leaving, mend everything."

    def __init__(self, active: Mapping[FaultName, str]) -> None:
        super().__init__("Break something on purpose", _CHOICES, LIFT if active else "")
        self._active = active

    def _prompt(self, number: int, choice: Choice) -> Content:
        heading = [Content.styled(f"{number}  {choice.label}", "bold")]
        if choice.name in self._active:
            heading.append(Content.styled("  ● ON, again mends it", "bold $text-error"))
        return Content("\n").join([Content("").join(heading), *(Content(f"   {line}") for line in choice.lines)])


async def switch(faults: FaultSwitches, chosen: str, movie: str | None) -> str:
    """Do what was chosen; returns a sentence that says what was done. Raises FaultRefused."""
    if chosen == LIFT:
        await faults.lift()
        return "All faults are lifted."
    name = next(name for name in get_args(FaultName) if name == chosen)
    if name in faults.active:
        await faults.off(name)
        return f"{FAULT[name].title}: lifted."
    return await faults.on(name, movie=movie)
