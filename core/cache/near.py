"""Near tier: entries kept in this process, in the form in which they are wanted.

What is kept here was in Redis when its reply was parsed, and leaves when Redis pushes that it changed. Nothing here
counts later than `until`, which `core.cache.tracking` moves on while it knows that every push was heard.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final

from core.cache.keys import Namespace

MOST_ENTRIES: Final = 20_000
MOST_BYTES: Final = 64 * 2**20
_WEIGHT: Final = 5
"""What a decoded record takes in memory for each byte of its entry: 4.6 over 8,000 shipped movies, by tracemalloc."""
_SLOT: Final = 600
"""Bytes of a slot and its places in the tables."""


class Slot:
    """One kept entry. `data` until somebody has made a `value` of it; it counts until `until` (monotonic seconds).

    `awaited`: the value, or a part of it, as a future that is done, so that whoever awaits it has it at once."""

    __slots__ = ("awaited", "data", "id", "name", "shelf", "until", "value")

    def __init__(self, shelf: Shelf, name: bytes, id: str, data: bytes) -> None:
        self.shelf = shelf
        self.name = name
        self.id = id
        self.data: bytes | None = data
        self.value: Any = None
        self.awaited: Any = None
        self.until = 0.0


class Shelf(dict[str, Slot]):
    """The slots of one kind in one namespace by id; a Keeper for the reads of these."""

    def __init__(self, near: Near, namespace: Namespace, kind: str) -> None:
        super().__init__()
        self._near = near
        self._namespace = namespace
        self._kind = kind

    def keep(self, name: bytes, value: bytes) -> None:
        """Keep what is being parsed."""
        if self._near.keeping:
            key = self._namespace.key_of(name)
            if key is not None and key.kind == self._kind:
                self._near.put(Slot(self, name, key.id, value), len(value))


class Near:
    """All slots, the least lately used first to leave when there are more than `entries`, or about `size` bytes."""

    def __init__(self, entries: int = MOST_ENTRIES, size: int = MOST_BYTES) -> None:
        self.keeping = False
        """Whether what is parsed now is tracked."""
        self.until = 0.0
        """Nothing here counts from this moment on (monotonic seconds)."""
        self.invalidated = 0
        self.evicted = 0
        self.replaced = 0
        self.most_entries = entries
        self.most_size = size
        self._held = 0
        self._slots: OrderedDict[bytes, tuple[Slot, int]] = OrderedDict()
        self._shelves: dict[tuple[Namespace, str], Shelf] = {}
        self.used = self._slots.move_to_end
        """Call with the name of a slot that was of use."""

    def __len__(self) -> int:
        return len(self._slots)

    @property
    def size(self) -> int:
        """About how many bytes the slots take."""
        return self._held

    def shelf(self, namespace: Namespace, kind: str) -> Shelf:
        """The slots of this kind; the same object each time."""
        return self._shelves.setdefault((namespace, kind), Shelf(self, namespace, kind))

    def put(self, slot: Slot, length: int) -> None:
        """Enter a slot in place of the one of its name."""
        self.replaced += self._remove(slot.name)
        size = _SLOT + _WEIGHT * length
        self._slots[slot.name] = slot, size
        slot.shelf[slot.id] = slot
        self._held += size
        while self._held > self.most_size or len(self._slots) > self.most_entries:
            self.evicted += 1
            self._remove(next(iter(self._slots)))

    def drop(self, names: Sequence[bytes]) -> int:
        """These may be outdated; returns how many were kept."""
        dropped = sum(map(self._remove, names))
        self.invalidated += dropped
        return dropped

    def clear(self) -> None:
        """All may be."""
        self._slots.clear()
        self._held = 0
        for shelf in self._shelves.values():
            shelf.clear()

    def _remove(self, name: bytes) -> bool:
        found = self._slots.pop(name, None)
        if found is None:
            return False
        slot, size = found
        self._held -= size
        del slot.shelf[slot.id]
        return True
