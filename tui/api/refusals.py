"""Refusals: what a request gets that HTTP itself, and not the catalogue, lets us turn away."""

from __future__ import annotations

from collections.abc import Mapping

from core.errors import ReelcacheError


class Refused(ReelcacheError):
    """A request that is turned away: with which status, under which title, and with which headers.

    `problems` maps the name of a field or parameter to what is wrong with it."""

    def __init__(
        self,
        status: int,
        title: str,
        message: str,
        *,
        remedy: str = "",
        problems: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, remedy=remedy)
        self.status = status
        self.title = title
        self.problems = dict(problems or {})
        self.headers = dict(headers or {})


def not_understood(message: str, remedy: str) -> Refused:
    """400: it cannot be read."""
    return Refused(400, "The request cannot be read", message, remedy=remedy)


def unfit(problems: Mapping[str, str], remedy: str = "") -> Refused:
    """422: it can be read, and these parameters or fields hold what they must not."""
    told = "; ".join(f"{name}: {problem}" for name, problem in problems.items())
    return Refused(422, "The request breaks a rule", told, remedy=remedy, problems=problems)
