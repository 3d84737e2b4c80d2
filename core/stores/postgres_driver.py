"""psycopg without its question for its own version: it has two packages look that up in the metadata of all that is
installed, and to load what reads these takes longer than a fifth of the driver itself."""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from types import ModuleType
from typing import Final

_PACKAGES: Final = ("psycopg", "psycopg_binary")
_METADATA: Final = ".dist-info"


def tell_version() -> None:
    """Tell psycopg, before it is loaded, which version it is, by the names of the folders beside it. Where they do not
    say, it finds out by itself."""
    spec = find_spec("psycopg")
    if "psycopg" in sys.modules or spec is None or spec.origin is None:
        return
    for name in os.listdir(os.path.dirname(os.path.dirname(spec.origin))):
        package, _, version = name.removesuffix(_METADATA).partition("-")
        if name.endswith(_METADATA) and package in _PACKAGES:
            told = ModuleType(f"{package}.version")
            told.__dict__["__version__"] = version
            sys.modules[told.__name__] = told
