"""What an empty movie table says: why it is empty, and what to do."""

from __future__ import annotations

from core.errors import StoreUnavailable
from core.query import Query


def away_lines(away: StoreUnavailable) -> tuple[str, ...]:
    """Why there is nothing to show yet, and what to do, a line each."""
    remedy = (away.remedy,) if away.remedy else ()
    return (f"{away.server} is away: {away.reason}", *remedy, "It is asked again by itself; r asks at once.")


def empty_lines(query: Query, store: str, *, filling: bool = False) -> tuple[str, ...]:
    """The reason and then the remedies, a line each; `store` as people call it."""
    if filling:
        return ("The shipped movies are being loaded.", "The first rows come in a moment.")
    if query.selective:
        return ("No movie matches this filter.", "Esc takes its last part away.", "/ changes it.")
    return (
        f"There is no movie in {store} yet.",
        "a adds one of your own.",
        "`reelcache load` in a shell loads the shipped ones,",
        "`reelcache load FILE` those of a file of yours.",
        "r looks again.",
    )
