"""The dashboard in a browser: a page, a gate in front of it, and one process of the program for each visitor."""

from __future__ import annotations

import os
from typing import Final

DRIVER: Final = "tui.web.driver:PipeDriver"
"""What Textual draws with in a visitor's process, as TEXTUAL_DRIVER names it."""


def is_visitors_process() -> bool:
    """Whether this process was started for a visitor: its screen is in a browser, and it has no terminal."""
    return os.environ.get("TEXTUAL_DRIVER") == DRIVER
