"""The history of a run: what every client and the harness wrote down, line by line, while it happened.

All times are nanoseconds of CLOCK_MONOTONIC, which every process of one machine shares. A line is flushed to the
kernel before the program goes on, so that a client killed in the middle of an operation leaves its beginning behind.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import msgspec

RED: Final = "Red"
BLUE: Final = "Blue"
HOT: Final = "Chaos"
NEW: Final = "New"
WRITES: Final = frozenset({"save", "add", "remove"})


class Began(msgspec.Struct, frozen=True, array_like=True, tag="began"):
    """An operation is about to be called. `question` names what a browse or a histogram asks for."""

    number: int
    session: str
    operation: str
    key: str
    store: str
    at: int
    base: int = 0
    token: str = ""
    question: str = ""


class Committed(msgspec.Struct, frozen=True, array_like=True, tag="committed"):
    """The store acknowledged the write of this operation; the cache knows nothing of it yet."""

    number: int
    store: str
    version: int
    at: int


class Seen(msgspec.Struct, frozen=True, array_like=True):
    """One movie as a reader got it."""

    key: str
    version: int
    token: str
    tier: str


class Ended(msgspec.Struct, frozen=True, array_like=True, tag="ended"):
    """The call came back. `labelled` says that the answer itself said that it may be outdated."""

    number: int
    at: int
    outcome: str
    seen: tuple[Seen, ...] = ()
    total: int = -1
    counts: dict[str, int] = {}
    labelled: bool = False
    reason: str = ""


class Leased(msgspec.Struct, frozen=True, array_like=True, tag="leased"):
    """A reader was given the lease of a key."""

    store: str
    key: str
    lease: str
    began: int
    at: int


class Filled(msgspec.Struct, frozen=True, array_like=True, tag="filled"):
    """A reader put what it loaded under a lease into the cache, or was refused."""

    store: str
    key: str
    lease: str
    verdict: str
    began: int
    at: int


class Edited(msgspec.Struct, frozen=True, array_like=True, tag="edited"):
    """Somebody else's program changed a movie; an empty token is a removal.

    Several edits that leave the version alone are told apart by `order`, which is 0 for one that has a version. The
    version is 0 where nobody knows whether the edit took effect."""

    store: str
    key: str
    version: int
    order: int
    token: str
    began: int
    at: int


class Sampled(msgspec.Struct, frozen=True, array_like=True, tag="sampled"):
    """What stood in Redis under a key; an empty token is a known absence."""

    store: str
    key: str
    version: int
    token: str
    began: int
    at: int


class Happened(msgspec.Struct, frozen=True, array_like=True, tag="happened"):
    """A fault of the harness, from its first effect to its last."""

    fault: str
    subject: str
    began: int
    at: int


class Held(msgspec.Struct, frozen=True, array_like=True, tag="held"):
    """What a store held before the first operation, or after the last."""

    store: str
    key: str
    version: int
    token: str
    at: int
    last: bool


class Noted(msgspec.Struct, frozen=True, array_like=True, tag="noted"):
    """Something that the harness itself found to be wrong, by invariant."""

    invariant: str
    key: str
    text: str
    at: int


Line = Began | Committed | Ended | Leased | Filled | Edited | Sampled | Happened | Held | Noted
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Line)


def now() -> int:
    """The present moment."""
    return time.monotonic_ns()


class Journal:
    """Appends lines to a file, each with one system call of its own."""

    def __init__(self, path: Path) -> None:
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def write(self, line: Line) -> None:
        """Add a line; when this returns, killing the process loses it no more."""
        os.write(self._file, _encoder.encode(line) + b"\n")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)


def read_lines(path: Path) -> Iterable[Line]:
    """The lines of a journal; the last may be cut short by a kill."""
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield _decoder.decode(line)


class Operation(msgspec.Struct):
    """One operation, put together from its lines. `ended` and an outcome are missing where the client was killed."""

    session: str
    operation: str
    key: str
    store: str
    began: int
    base: int = 0
    token: str = ""
    question: str = ""
    ended: int | None = None
    outcome: str = "killed"
    version: int | None = None
    committed: int | None = None
    seen: tuple[Seen, ...] = ()
    total: int = -1
    counts: dict[str, int] = {}
    labelled: bool = False
    reason: str = ""

    def __str__(self) -> str:
        end = "never" if self.ended is None else f"{self.ended / 1e9:.4f}"
        what = [f"{self.operation} {self.key or self.question} by {self.session} in {self.store}"]
        what.append(f"[{self.began / 1e9:.4f} .. {end}] {self.outcome}")
        if self.operation in WRITES:
            what.append(f"base {self.base} -> version {self.version} ({self.token or 'removed'})")
        elif self.operation == "get" and self.seen:
            what.append(f"version {self.seen[0].version} ({self.seen[0].token}) from {self.seen[0].tier}")
        if self.total >= 0:
            what.append(f"total {self.total}")
        if self.counts:
            what.append(f"counts {self.counts}")
        if self.reason:
            what.append(f"because: {self.reason}")
        return ", ".join(what)


class History(msgspec.Struct):
    """A whole run."""

    operations: list[Operation]
    leases: list[Leased] = []
    fills: list[Filled] = []
    edits: list[Edited] = []
    samples: list[Sampled] = []
    faults: list[Happened] = []
    held: list[Held] = []
    noted: list[Noted] = []


def gather(journals: Iterable[Iterable[Line]]) -> History:
    """The history that several journals tell together."""
    history = History([])
    for journal in journals:
        running: dict[int, Operation] = {}
        for line in journal:
            match line:
                case Began():
                    operation = Operation(
                        line.session,
                        line.operation,
                        line.key,
                        line.store,
                        line.at,
                        line.base,
                        line.token,
                        line.question,
                    )
                    running[line.number] = operation
                    history.operations.append(operation)
                case Committed():
                    operation = running[line.number]
                    operation.store, operation.version, operation.committed = line.store, line.version, line.at
                case Ended():
                    operation = running.pop(line.number)
                    operation.ended, operation.outcome, operation.seen = line.at, line.outcome, line.seen
                    operation.total, operation.counts = line.total, line.counts
                    operation.labelled, operation.reason = line.labelled, line.reason
                case Leased():
                    history.leases.append(line)
                case Filled():
                    history.fills.append(line)
                case Edited():
                    history.edits.append(line)
                case Sampled():
                    history.samples.append(line)
                case Happened():
                    history.faults.append(line)
                case Held():
                    history.held.append(line)
                case Noted():
                    history.noted.append(line)
    history.operations.sort(key=lambda operation: operation.began)
    return history


def genres_of(token: str) -> tuple[str, ...]:
    """The genres of the movie with this token: its last letter is its colour, its first whether it is hot or new."""
    if token.startswith("n"):
        return (NEW,)
    return (HOT, RED if token.endswith("r") else BLUE)


def answers(question: str, token: str) -> bool:
    """Whether a movie with this token belongs into the answer: a question names a genre, or one token."""
    kind, _, name = question.partition(" ")
    return name in genres_of(token) if kind == "genre" else name == token
