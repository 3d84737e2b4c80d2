"""The shipped catalogue, and readers of the files that people bring."""

from __future__ import annotations

from data.rejects import RejectsFile
from data.rows import Reject
from data.source import SHIPPED_COUNT, SHIPPED_HASH, Source, read, shipped
from data.synthetic import Synthetic

__all__ = ["SHIPPED_COUNT", "SHIPPED_HASH", "Reject", "RejectsFile", "Source", "Synthetic", "read", "shipped"]
