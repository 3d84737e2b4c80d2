"""Names in Redis: each key has an entry, a gate and a lease, under two prefixes and in one hash slot with all others.

A third prefix is for sums that are derived from no store, and so are not flushed with what is.
The prefixes differ so that gate traffic never reaches a near tier that tracks entries. The slot is one because what is
asked for together has to be carried out in its order: journal, generation, entries, bell (`DECISIONS.md`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

import msgspec

TAG: Final = "rc"
"""The part of every name by which a cluster chooses its node."""
PREFIX: Final = "rc:"
"""How every name begins."""
NOWHERE: Final = b"rc:0:{rc}"
"""A name that nobody ever uses."""
_RESERVED: Final = re.compile(r"[%:{}]")
_QUOTED: Final = re.compile(r"%([0-9A-F]{2})")
_NAME: Final = re.compile(r"[A-Za-z0-9_-]+")
_PLACED: Final = re.compile(
    r"rc:(?P<role>[a-z]):\{rc\}:(?P<name>[A-Za-z0-9_-]+)\.(?P<store>[A-Za-z0-9_-]+)\.(?P<epoch>[0-9]{1,18})"
    r":(?P<kind>[^:]*):(?P<id>[^:]*)(?P<lease>:r)?"
)


class Key(msgspec.Struct, frozen=True):
    """What is cached: a kind (such as "movie") and an id, both any text."""

    kind: str
    id: str


class Namespace(msgspec.Struct, frozen=True):
    """Whose entries these are. Another store or epoch never sees them: raising `epoch` is a flush at no cost.

    Raises ValueError on a name or store that is not made of ASCII letters, digits, "_" and "-".
    """

    name: str
    store: str
    epoch: int = 0

    def __post_init__(self) -> None:
        for part in (self.name, self.store):
            if not _NAME.fullmatch(part):
                raise ValueError(f"a namespace is made of letters, digits, '_' and '-', not {part!r}")

    def entry_key(self, key: Key) -> bytes:
        """Where the entry is, a string."""
        return f"rc:e:{{rc}}:{self._name(key)}".encode("utf-8", "surrogatepass")

    def entry_keys(self, kind: str, ids: Iterable[str]) -> list[bytes]:
        """Where the entries of one kind are."""
        ids = [*ids]
        if not ids or not f"{kind}{''.join(ids)}".isalnum():
            return [self.entry_key(Key(kind, id)) for id in ids]
        # Encoded at once: what needs no quoting has no blank either.
        head = f"rc:e:{{rc}}:{self.name}.{self.store}.{self.epoch}:{kind}:"
        return f"{head}{f' {head}'.join(ids)}".encode().split(b" ")

    def gate_key(self, key: Key) -> bytes:
        """Where the gate is, a hash."""
        return f"rc:g:{{rc}}:{self._name(key)}".encode("utf-8", "surrogatepass")

    def all_keys(self, key: Key) -> tuple[bytes, bytes, bytes]:
        """Where the entry, the gate and the lease are; the lease, a string, is there while a reader loads."""
        name = f"{{rc}}:{self._name(key)}".encode("utf-8", "surrogatepass")
        return b"rc:e:" + name, b"rc:g:" + name, b"rc:g:" + name + b":r"

    def sum_key(self, key: Key) -> bytes:
        """Where something summed is: no flush of entries and gates takes it away."""
        return f"rc:s:{{rc}}:{self._name(key)}".encode("utf-8", "surrogatepass")

    def key_of(self, entry_key: bytes) -> Key | None:
        """The key whose entry this is; None where it is none of this namespace."""
        text = entry_key.decode("utf-8", "surrogatepass")
        head = f"rc:e:{{rc}}:{self.name}.{self.store}.{self.epoch}:"
        if not text.startswith(head):
            return None
        kind, colon, id = text[len(head) :].partition(":")
        return Key(_unquoted(kind), _unquoted(id)) if colon else None

    @property
    def entries(self) -> str:
        """The glob pattern of all entries of this namespace."""
        return f"rc:e:{{rc}}:{self.name}.{self.store}.{self.epoch}:*"

    @property
    def gates(self) -> str:
        """The glob pattern of all gates and leases of this namespace."""
        return f"rc:g:{{rc}}:{self.name}.{self.store}.{self.epoch}:*"

    def _name(self, key: Key) -> str:
        kind, id = key.kind, key.id
        # Most ids need no quoting, and a hit in Redis has no time for it.
        if not (kind.isalnum() and id.isalnum()):
            kind, id = _quoted(kind), _quoted(id)
        return f"{self.name}.{self.store}.{self.epoch}:{kind}:{id}"


def _quoted(text: str) -> str:
    # A colon would let two keys share one name; a brace looks like another hash tag.
    return _RESERVED.sub(lambda match: f"%{ord(match[0]):02X}", text) if _RESERVED.search(text) else text


def _unquoted(text: str) -> str:
    return _QUOTED.sub(lambda match: chr(int(match[1], 16)), text) if "%" in text else text


class Placed(msgspec.Struct, frozen=True):
    """What a name says: the letter of its prefix ("e" for an entry, "g" for a gate; "r" for a reader's lease, which
    lies beside the gate), the namespace and the key."""

    role: str
    namespace: Namespace
    key: Key


def placed(name: bytes) -> Placed | None:
    """What this name says; None where it is in no namespace."""
    found = _PLACED.fullmatch(name.decode("utf-8", "surrogateescape"))
    if found is None:
        return None
    namespace = Namespace(found["name"], found["store"], int(found["epoch"]))
    role = "r" if found["lease"] else found["role"]
    return Placed(role, namespace, Key(_unquoted(found["kind"]), _unquoted(found["id"])))
