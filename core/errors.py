"""Every error that a caller of the core can meet, in one hierarchy.

Each message says what is wrong and where; `remedy` says what to do about it. No message holds a password.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.model import Movie
    from core.query import Freshness, Tier


def _sentences(what: str, remedy: str) -> str:
    """What is wrong, closed by a full stop where a remedy follows."""
    if remedy and what and what[-1] not in ".!?:":
        what += "."
    return f"{what} {remedy}".strip()


class ReelcacheError(Exception):
    """Anything that the core refuses or cannot do. `remedy` is a sentence for the person, or empty."""

    def __init__(self, message: str, *, remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return _sentences(self.message, self.remedy)


class SettingsError(ReelcacheError):
    """A setting that names nothing known or lies outside its range. `settings` names those to blame, where known."""

    def __init__(self, message: str, *, remedy: str = "", settings: tuple[str, ...] = ()) -> None:
        super().__init__(message, remedy=remedy)
        self.settings = settings


class UnknownStrategy(SettingsError):
    """A strategy name that is not one of `Catalogue.strategies`."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no strategy named {name!r}.",
            remedy=f"Choose one of: {', '.join(known)}.",
            settings=("strategy",),
        )


class UnknownStore(SettingsError):
    """A store name that is not one of the stores."""

    def __init__(self, name: str, known: tuple[str, ...]) -> None:
        super().__init__(
            f"There is no store named {name!r}.", remedy=f"Choose one of: {', '.join(known)}.", settings=("store",)
        )


class InvalidMovie(ReelcacheError):
    """A movie that breaks a field rule. `problems` maps a field's name to what is wrong with it."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {problem}" for field, problem in problems.items()))
        self.problems = problems


class InvalidPlace(ReelcacheError):
    """A place whose coordinates or texts break a rule."""


class UnknownPlace(ReelcacheError):
    """No place has this name. `near` are those whose names are like it."""

    def __init__(self, name: str, near: tuple[str, ...]) -> None:
        meant = f" Did you mean {' or '.join(near)}?" if near else ""
        super().__init__(
            f"There is no place named {name!r} here.{meant}",
            remedy="Name one of the shipped cities or a loaded theater, or give latitude,longitude such as 48.85,2.35.",
        )
        self.near = near


class InvalidQuery(ReelcacheError):
    """A query, offset or limit that no store can answer."""


class MovieNotFound(ReelcacheError):
    """No movie has this id. `tier` and `freshness` say who knew, where a read found that out."""

    def __init__(self, id: str, *, tier: Tier | None = None, freshness: Freshness | None = None) -> None:
        super().__init__(f"No movie has the id {id!r}.", remedy="It may have been removed: reload the list.")
        self.id = id
        self.tier = tier
        self.freshness = freshness


class MovieExists(ReelcacheError):
    """A movie with this id is already there."""

    def __init__(self, id: str) -> None:
        super().__init__(f"A movie with the id {id!r} exists already.", remedy="Choose another id, or edit that one.")
        self.id = id


class EditConflict(ReelcacheError):
    """Somebody saved another version since the base of this edit was read. `current` is theirs."""

    def __init__(self, current: Movie, base: int) -> None:
        super().__init__(
            f"{current.title!r} was changed by somebody else since you opened it.",
            remedy="Compare both versions and choose, field by field.",
        )
        self.current = current
        self.base = base


class Unavailable(ReelcacheError):
    """A server that does not answer as it should. `server` is its name, never with a secret."""

    def __init__(self, server: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(f"{server}: {reason}", remedy=remedy)
        self.server = server
        self.reason = reason

    @property
    def told(self) -> str:
        """The reason and what to do about it, where the server is named already."""
        return _sentences(self.reason, self.remedy)


class StoreUnavailable(Unavailable):
    """PostgreSQL or MongoDB is unreachable, refuses us, or is too old."""


class OutcomeUnknown(StoreUnavailable):
    """A write whose answer was lost: it may have happened. Any other StoreUnavailable of a write means: it did not."""


class CacheUnavailable(Unavailable):
    """Redis did not answer within its time budget, or its circuit breaker is open. Never fatal: the store serves."""


class ServerFailed(Unavailable):
    """An embedded server that could not be started, adopted or stopped."""


class FaultRefused(ReelcacheError):
    """A fault that cannot be switched: its server was given by URL, or does not run."""


class CannotListen(ReelcacheError):
    """An address or a port of this machine that cannot be had."""


class ExtraMissing(ReelcacheError):
    """Something that was asked for needs packages that come with an extra only. `extra` names it."""

    def __init__(self, what: str, extra: str, missing: str | None) -> None:
        super().__init__(
            f"{what} needs packages that are not installed{f': {missing} is not there' if missing else ''}.",
            remedy=f"Install the extra: pip install 'reelcache[{extra}]'.",
        )
        self.extra = extra


class ForeignCollection(StoreUnavailable):
    """A MongoDB collection that others own and that lacks our sub-document: adopt it first, after asking."""


class UnreadableFile(ReelcacheError):
    """A file that is missing, empty, binary, truncated or of no known format. `path` names it."""

    def __init__(self, path: str, reason: str, *, remedy: str = "") -> None:
        super().__init__(f"{path}: {reason}", remedy=remedy)
        self.path = path
        self.reason = reason
