"""What a person is told when something went wrong: once in a while, in words; the rest goes to a log file."""

from __future__ import annotations

import logging
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from core.errors import ReelcacheError

_QUIET_SECONDS: Final = 30.0
LOG_NAME: Final = "reelcache.log"


@dataclass(frozen=True, slots=True)
class Notice:
    """A toast: plain text, never markup."""

    title: str
    text: str
    severity: Literal["warning", "error"]


class Problems:
    """Turns errors into notices, the same one not twice within 30 seconds."""

    def __init__(self, state_dir: Path) -> None:
        self._log_file = state_dir / LOG_NAME
        self._told: dict[str, float] = {}

    def notice(self, error: Exception, doing: str, now: float) -> Notice | None:
        """What to tell about an error met while `doing` something; None when it was told just now."""
        if isinstance(error, ReelcacheError):
            notice = Notice(f"Could not {doing}", str(error), "error")
        else:
            where = self._write(error, doing)
            notice = Notice(
                f"Could not {doing}",
                f"Something unexpected happened ({type(error).__name__}). {where}",
                "error",
            )
        self._told = {text: at for text, at in self._told.items() if now - at < _QUIET_SECONDS}
        if notice.text in self._told:
            return None
        self._told[notice.text] = now
        return notice

    def _write(self, error: Exception, doing: str) -> str:
        record = logging.makeLogRecord({"levelname": "ERROR", "msg": f"while trying to {doing}"})
        when = logging.Formatter("%(asctime)s").formatTime(record)
        text = "".join(traceback.format_exception(error))
        try:
            self._log_file.parent.mkdir(parents=True, exist_ok=True)
            with self._log_file.open("a", encoding="utf-8") as file:
                file.write(f"{when} while trying to {doing}\n{text}\n")
        except OSError as problem:
            return f"It could not be written to {self._log_file}: {problem.strerror}."
        return f"Details are in {self._log_file}."
