"""The image of compiled modules: a start with it loads what a start without it loads, whatever became of either."""

from __future__ import annotations

import importlib.util
import os
import py_compile
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

LOADED = """
import inspect, sys
from pathlib import Path
from tui.module_image import imaged_modules

with imaged_modules(sys.argv[1]):
    import shelf, shelf.book, shelf.lamp
    for module in shelf, shelf.book, shelf.lamp:
        print(module.__name__, module.WHAT, module.__file__, module.__cached__, getattr(module, "__path__", ""))
        print(module.__package__, inspect.getsource(module) == Path(module.__file__).read_text())
    print(type(shelf.book.__loader__).__name__, file=sys.stderr)
"""
"""Each module as it was loaded; and, apart from them, by what."""
ROOT = Path(__file__).parents[2]


class Shelf:
    """A package of three modules, loaded by one process after the other."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "modules.image"
        self.package = folder / "shelf"
        self.package.mkdir()
        self.write("__init__", "shelf")
        self.write("book", "book")
        self.write("lamp", "lamp")

    def write(self, module: str, what: str, moment: int = 1_000_000_000) -> None:
        """Have a module say this, as if it had been written then."""
        source = self.package / f"{module}.py"
        source.write_text(f"WHAT = {what!r}\n")
        os.utime(source, (moment, moment))

    def loaded(self, **environment: str) -> tuple[str, str]:
        """What a process loads, and what loaded it."""
        kept: Mapping[str, str] = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        path = os.pathsep.join((str(self.package.parent), str(ROOT)))
        done = subprocess.run(
            [sys.executable, "-P", "-c", LOADED, str(self.image)],
            env={**kept, "PYTHONPATH": path, **environment},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout, done.stderr.strip()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def test_the_second_start_loads_the_same_from_the_image(shelf: Shelf) -> None:
    first, by_python = shelf.loaded()
    assert "shelf.book book" in first
    assert by_python == "SourceFileLoader"
    written = shelf.image.read_bytes()
    assert shelf.loaded() == (first, "ImageLoader")
    assert shelf.image.read_bytes() == written


def test_a_source_that_was_changed_is_loaded_anew_and_then_imaged(shelf: Shelf) -> None:
    shelf.loaded()
    shelf.write("book", "another book", 1_000_000_001)
    changed, by_python = shelf.loaded()
    assert "shelf.book another book" in changed
    assert by_python == "SourceFileLoader"
    assert shelf.loaded() == (changed, "ImageLoader")


def test_a_module_that_is_gone_is_not_found_in_the_image(shelf: Shelf) -> None:
    shelf.loaded()
    (shelf.package / "lamp.py").unlink()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        shelf.loaded()
    assert "No module named 'shelf.lamp'" in failed.value.stderr


def test_a_module_that_no_image_can_hold_does_not_have_it_written_each_time(shelf: Shelf) -> None:
    shelf.loaded()
    compiled = Path(importlib.util.cache_from_source(str(shelf.package / "book.py")))
    py_compile.compile(
        str(shelf.package / "book.py"), str(compiled), invalidation_mode=py_compile.PycInvalidationMode.CHECKED_HASH
    )
    shelf.image.unlink()
    shelf.loaded()
    written = shelf.image.stat().st_mtime_ns
    assert shelf.loaded()[1] == "SourceFileLoader"
    assert shelf.image.stat().st_mtime_ns == written


@pytest.mark.parametrize("left", [0, 7, 16, 60, -1], ids=str)
def test_a_damaged_image_costs_nothing_but_itself(shelf: Shelf, left: int) -> None:
    first, _ = shelf.loaded()
    whole = shelf.image.read_bytes()
    shelf.image.write_bytes(whole[:left] if left >= 0 else os.urandom(len(whole)))
    assert shelf.loaded()[0] == first
    assert shelf.loaded() == (first, "ImageLoader")


def test_code_that_cannot_be_read_is_taken_from_the_source(shelf: Shelf) -> None:
    first, _ = shelf.loaded()
    image = bytearray(shelf.image.read_bytes())
    index = int.from_bytes(image[:8], "little")
    image[16:index] = bytes(index - 16)
    shelf.image.write_bytes(image)
    assert shelf.loaded() == (first, "ImageLoader")


def test_who_writes_no_compiled_files_writes_no_image(shelf: Shelf) -> None:
    shelf.loaded(PYTHONDONTWRITEBYTECODE="1")
    assert not shelf.image.exists()
    shelf.image = shelf.package / "no such folder" / "modules.image"
    assert shelf.loaded()[1] == "SourceFileLoader"


def test_the_program_has_an_image_of_its_own_beside_its_compiled_files(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONPATH": str(ROOT)}
    # An address that is none: all that opens the dashboard is loaded, and nothing is opened.
    command = [sys.executable, "-P", "-m", "tui", "--redis-url", "nowhere"]
    said = [subprocess.run(command, env=environment, capture_output=True, text=True, check=False) for _ in range(2)]
    assert said[0].returncode == said[1].returncode != 0
    assert said[0].stderr == said[1].stderr != ""
    (image,) = tmp_path.rglob("module_image.*.image")
    assert (ROOT / "tui").relative_to("/") == image.parent.relative_to(tmp_path)
    assert b"core.settings" in image.read_bytes()
