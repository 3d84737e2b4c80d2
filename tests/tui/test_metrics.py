"""`--metrics` as a person uses it: the screen says where they are, they are there, and a taken port is told of."""

from __future__ import annotations

import re
import urllib.error
import urllib.request
from pathlib import Path

import pytest

import tui
from tests.tui.shell import PROGRAM, environment
from tests.tui.terminal import Terminal

__all__ = ["environment"]


def test_the_screen_says_where_the_metrics_are_and_a_taken_port_is_told_of(environment: dict[str, str]) -> None:
    environment["PYTHONPATH"] = str(Path(tui.__file__).parent.parent)  # these sources, wherever others are installed
    with Terminal([*PROGRAM, "--metrics", "0"], environment, (120, 40)) as terminal:
        terminal.until("metrics 127.0.0.1:", "Redis ok")
        (port,) = set(re.findall(r"metrics 127\.0\.0\.1:([0-9]+)", terminal.text))
        address = f"http://127.0.0.1:{port}/metrics"
        with urllib.request.urlopen(address, timeout=30) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            assert 'cache_in_force{store="postgresql",strategy="cache-aside"} 1.0' in answer.read().decode()
        with Terminal([*PROGRAM, "--metrics", port], environment, (120, 40)) as other:
            assert other.until_ended() == 1
            assert f"reelcache: Port {port} of 127.0.0.1 is taken by another program." in other.text
            assert "Traceback" not in other.text
        terminal.send("q")
        assert terminal.until_ended() == 0
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(address, timeout=30)
