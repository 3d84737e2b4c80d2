"""The Grafana dashboard that the package brings: its panels and what they ask Prometheus for."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

from core import observe

FOLDER: Final = Path(observe.__file__).parent / "grafana"
_NAME: Final = re.compile(r"\b(?:cache|redis)_[a-z0-9_]+\b")


def panels() -> list[dict[str, Any]]:
    """All panels that show something."""
    dashboard = json.loads((FOLDER / "dashboards" / "reelcache.json").read_text("utf-8"))
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions() -> list[str]:
    """Each expression, over half a minute in place of what Grafana fills in."""
    found = [target["expr"] for panel in panels() for target in panel["targets"]]
    return [expression.replace("$__rate_interval", "30s") for expression in found]


def names(expression: str) -> set[str]:
    """The samples that an expression asks for."""
    return set(_NAME.findall(expression))
