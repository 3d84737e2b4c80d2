"""Ways to break the core on purpose, in a client of one's own: the checker must see each of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, Final

from core.cache import scripts
from core.cache.keys import Key
from core.cache.redis import RedisCache
from core.cache.scripts import Script

WEAKNESSES: Final = ("no-begin", "no-lease", "no-finish")


def weaken(how: str) -> None:
    """Break this process. `no-begin`: writes are not announced. `no-lease`: anybody may fill, whatever happened since.
    `no-finish`: nobody says that a write has ended, and the announcement hides nothing."""
    if how == "no-begin":
        RedisCache.begin = _nothing  # type: ignore[method-assign]
    elif how == "no-finish":
        RedisCache.begin = _nothing  # type: ignore[method-assign]
        RedisCache.finish = _no_verdicts  # type: ignore[method-assign]
    elif how == "no-lease":
        checks = scripts.FILL.source.index(b"local gate = sweep()")
        source = scripts.FILL.source[:checks] + b"redis.call('SET', ENTRY, ARGV[5], 'PX', ARGV[4])\nreturn 'set'\n"
        broken = Script(source, hashlib.sha1(source, usedforsecurity=False).hexdigest())
        replaced = [broken if script is scripts.FILL else script for script in scripts.ALL]
        vars(scripts).update(FILL=broken, ALL=tuple(replaced))


async def _nothing(self: RedisCache, *_: Any, **__: Any) -> None:
    return None


async def _no_verdicts(
    self: RedisCache, token: str, items: Sequence[tuple[Key, int, bytes | None]], **_: Any
) -> list[Any]:
    return ["dropped"] * len(items)
