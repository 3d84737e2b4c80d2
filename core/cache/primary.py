"""Primary: which server holds the cache just now, where Sentinels or the nodes of a cluster have to be asked.

All are asked at once. A minority that a partition has left behind is outvoted where that can be seen: by the highest
epoch among Sentinels, by number among nodes. Whether what is found may be believed is not decided here: an old primary
that does not know yet of its successor looks like any other (`core/trust.py`).
"""

from __future__ import annotations

import asyncio
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from core.cache.address import Address, Cluster, Route, Sentinels
from core.cache.deadline import Deadline
from core.cache.failures import explain, most_telling
from core.cache.info import info_fields
from core.cache.keys import TAG
from core.cache.lane import connect
from core.cache.wire import Command, NotRedis, Refused, Reply
from core.errors import CacheUnavailable

Find = Callable[[], Awaitable[Address]]
SLOTS: Final = 16_384
"""The slots of every cluster."""
SLOT: Final = binascii.crc_hqx(TAG.encode(), 0) % SLOTS
"""The slot of a cluster in which all names of the cache are."""
GRACE: Final = 0.03
"""Seconds that the others have after the first useful answer."""
_ASKING: Final = 0.9
"""Seconds for each answer."""


def finder(route: Route) -> Find:
    """What to call to find the server at the end of a route. Raises CacheUnavailable."""
    if isinstance(route, Sentinels):
        return _BySentinels(route).find
    if isinstance(route, Cluster):
        return _ByNodes(route).find

    async def fixed() -> Address:
        return route

    return fixed


class _BySentinels:
    def __init__(self, route: Sentinels) -> None:
        self._route = route

    async def find(self) -> Address:
        """The primary of the service, by the Sentinel that saw the last failover."""
        answers = await _ask(self._route.sentinels, ("SENTINEL", "MASTERS"))
        known: list[tuple[Address, dict[bytes, bytes]]] = []
        watched: set[str] = set()
        for sentinel, answer in answers:
            if not isinstance(answer, Exception):
                watched.update(service[b"name"].decode() for service in answer)
                wanted = self._route.service.encode()
                known += [(sentinel, service) for service in answer if service[b"name"] == wanted]
        if not known:
            raise self._unknown(answers, watched)
        sentinel, state = max(known, key=lambda one: int(one[1][b"config-epoch"]))
        if {b"s_down", b"o_down"} & {*state[b"flags"].split(b",")}:
            reason = f"the primary of {self._route.service} is down, says the Sentinel at {sentinel}."
            raise CacheUnavailable("Redis", reason, remedy="The cache is used again when a replica was promoted.")
        return self._route.server.at(state[b"ip"].decode(), int(state[b"port"]))

    def _unknown(self, answers: Sequence[tuple[Address, Reply]], watched: set[str]) -> CacheUnavailable:
        for sentinel, answer in answers:
            if not isinstance(answer, Exception):
                names = ", ".join(sorted(watched)) or "none"
                reason = f"the Sentinel at {sentinel} watches no service {self._route.service!r}."
                return CacheUnavailable("Redis", reason, remedy=f"Correct it in redis_url; it watches: {names}.")
        sentinel, error = most_telling(answers)
        if isinstance(error, Refused) and error.code == "ERR" and "unknown command" in str(error):
            return CacheUnavailable(
                "Redis",
                f"{sentinel} is a Redis server, not a Sentinel.",
                remedy=f"Name Sentinels (their port is mostly 26379), or write {sentinel.scheme}://{sentinel}.",
            )
        problem, _ = explain(error, f"the Sentinel at {sentinel}", _ASKING, sentinel.user or "")
        if "refused the login" in problem.reason:
            problem.remedy = "Check sentinel_username and sentinel_password in redis_url."
        return problem


