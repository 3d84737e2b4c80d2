"""A key of Redis for a program: what the inspector knows of it, as JSON has it."""

from __future__ import annotations

from typing import Any

from core.cache.inspector import Element, Listed
from core.cache.protocol import Holder
from core.inspection import Inspection, shown_name


def listed_object(key: Listed) -> dict[str, Any]:
    """A key in a list: `name`, `type`, `ttl_ms` (None: it stays) and `memory` in bytes."""
    return {"name": shown_name(key.name), "type": key.type, "ttl_ms": key.ttl_ms, "memory": key.memory}


def as_object(seen: Inspection) -> dict[str, Any]:
    """A key whole: the same, `encoding`, `length`, `version`, what it is (`what`) and what holds of it (`standing`),
    the decoded `value`, `entry` and `gate` as the cache's protocol has them, and the bytes (`raw`, hexadecimal; of
    anything but a string `elements`), which are its beginning alone where it is not `whole`."""
    made, entry, gate = seen.anatomy, seen.entry, seen.gate
    return {
        "name": seen.name,
        "what": seen.what,
        "type": made.type,
        "encoding": made.encoding,
        "ttl_ms": made.ttl_ms,
        "memory": made.memory,
        "length": made.length,
        "whole": made.whole,
        "version": seen.version,
        "standing": list(seen.standing),
        "entry": None
        if entry is None
        else {
            "known": entry.known,
            "version": entry.version,
            "fresh_until_ms": entry.fresh_until,
            "load_ms": entry.load_ms,
            "codec": entry.codec,
        },
        "gate": None
        if gate is None
        else {
            "reader": None if gate.reader is None else {"token": gate.reader.token, "until_ms": gate.reader.deadline},
            "writers": [
                {"token": each.token, "until_ms": each.deadline, "void": each.void}
                for each in sorted(gate.writers, key=_until)
            ],
            "floor": gate.floor,
        },
        "value": seen.value,
        "raw": made.data.hex(),
        "elements": [_element(each) for each in made.elements],
        "refused": list(made.refused),
    }


def _until(holder: Holder) -> int:
    return holder.deadline


def _element(each: Element) -> dict[str, Any]:
    return {
        "name": each.name.decode("utf-8", "backslashreplace"),
        "content": each.content.decode("utf-8", "backslashreplace"),
        "ttl_ms": each.ttl_ms,
        "place": each.place,
    }
