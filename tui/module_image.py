"""ModuleImage: the compiled modules that earlier runs loaded, in one file: a start need not look for each of them.

Python asks the folders on its path for every module, opens one file and checks it: a tenth of the time until the first
rows are seen. An image knows of each module the source that it was made of and the folder in which it was found, and of
each folder that was asked before; where any of these was touched since, Python looks for the module as ever.
"""

from __future__ import annotations

import marshal
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType, ModuleType
from typing import Final, NamedTuple

State = tuple[int, int, int, int]
"""What changes when a file is written or replaced, or a folder gets or loses an entry: the system sets the last one."""
_COARSE: Final = 100_000_000
"""Nanoseconds by which the clock that stamps files may be behind."""
_BEGINNING: Final = 16
"""Bytes at the beginning of an image: where its index stands, and how long that is."""


class Imaged(NamedTuple):
    """A module in an image: what it was made of, and where its code stands."""

    source: str
    state: State
    compiled: str | None
    folder: str | None
    """Where a package's modules are; None for a module."""
    place: str
    """The folder in which it was found."""
    offset: int
    length: int


class ImageLoader(SourceFileLoader):
    """Loads a module as Python does, but takes its code from an image, where that can be read."""

    def __init__(self, name: str, imaged: Imaged, image: ModuleImage) -> None:
        super().__init__(name, imaged.source)
        self._imaged, self._image = imaged, image

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code."""
        with suppress(Exception):  # whatever is wrong with an image, there is the source
            code = marshal.loads(self._image.read(self._imaged))
            if isinstance(code, CodeType):
                return code
        return super().get_code(fullname)


class ModuleImage:
    """Finds what is in the image at a path; `complete` adds what it lacked."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._modules: dict[str, Imaged] = {}
        self._folders: dict[str, State | None] = {}
        """Those on Python's path, and those of packages, as they were."""
        self._seen: dict[str, bool] = {}
        """Whether they are so still."""
        self._places = tuple(sys.path)
        self._before = frozenset(sys.modules)
        self._began = time.time_ns() - _COARSE
        with suppress(Exception):  # there is none, or it is damaged
            self._file = os.open(path, os.O_RDONLY)
            beginning = os.pread(self._file, _BEGINNING, 0)
            offset, length = int.from_bytes(beginning[:8], "little"), int.from_bytes(beginning[8:], "little")
            if offset + length == os.fstat(self._file).st_size:
                magic, folders, modules = marshal.loads(os.pread(self._file, length, offset))
                if magic == MAGIC_NUMBER and all(self._is_so_still(place, folders) for place in self._places):
                    self._folders = folders
                    self._modules = {name: Imaged(*entry) for name, entry in modules.items()}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as the image has it; None where it has none, or Python might find another one by now."""
        imaged = self._modules.get(fullname)
        if imaged is None or (path is not None and list(path) != [imaged.place]) or not self._holds(imaged):
            return None
        loader = ImageLoader(fullname, imaged, self)
        spec = ModuleSpec(fullname, loader, origin=imaged.source, is_package=imaged.folder is not None)
        if imaged.folder is not None:
            spec.submodule_search_locations = [imaged.folder]
        spec.has_location = True
        spec.cached = imaged.compiled
        return spec

    def read(self, imaged: Imaged) -> bytes:
        """The code of a module; nothing once the image was closed. Raises OSError."""
        return b"" if self._file is None else os.pread(self._file, imaged.length, imaged.offset)

    def complete(self) -> None:
        """Write the image anew where modules were loaded that it lacked. Raises OSError."""
        if sys.dont_write_bytecode or not all(map(self._has_stood, self._places)):
            return
        lacked = {
            name: made
            for name, module in list(sys.modules.items())
            if name not in self._before and (made := self._made_of(name, module)) is not None
        }
        if lacked:
            kept = {
                name: (imaged, self.read(imaged))
                for name, imaged in self._modules.items()
                if self._holds(imaged) and self._has_stood(imaged.place)
            }
            _write(self._path, self._places, kept | lacked)

    def close(self) -> None:
        """Read no more from the file."""
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def _holds(self, imaged: Imaged) -> bool:
        return self._is_so_still(imaged.place, self._folders) and _state(imaged.source) == imaged.state

    def _is_so_still(self, place: str, folders: dict[str, State | None]) -> bool:
        """Whether a folder has the entries that it had: each is looked at once, as Python itself does."""
        if place not in self._seen:
            self._seen[place] = place in folders and folders[place] == _state(place)
        return self._seen[place]

    def _made_of(self, name: str, module: ModuleType) -> tuple[Imaged, bytes] | None:
        """A module that Python found, with its code; None for what an image cannot vouch for."""
        spec = getattr(module, "__spec__", None)
        if spec is None or spec.name != name or type(spec.loader) is not SourceFileLoader:
            return None
        folder = None if spec.submodule_search_locations is None else os.path.dirname(spec.origin)
        place = os.path.dirname(folder or spec.origin)
        parent = sys.modules.get(name.rpartition(".")[0])
        searched = self._places if "." not in name else tuple(getattr(parent, "__path__", ()))
        state = _state(spec.origin)
        # In one of several places of a package another one may have it later.
        if place not in searched or (parent is not None and len(searched) != 1):
            return None
        if state is None or folder not in (None, *(spec.submodule_search_locations or ())):
            return None
        if not (self._has_stood(place) and self._has_stood(spec.origin)):
            return None
        try:
            code = marshal.dumps(spec.loader.get_code(name))
        except (OSError, SyntaxError, EOFError, ImportError):
            return None
        return Imaged(spec.origin, state, spec.cached, folder, place, 0, len(code)), code

    def _has_stood(self, path: str) -> bool:
        """Whether it is as it was when the first module was looked for."""
        state = _state(path)
        return state is None or state[-1] < self._began


@contextmanager
def imaged_modules(path: str | None = None) -> Iterator[None]:
    """Load modules from the image while the context lasts, and write there on leaving what it lacked."""
    path = path or _own_path()
    if path is None or PathFinder not in sys.meta_path:
        yield
        return
    image = ModuleImage(path)
    # Whoever comes before Python's own search goes on to do so.
    sys.meta_path.insert(sys.meta_path.index(PathFinder), image)
    try:
        yield
        # Who may not write compiled files has no image either.
        with suppress(OSError):
            image.complete()
    finally:
        sys.meta_path.remove(image)
        image.close()


def _own_path() -> str | None:
    """Beside the compiled file of this module: one for each interpreter and each list of places to find modules in.

    None where a place depends on the folder that one is in."""
    own = __spec__.cached if __spec__ else None
    if own is None or not all(isinstance(place, str) and os.path.isabs(place) for place in sys.path):
        return None
    places = source_hash(os.fsencode("\n".join(sys.path))).hex()
    return f"{own.removesuffix('.pyc')}.{places}.image"


def _state(path: str) -> State | None:
    """The state of a file or a folder; None where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _write(path: str, places: Sequence[str], codes: dict[str, tuple[Imaged, bytes]]) -> None:
    """Write an image whole or not at all, for modules that are looked for in these places. Raises OSError."""
    modules, written = {}, f"{path}.{os.urandom(8).hex()}"
    folders = {place: _state(place) for place in (*places, *{imaged.place for imaged, _ in codes.values()})}
    try:
        with open(written, "xb") as file:
            file.write(bytes(_BEGINNING))
            for name, (imaged, code) in codes.items():
                modules[name] = tuple(imaged._replace(offset=file.tell()))
                file.write(code)
            offset = file.tell()
            length = file.write(marshal.dumps((MAGIC_NUMBER, folders, modules)))
            file.seek(0)
            file.write(offset.to_bytes(8, "little") + length.to_bytes(8, "little"))
        os.replace(written, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(written)
        raise
