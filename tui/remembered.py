"""Memory: what the screen keeps from one run to the next, in one small file of the config folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from core.settings import STORES, STRATEGIES
from core.sources import default_config_file

MOST_SEARCHES: Final = 20


def default_memory_file() -> Path:
    """Where the screen's memory is kept: beside the config file, which is the person's own and never written."""
    return default_config_file().with_name("remembered.json")


class Remembered(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What was chosen on the screen; None means: never chosen, so the default holds."""

    theme: str | None = None
    store: str | None = None
    strategy: str | None = None
    near: bool | None = None
    """Whether the near tier is on."""
    columns: tuple[str, ...] | None = None
    """The ids of the movie table's columns that are shown."""
    hidden: tuple[str, ...] = ()
    """The ids of the panels that are put away."""
    full: str | None = None
    """The id of the panel that has the whole screen; None where each has its place."""
    filter: str = ""
    """The last filter, as it is typed into the filter bar."""
    sort: str | None = None
    descending: bool = False
    searches: tuple[str, ...] = ()
    """The last filters typed, the newest first."""
    toured: bool = False
    """Whether the tour was offered; it is once."""
    window: str | None = None
    """How far the live counters look back, by the label of the span."""


class Memory:
    """Holds what is remembered and writes it, whole, at each change.

    It never stands in the way: a file that cannot be read counts as empty, one that cannot be written is named in
    `problem`. Two running copies overwrite each other: the last choice holds.
    """

    def __init__(self, file: Path | None) -> None:
        """`file` is None where nothing is to be kept."""
        self._file = file
        self.problem: str | None = None
        self.now = Remembered()
        if file is not None:
            try:
                self.now = msgspec.json.decode(file.read_bytes(), type=Remembered)
            except FileNotFoundError:
                pass
            except (OSError, msgspec.DecodeError) as problem:
                self.problem = f"{file} cannot be read, so the defaults hold: {problem}"

    @property
    def settings(self) -> dict[str, object]:
        """The settings that were chosen on the screen, as far as they still mean something."""
        known: tuple[tuple[str, object, Sequence[object]], ...] = (
            ("store", self.now.store, STORES),
            ("strategy", self.now.strategy, STRATEGIES),
            ("near_cache", self.now.near, (True, False)),
        )
        return {name: value for name, value, there_are in known if value in there_are}

    @property
    def offers_tour(self) -> bool:
        """Whether this is the very first run, which is known only where something is kept."""
        return self._file is not None and not self.now.toured

    def change(self, **fields: object) -> None:
        """Remember these fields of `Remembered` from now on."""
        changed = msgspec.structs.replace(self.now, **fields)
        if changed == self.now:
            return
        self.now = changed
        if self._file is None:
            return
        try:
            _write(self._file, msgspec.json.format(msgspec.json.encode(changed), indent=2))
            self.problem = None
        except OSError as problem:
            self.problem = f"{self._file} cannot be written, so the choice ends with this run: {problem}"

    def searched(self, text: str) -> None:
        """Remember a filter that was typed, as the newest."""
        if text := text.strip():
            others = (other for other in self.now.searches if other != text)
            self.change(searches=(text, *others)[:MOST_SEARCHES])


def _write(file: Path, content: bytes) -> None:
    """Put the file in place whole, or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(handle, "wb") as fresh:
            fresh.write(content + b"\n")
        os.replace(name, file)
    except BaseException:
        with suppress(OSError):
            os.unlink(name)
        raise
