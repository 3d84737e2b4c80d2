"""psycopg is told its version right, and looks nothing up."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import version

LOADING = """
import sys
from core.stores.postgres_driver import tell_version
tell_version()
looked_up = "importlib.metadata" in sys.modules
import psycopg, psycopg_binary
print(psycopg.__version__, psycopg_binary.__version__, looked_up or "importlib.metadata" in sys.modules)
"""


def test_the_driver_has_the_version_that_is_installed_without_looking_for_it() -> None:
    said = subprocess.run([sys.executable, "-c", LOADING], capture_output=True, text=True, check=True).stdout
    assert said.split() == [version("psycopg"), version("psycopg-binary"), "False"]
