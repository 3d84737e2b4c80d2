"""The image of compiled modules: a start with it loads what a start without it loads, whatever became of either."""

from __future__ import annotations

import importlib.util
import marshal
import os
import py_compile
import shutil
import struct
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

LOADED = """
import inspect, os, sys
from pathlib import Path
from tui.module_image import imaged_modules

with imaged_modules(sys.argv[1]):
    import shelf, shelf.book, shelf.lamp
    for module in shelf, shelf.book, shelf.lamp:
        print(module.__name__, module.what(), module.__file__, module.__cached__, getattr(module, "__path__", ""))
        print(module.what.__code__.co_filename, module.__package__)
        print(inspect.getsource(module) == Path(module.__file__).read_text())
    print(type(shelf.book.__loader__).__name__, file=sys.stderr)
"""
"""Each module as it was loaded; and, apart from them, by what."""
ROOT = Path(__file__).parents[2]
LONG_AGO = 1_000_000_000


class Shelf:
    """A package of three modules, loaded by one process after the other."""

    def __init__(self, folder: Path) -> None:
        self.image = folder / "modules.image"
        self.places = [folder / "first", folder / "second"]
        self.places[0].mkdir()
        self.package = self.write(self.places[1], "shelf")
        # Other tests may write into the folder of the project meanwhile: its own place is one that nobody touches.
        self.program = folder / "program"
        self.program.mkdir()
        (self.program / "tui").symlink_to(ROOT / "tui")

    def write(self, place: Path, what: str) -> Path:
        """The package, in a place of its own, with modules that all say this."""
        package = place / "shelf"
        package.mkdir(parents=True)
        for module in ("__init__", "book", "lamp"):
            self.say(package / f"{module}.py", what)
        # Who starts for the first time makes it, and so changes the folder.
        (package / "__pycache__").mkdir()
        return package

    def say(self, source: Path, what: str) -> None:
        """Have a module say this, as if it had been written long ago."""
        source.write_text(f"def what() -> str:\n    return {what!r}\n")
        os.utime(source, (LONG_AGO, LONG_AGO))

    def stand_a_while(self) -> None:
        """Return once all of it is older than the clock that stamps files is coarse."""
        places = (*self.places, self.program)
        newest = max(path.stat().st_ctime for place in places for path in (place, *place.glob("shelf/**/*")))
        while time.time() < newest + 0.2:
            time.sleep(0.02)

    def loaded(self, **environment: str) -> tuple[str, str]:
        """What a process loads that starts when all this has stood for a while, and what loaded it."""
        kept: Mapping[str, str] = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        self.stand_a_while()
        done = subprocess.run(
            [sys.executable, "-P", "-c", LOADED, str(self.image)],
            env={**kept, "PYTHONPATH": os.pathsep.join(map(str, (*self.places, self.program))), **environment},
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
    assert "shelf.book shelf" in first
    assert by_python == "SourceFileLoader"
    written = shelf.image.read_bytes()
    assert shelf.loaded() == (first, "ImageLoader")
    assert shelf.image.read_bytes() == written


def test_a_source_that_was_changed_is_loaded_anew_and_then_imaged(shelf: Shelf) -> None:
    shelf.loaded()
    # Of the same size, and as old: as packages are made whose time is to tell nothing.
    shelf.say(shelf.package / "book.py", "other")
    compiled = importlib.util.cache_from_source(str(shelf.package / "book.py"))
    py_compile.compile(str(shelf.package / "book.py"), compiled)
    changed, by_python = shelf.loaded()
    assert "shelf.book other" in changed
    assert by_python == "SourceFileLoader"
    assert shelf.loaded() == (changed, "ImageLoader")


def test_what_python_would_find_before_the_module_is_found(shelf: Shelf) -> None:
    shelf.loaded()
    (shelf.package / "book").mkdir()
    shelf.say(shelf.package / "book" / "__init__.py", "a package")
    found, by_python = shelf.loaded()
    assert "shelf.book a package" in found
    assert by_python == "SourceFileLoader"
    earlier = shelf.write(shelf.places[0], "earlier")
    found, by_python = shelf.loaded()
    assert found.count(" earlier ") == 3
    assert by_python == "SourceFileLoader"
    # And where it is gone again, with an image that has both.
    shelf.loaded()
    shutil.rmtree(earlier)
    assert shelf.loaded()[0].count(" shelf ") == 2


def test_a_module_that_is_gone_is_not_found_in_the_image(shelf: Shelf) -> None:
    shelf.loaded()
    (shelf.package / "lamp.py").unlink()
    with pytest.raises(subprocess.CalledProcessError) as failed:
        shelf.loaded()
    assert "No module named 'shelf.lamp'" in failed.value.stderr


def test_a_tree_that_was_moved_is_told_of_by_its_new_name(shelf: Shelf) -> None:
    shelf.loaded()
    moved = shelf.places[1].rename(shelf.places[1].with_name("moved"))
    shelf.places[1] = moved
    for _ in range(2):
        found, _ = shelf.loaded()
        assert "/second/" not in found
    assert shelf.loaded() == (found, "ImageLoader")


@pytest.mark.parametrize("left", [0, 7, 16, 60, -1], ids=str)
def test_a_damaged_image_costs_nothing_but_itself(shelf: Shelf, left: int) -> None:
    first, _ = shelf.loaded()
    whole = shelf.image.read_bytes()
    shelf.image.write_bytes(whole[:left] if left >= 0 else os.urandom(len(whole)))
    assert shelf.loaded()[0] == first
    assert shelf.loaded() == (first, "ImageLoader")


@pytest.mark.parametrize("index", [None, 7, ("magic",), (importlib.util.MAGIC_NUMBER, [], {"shelf": ()})], ids=str)
def test_an_index_that_makes_no_sense_is_not_believed(shelf: Shelf, index: Any) -> None:
    first, _ = shelf.loaded()
    begun = marshal.dumps(index)
    shelf.image.write_bytes(struct.pack("<QQ", 16, len(begun)) + begun)
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


@pytest.mark.parametrize("place", ["''", "'here'", "b'/bytes'", "Path('/path')"])
def test_places_that_depend_on_where_one_is_have_no_image(place: str, tmp_path: Path) -> None:
    program = f"""
import sys
from pathlib import Path
sys.path.insert(0, {place})
from tui.module_image import imaged_modules
before = list(sys.meta_path)
with imaged_modules():
    assert sys.meta_path == before
"""
    subprocess.run([sys.executable, "-P", "-c", program], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=True)


def test_a_place_with_an_odd_name_has_an_image(shelf: Shelf, tmp_path: Path) -> None:
    odd = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9")
    program = "from tui.module_image import imaged_modules\nwith imaged_modules(): import tui.figures"
    environment = {
        **os.environ,
        "PYTHONPATH": f"{odd}:{shelf.program}",
        "PYTHONPYCACHEPREFIX": str(tmp_path / "compiled"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    shelf.stand_a_while()
    subprocess.run([sys.executable, "-P", "-c", program], env=environment, check=True)
    assert len([*tmp_path.rglob("*.image")]) == 1


def test_the_program_has_an_image_of_its_own_beside_its_compiled_files(tmp_path: Path) -> None:
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environment = {**kept, "PYTHONPYCACHEPREFIX": str(tmp_path), "PYTHONPATH": str(ROOT)}
    # An address that is none: all that opens the dashboard is loaded, and nothing is opened.
    command = [sys.executable, "-P", "-m", "tui", "--redis-url", "nowhere"]
    said, until = set(), time.monotonic() + 60
    # Not while a folder is being written to, as another test may just do.
    while len(found := [*tmp_path.rglob("module_image.*.image")]) == 0 or b"core.settings" not in found[0].read_bytes():
        assert time.monotonic() < until
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
        said.add((done.returncode, done.stderr))
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    said.add((done.returncode, done.stderr))
    ((code, complaint),) = said
    assert code != 0
    assert "nowhere" in complaint
    (image,) = found
    assert (ROOT / "tui").relative_to("/") == image.parent.relative_to(tmp_path)
