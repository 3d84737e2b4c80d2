"""The mark of a bulk load, by which the stream of changes leaves out in the server what would be a million changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


class Mark:
    """What tells the documents that one process loads in bulk from all others.

    Whoever leads in this process offers a new one once its stream leaves out what bears it, so that nothing older can.
    With the last load it is used up: others may put back a document that bears it."""

    def __init__(self) -> None:
        self.offered = ""
        """Empty where nobody in this process leads."""
        self._loads = 0

    @property
    def loading(self) -> bool:
        """Whether a bulk load is under way."""
        return self._loads > 0

    @contextmanager
    def used(self) -> Iterator[None]:
        """A bulk load lasts as long as the body."""
        self._loads += 1
        try:
            yield
        finally:
            self._loads -= 1
            if not self._loads:
                self.offered = ""
