"""The house rules that a machine can hold."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DRIVERS = ("textual", "redis", "psycopg", "pymongo", "pandas", "plotext", "prometheus_client")


def loaded_after(statement: str) -> set[str]:
    """The top-level modules that a fresh Python holds after running a statement."""
    program = f"import sys\n{statement}\nprint(*sorted({{name.partition('.')[0] for name in sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, cwd=ROOT)
    return set(done.stdout.split())


@pytest.mark.parametrize("statement", ["import core", "import data", "import tui.__main__"])
def test_importing_loads_neither_textual_nor_a_driver(statement: str) -> None:
    assert not loaded_after(statement) & set(DRIVERS)


def test_the_screen_loads_no_driver_and_no_pandas() -> None:
    assert not loaded_after("import tui.app") & {"redis", "psycopg", "pymongo", "pandas"}


def test_the_api_loads_no_screen() -> None:
    assert not loaded_after("import tui.commands.api") & {"textual", "plotext", "pandas", "aiohttp"}


def test_no_source_file_names_a_machine_or_a_registry() -> None:
    strangers = re.compile(r"/work/|/root/|pypi\.org|pythonhosted|npmjs|deb\.debian")
    mine = Path(__file__)
    found = [
        str(path.relative_to(ROOT))
        for room in ("core", "data", "tui", "tests")
        for path in (ROOT / room).rglob("*.py")
        if path != mine and strangers.search(path.read_text("utf-8"))
    ]
    assert found == []


def test_only_open_imports_data() -> None:
    importing = [
        str(path.relative_to(ROOT))
        for path in (ROOT / "core").rglob("*.py")
        if re.search(r"^\s*(import data\b|from data\b)", path.read_text("utf-8"), re.MULTILINE)
    ]
    assert importing == ["core/open.py"]
