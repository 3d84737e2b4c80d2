"""What a person is told when something went wrong: once in a while, in words; the rest goes to a log file."""

from __future__ import annotations

import logging
import traceback
from collections import deque
from datetime import datetime
from pathlib import Path
from typing import Final, Literal

import msgspec

from core.errors import (
    CacheUnavailable,
    EditConflict,
    OutcomeUnknown,
    ReelcacheError,
    ServerFailed,
    StoreUnavailable,
)

_QUIET_SECONDS: Final = 30.0
LOG_NAME: Final = "reelcache.log"
MOST_KEPT: Final = 200
"""Notices that are kept to be looked at again."""


class Notice(msgspec.Struct, frozen=True):
    """A toast: plain text, never markup. `text` is all of it but what still works, which there is no room for."""

    title: str
    text: str
    severity: Literal["warning", "error"]
    message: str = ""
    """What is wrong, where it is told apart from what to do."""
    remedy: str = ""
    still_works: str = ""


class PastProblem(msgspec.Struct, frozen=True):
    """A notice that was shown, and when (Unix seconds)."""

    at: float
    notice: Notice

    def rows(self) -> tuple[tuple[str, str], ...]:
        """All that is known of it, as labelled lines; none of them is empty."""
        told = (
            ("when", datetime.fromtimestamp(self.at).strftime("%Y-%m-%d %H:%M:%S")),
            ("what", self.notice.title),
            ("why", self.notice.message or self.notice.text),
            ("still works", self.notice.still_works),
            ("what to do", self.notice.remedy),
        )
        return tuple((label, text) for label, text in told if text)


class Problems:
    """Turns errors into notices, the same one not twice within 30 seconds, and keeps the last of those shown."""

    def __init__(self, state_dir: Path) -> None:
        self._log_file = state_dir / LOG_NAME
        self._told: dict[str, float] = {}
        self._past: deque[PastProblem] = deque(maxlen=MOST_KEPT)

    @property
    def past(self) -> tuple[PastProblem, ...]:
        """What was shown, the newest first."""
        return tuple(reversed(self._past))

    def keep(self, notice: Notice, at: float) -> None:
        """Keep a notice that was shown."""
        self._past.append(PastProblem(at, notice))

    def notice(self, error: Exception, doing: str, now: float) -> Notice | None:
        """What to tell about an error met while `doing` something; None when it was told just now."""
        title = f"Could not {doing}"
        if isinstance(error, ReelcacheError):
            notice = Notice(title, str(error), "error", error.message, error.remedy, still_works(error))
        else:
            where = self._write(error, doing)
            wrong = f"Something unexpected happened ({type(error).__name__})."
            remedy = f"Try it again. {where}"
            notice = Notice(title, f"{wrong} {where}", "error", wrong, remedy, still_works(error))
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


def still_works(error: Exception) -> str:
    """What goes on as before in spite of an error."""
    match error:
        case OutcomeUnknown():
            return "Reading. Whether the write happened is to be seen in the store: r asks again."
        case StoreUnavailable():
            return "Browsing what the cache last knew, marked as such. The table asks again by itself."
        case CacheUnavailable():
            return "Everything: the store serves, and nothing outdated is shown."
        case ServerFailed():
            return "What was in force before stays in force."
        case EditConflict():
            return "Everything. Neither version is lost."
        case _:
            return "Everything else goes on as before."