class _ByNodes:
    def __init__(self, route: Cluster) -> None:
        self._route = route
        self._learned: set[tuple[str, int]] = set()

    async def find(self) -> Address:
        """The node that holds the cache's slot, as most nodes say."""
        login = self._route.nodes[0]
        learned = [login.at(host, port) for host, port in sorted(self._learned)]
        asked_of = [*self._route.nodes, *(node for node in learned if node not in self._route.nodes)]
        answers = await _ask(asked_of, ("CLUSTER", "SLOTS"))
        owners: Counter[tuple[str, int]] = Counter()
        nodes: set[tuple[str, int]] = set()
        served: set[int] = set()
        for asked, answer in answers:
            for first, last, *holders in () if isinstance(answer, Exception) else answer:
                places = [_place(node, asked) for node in holders]
                nodes.update(places)
                served.update(range(first, last + 1))
                if first <= SLOT <= last:
                    owners[places[0]] += 1
        if nodes:
            self._learned = nodes
        missing = _ranges(served)
        if not owners:
            raise _no_owner(answers, missing)
        ((host, port), _) = owners.most_common(1)[0]
        found = login.at(host, port)
        if missing:
            await _refuse_where_down(found, missing)
        return found


def _place(node: Sequence[Any], asked: Address) -> tuple[str, int]:
    """Where a node is, as CLUSTER SLOTS says it: host, port, id, and what else is known of it."""
    host, port, _, *more = node
    if host == b"?":  # by its name, says the configuration, but it has none
        host = next((known[b"ip"] for known in more if known and b"ip" in known), None)
    # One that does not know its own address leaves it empty, and behind a translation of addresses all do.
    return host.decode() if host else asked.host, int(port)


async def _refuse_where_down(node: Address, missing: str) -> None:
    """A cluster that lacks slots may serve the others, as it was told to, or nothing."""
    for _, said in await _ask([node], ("CLUSTER", "INFO"), bytes):
        if not isinstance(said, Exception) and b"cluster_state:fail" in said:
            reason = f"the cluster of {node} serves nothing while no node has the slots {missing}."
            raise CacheUnavailable("Redis", reason, remedy=_repair(node))


def _repair(node: Address) -> str:
    return f"Give them to nodes: redis-cli --cluster fix {node}, or CLUSTER ADDSLOTSRANGE on one of them."


def _ranges(served: set[int]) -> str:
    """The slots that are not among these, as ranges: "0-99, 16383"; empty where none is missing."""
    missing = [slot for slot in range(SLOTS) if slot not in served]
    firsts = [slot for slot in missing if slot == 0 or slot - 1 in served]
    lasts = [slot for slot in missing if slot + 1 in served or slot + 1 == SLOTS]
    return ", ".join(
        f"{first}-{last}" if first < last else f"{first}" for first, last in zip(firsts, lasts, strict=True)
    )


def _no_owner(answers: Sequence[tuple[Address, Reply]], missing: str) -> CacheUnavailable:
    for at, answer in answers:
        if not isinstance(answer, Exception):
            reason = f"the cluster of {at} has no node for the cache's slot ({SLOT}); it lacks the slots {missing}."
            return CacheUnavailable("Redis", reason, remedy=_repair(at))
    node, error = most_telling(answers)
    if isinstance(error, Refused) and "cluster support disabled" in str(error):
        reason = f"{node} is a single server, no node of a cluster."
        return CacheUnavailable("Redis", reason, remedy=f"Write {node.scheme}://{node} in redis_url.")
    return explain(error, f"the cluster's node {node}", _ASKING, node.user or "")[0]


async def _ask(places: Sequence[Address], command: Command, kind: type = list) -> list[tuple[Address, Reply]]:
    """What each says, an exception where it does not; those that take long are left out once one has answered."""
    asking = {asyncio.create_task(_answer(place, command, kind)): place for place in places}
    try:
        pending = set(asking)
        while pending and not any(_useful(task) for task in asking):
            _, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        if pending:
            await asyncio.wait(pending, timeout=GRACE)
        return [(place, task.exception() or task.result()) for task, place in asking.items() if task.done()]
    finally:
        for task in asking:
            task.cancel()
        await asyncio.gather(*asking, return_exceptions=True)


def _useful(task: asyncio.Task[Any]) -> bool:
    return task.done() and not task.cancelled() and task.exception() is None


async def _answer(place: Address, command: Command, kind: type) -> Reply:
    with Deadline(_ASKING):
        lane, info = await connect(place, _ASKING)
    try:
        # Sentinels know their own commands alone; a node that was told nothing yet would answer with nothing.
        reply = (await lane.call([command]))[0]
    finally:
        lane.abort()
    if isinstance(reply, Exception):
        raise reply
    if not info_fields(info) or not isinstance(reply, kind):
        raise NotRedis("an answer of another form")
    return reply
