"""Terminal: a program on a real pty, its screen kept by an emulator, for a test in a person's place."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import tempfile
import termios
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import pyte

_ALTERNATE_SCREEN: Final = (b"\x1b[?1049h", b"\x1b[?1049l")
_CURSOR: Final = (b"\x1b[?25l", b"\x1b[?25h")
_MOUSE: Final = (b"\x1b[?1003h", b"\x1b[?1003l")


def _take_terminal() -> None:
    """Make the terminal on standard input the one that controls this session: it stops and ends who works in it."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


_OF_ANOTHER_TERMINAL: Final = ("COLUMNS", "LINES")


class Terminal:
    """Runs a command in a terminal of so many columns and rows; leaving the context kills what still runs.

    The environment's own COLUMNS and LINES, which readline sets for what a test runner starts, are left out: they would
    count for more than the size of this terminal. The program remembers nothing of other runs, and leaves nothing.
    """

    def __init__(self, command: Sequence[str], environment: Mapping[str, str], size: tuple[int, int]) -> None:
        self._emulated = pyte.Screen(*size)
        self._stream = pyte.ByteStream(self._emulated)
        self._output = bytearray()
        self._master: int | None = None
        self._master, self._slave = pty.openpty()
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
        self._config = tempfile.TemporaryDirectory(prefix="rc-")
        self._settings_before = termios.tcgetattr(self._slave)
        inherited = {name: value for name, value in environment.items() if name not in _OF_ANOTHER_TERMINAL}
        self.process = subprocess.Popen(
            command,
            stdin=self._slave,
            stdout=self._slave,
            stderr=self._slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
            env={**inherited, "XDG_CONFIG_HOME": self._config.name, "TERM": "xterm-256color", "COLORTERM": "truecolor"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()
        os.close(self._slave)
        self._config.cleanup()

    @property
    def text(self) -> str:
        """What stands on the screen, line by line."""
        return "\n".join(self._emulated.display)

    def send(self, keys: str) -> None:
        """Type; what a key sends is for the caller to know. The program must read it, or this waits for ever."""
        assert self._master is not None
        left = keys.encode()
        while left:
            self._read(0)
            if select.select([], [self._master], [], 0.05)[1]:
                left = left[os.write(self._master, left[:1024]) :]

    def resize(self, columns: int, rows: int) -> None:
        """Have another size from now on."""
        self._emulated.resize(rows, columns)
        fcntl.ioctl(self._slave, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def hang_up(self) -> None:
        """Close the terminal's window; what runs in it is told so by the system."""
        if self._master is not None:
            os.close(self._master)
            self._master = None

    def click(self, text: str) -> None:
        """Click on the first place where this text stands, once it does."""
        self.until(text)
        row = next(number for number, line in enumerate(self._emulated.display, 1) if text in line)
        column = self._emulated.display[row - 1].index(text) + 1
        self.send(f"\x1b[<0;{column};{row}M\x1b[<0;{column};{row}m")

    def until(self, *parts: str, without: str | None = None, seconds: float = 60) -> None:
        """Wait until the screen shows all these parts, and lacks another."""
        self._wait(
            lambda: all(part in self.text for part in parts) and (without is None or without not in self.text),
            f"{parts}" + (f" without {without!r}" if without else ""),
            seconds,
        )

    @property
    def written(self) -> int:
        """How many bytes the program has written so far."""
        return len(self._output)

    def until_written(self, part: bytes, seconds: float = 60, *, since: int = 0) -> bytes:
        """Wait until the program has written these bytes, after so many others; returns all that it wrote.

        No screen has to come of it."""
        self._wait(lambda: self._output.find(part, since) >= 0, repr(part), seconds)
        return bytes(self._output)

    def until_drawn(self, seconds: float = 0.3) -> None:
        """Wait until nothing was drawn for a while."""
        self._read(seconds)

    @contextmanager
    def taken_again(self) -> Iterator[None]:
        """Wait until the program has taken the terminal once more because of what is done inside."""
        before = self._output.count(_ALTERNATE_SCREEN[0])
        yield
        self._wait(lambda: self._output.count(_ALTERNATE_SCREEN[0]) > before, "the terminal being taken again", 60)

    @property
    def ended(self) -> bool:
        """Whether the program has ended."""
        return self.process.poll() is not None

    def until_ended(self, seconds: float = 60) -> int:
        """Wait for the program to end; returns its exit code."""
        self._wait(lambda: self.ended, "the end of the program", seconds)
        self._read(0)
        return self.process.wait()

    @property
    def restored(self) -> dict[str, bool]:
        """Of each thing that a full-screen program changes in a terminal, whether it is as it was before."""
        return {
            "settings": termios.tcgetattr(self._slave) == self._settings_before,
            "alternate screen": self._undone(_ALTERNATE_SCREEN),
            "cursor": self._undone(_CURSOR),
            "mouse": self._undone(_MOUSE),
        }

    def _undone(self, sequences: tuple[bytes, bytes]) -> bool:
        done, undone = sequences
        return self._output.rfind(undone) > self._output.rfind(done) >= 0

    def _wait(self, holds: Callable[[], Any], what: str, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not holds():
            assert time.monotonic() < deadline, f"never came: {what}; the screen shows\n{self.text}"
            self._read(0.05)

    def _read(self, seconds: float) -> None:
        """Take what the program writes; returns after `seconds` of silence, or as soon as it pauses."""
        while self._master is not None and select.select([self._master], [], [], seconds)[0]:
            data = os.read(self._master, 65536)
            self._output += data
            self._stream.feed(data)
            seconds = 0
