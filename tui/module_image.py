"""ModuleImage: the compiled modules that earlier runs loaded, in one file: a start need not look for each of them.

Python asks the folders on its path for every module, opens one file and checks it: a tenth of the time until the first
rows are seen. An image names each module's source with its time and size, as the compiled file beside the source does,
and is believed no further than that one: a module whose source was touched is loaded as ever.
"""

from __future__ import annotations

import marshal
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import MAGIC_NUMBER, source_hash
from types import CodeType, ModuleType
from typing import Final, NamedTuple

_HEADER: Final = 16
"""Bytes before the code in a compiled file: magic number, flags, time and size of the source (PEP 552)."""
_BY_TIME: Final = MAGIC_NUMBER + bytes(4)
"""What a compiled file begins with that goes by its source's time and size, not by a hash."""
_BEGINNING: Final = 16
"""Bytes at the beginning of an image: where its index stands, and how long that is."""


class Imaged(NamedTuple):
    """A module in an image: what it was made of, and where its code stands."""

    source: str
    compiled: str
    folder: str | None
    """Where a package's modules are; None for a module."""
    stamp: bytes
    """Time and size of the source, as compiled files have it."""
    offset: int
    length: int


class ImageLoader(SourceFileLoader):
    """Loads a module as Python does, but takes its code from an image, where that can be read."""

    def __init__(self, name: str, imaged: Imaged, file: int) -> None:
        super().__init__(name, imaged.source)
        self._imaged, self._file = imaged, file

    def get_code(self, fullname: str) -> CodeType | None:
        """The module's code."""
        with suppress(OSError, EOFError, ValueError, TypeError):
            code = marshal.loads(os.pread(self._file, self._imaged.length, self._imaged.offset))
            if isinstance(code, CodeType):
                return code
        return super().get_code(fullname)


class ModuleImage:
    """Finds what is in the image at a path; `complete` adds what it lacked."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._file: int | None = None
        self._modules: dict[str, Imaged] = {}
        self._before = frozenset(sys.modules)
        # There is none, or it is damaged.
        with suppress(OSError, EOFError, ValueError, TypeError, AttributeError):
            self._file = os.open(path, os.O_RDONLY)
            beginning = os.pread(self._file, _BEGINNING, 0)
            offset, length = int.from_bytes(beginning[:8], "little"), int.from_bytes(beginning[8:], "little")
            if offset + length == os.fstat(self._file).st_size:
                index = marshal.loads(os.pread(self._file, length, offset))
                self._modules = {name: Imaged(*entry) for name, entry in index.items()}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """The module as the image has it; None where it has none, or one of another state of its source."""
        imaged = self._modules.get(fullname)
        if imaged is None or self._file is None or _stamp(imaged.source) != imaged.stamp:
            return None
        loader = ImageLoader(fullname, imaged, self._file)
        spec = ModuleSpec(fullname, loader, origin=imaged.source, is_package=imaged.folder is not None)
        if imaged.folder is not None:
            spec.submodule_search_locations = [imaged.folder]
        spec.has_location = True
        spec.cached = imaged.compiled
        return spec

    def complete(self) -> None:
        """Write the image anew where modules were loaded that it lacked. Raises OSError."""
        lacked = {
            name: read
            for name, module in list(sys.modules.items())
            if name not in self._before and (read := _compiled(name, module)) is not None
        }
        if not lacked or sys.dont_write_bytecode:
            return
        kept = {
            name: (imaged, os.pread(self._file, imaged.length, imaged.offset))
            for name, imaged in self._modules.items()
            if self._file is not None and _stamp(imaged.source) == imaged.stamp
        }
        _write(self._path, kept | lacked)

    def close(self) -> None:
        """Read no more from the file."""
        if self._file is not None:
            os.close(self._file)
            self._file = None


@contextmanager
def imaged_modules(path: str | None = None) -> Iterator[None]:
    """Load modules from the image while the context lasts, and write there on leaving what it lacked."""
    image = ModuleImage(path or _own_path())
    sys.meta_path.insert(0, image)
    try:
        yield
        # Who may not write compiled files has no image either.
        with suppress(OSError):
            image.complete()
    finally:
        sys.meta_path.remove(image)
        image.close()


def _own_path() -> str:
    """Beside the compiled file of this module: one for each interpreter and each list of places to find modules in."""
    own = __spec__.cached if __spec__ else None
    places = source_hash("\n".join(sys.path).encode()).hex()
    return f"{(own or __file__).removesuffix('.pyc')}.{places}.image"


def _stamp(source: str) -> bytes | None:
    """Time and size of a source as a compiled file has them (PEP 552); None where there is none."""
    try:
        found = os.stat(source)
    except OSError:
        return None
    return b"".join((int(figure) & 0xFFFFFFFF).to_bytes(4, "little") for figure in (found.st_mtime, found.st_size))


def _compiled(name: str, module: ModuleType) -> tuple[Imaged, bytes] | None:
    """The code of a module that Python found, from its compiled file; None where an image could not vouch for it."""
    spec = getattr(module, "__spec__", None)
    if spec is None or spec.name != name or type(spec.loader) is not SourceFileLoader or spec.cached is None:
        return None
    folders = spec.submodule_search_locations
    if folders is not None and len(folders) != 1:
        return None
    try:
        with open(spec.cached, "rb") as file:
            header, code = file.read(_HEADER), file.read()
    except OSError:
        return None
    stamp = header[len(_BY_TIME) :]
    if not header.startswith(_BY_TIME) or stamp != _stamp(spec.origin):
        return None
    return Imaged(spec.origin, spec.cached, folders[0] if folders else None, stamp, 0, len(code)), code


def _write(path: str, codes: dict[str, tuple[Imaged, bytes]]) -> None:
    """Write an image whole or not at all. Raises OSError."""
    index, written = {}, f"{path}.{os.getpid()}"
    try:
        with open(written, "wb") as file:
            file.write(bytes(_BEGINNING))
            for name, (imaged, code) in codes.items():
                index[name] = tuple(imaged._replace(offset=file.tell()))
                file.write(code)
            offset = file.tell()
            length = file.write(marshal.dumps(index))
            file.seek(0)
            file.write(offset.to_bytes(8, "little") + length.to_bytes(8, "little"))
        os.replace(written, path)
    except BaseException:
        with suppress(OSError):
            os.unlink(written)
        raise
