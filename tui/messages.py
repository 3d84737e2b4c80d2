"""What one part of the screen tells the others: facts, in the past tense."""

from __future__ import annotations

from textual.message import Message

from core.catalogue import Catalogue
from core.observe.stats import Stats


class CatalogueOpened(Message):
    """The servers answer; movies can be read."""

    def __init__(self, catalogue: Catalogue) -> None:
        super().__init__()
        self.catalogue = catalogue


class CatalogueFailed(Message):
    """The catalogue could not be opened, or broke while it was open."""

    def __init__(self, error: Exception) -> None:
        super().__init__()
        self.error = error


class ServerReported(Message):
    """A server came one step further while it starts. `step` has server, state, detail and seconds."""

    def __init__(self, step: object) -> None:
        super().__init__()
        self.step = step


class StatsSampled(Message):
    """What the core has counted, half a second after the last time. A slow terminal sees the newest alone."""

    def __init__(self, stats: Stats) -> None:
        super().__init__()
        self.stats = stats

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, StatsSampled)


class TelemetryFailed(Message):
    """A collector does not take the metrics. `problem` says which and why."""

    def __init__(self, problem: str) -> None:
        super().__init__()
        self.problem = problem


class WorkFailed(Message):
    """A worker ended with an error. `doing` says what it was at, as a person would."""

    def __init__(self, error: Exception, doing: str) -> None:
        super().__init__()
        self.error = error
        self.doing = doing
