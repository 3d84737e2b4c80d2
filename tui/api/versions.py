"""Versions: a movie's version as a strong ETag, and the conditions that requests make of it (RFC 9110, section 13)."""

from __future__ import annotations

import re
from typing import Final

from tui.api.refusals import not_understood

ETAG_PATTERN: Final = '^"[0-9]{1,19}"$'
"""What an ETag of ours looks like."""
_TAG: Final = re.compile(r'(W/)?"([\x21\x23-\x7e\x80-\xff]*)"')
_TAGS: Final = re.compile(rf"(?:{_TAG.pattern})(?:[ \t]*,[ \t]*(?:{_TAG.pattern}))*")
_MOST: Final = 2**63 - 1


def etag(version: int) -> str:
    """The version as an ETag: strong, for one version is one state."""
    return f'"{version}"'


def versions_named(header: str, text: str, *, weakly: bool) -> frozenset[int] | None:
    """The versions that a condition names; None stands for `*`, any. A tag that was never ours names none.

    `weakly` tells whether a weak tag names a version, too. Raises Refused."""
    text = text.strip(" \t")
    if text == "*":
        return None
    if not _TAGS.fullmatch(text):
        raise not_understood(
            f"{header} holds no entity tag.",
            f'Send the ETag of your last GET as it came, quotes included, such as {header}: "7".',
        )
    opaque = (tag for weak, tag in _TAG.findall(text) if weakly or not weak)
    numbers = (int(tag) for tag in opaque if re.fullmatch("[0-9]{1,19}", tag))
    return frozenset(number for number in numbers if number <= _MOST)
