"""Programs of Debian packages that tests run against: found on PATH, else fetched once and unpacked, without root.

prometheus = debian_program("prometheus", "prometheus")
subprocess.Popen([prometheus.path, ...], env=prometheus.environment)
"""

from __future__ import annotations

import fcntl
import glob
import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import platformdirs
import pytest

_PATIENCE: Final = 180
"""Seconds for one call of apt: 19 MB over a slow line, or the lists of a whole release."""
_SBIN: Final = "/usr/sbin:/usr/local/sbin"
"""Where Debian keeps servers; PATH often leaves it out."""


@dataclass(frozen=True)
class DebianProgram:
    """An executable, and the environment in which it finds the libraries that were unpacked with it."""

    path: Path
    environment: dict[str, str]


def debian_program(name: str, package: str, *libraries: str) -> DebianProgram:
    """The program `name` of `package`; `libraries` are packages that it needs and that a machine may not have.

    Fails the test, with what to install, where it is neither here nor to be had."""
    if found := shutil.which(name, path=f"{os.environ.get('PATH', os.defpath)}:{_SBIN}"):
        return DebianProgram(Path(found), dict(os.environ))
    packages = (package, *libraries)
    folder = platformdirs.user_cache_path("reelcache-tests", appauthor=False) / "-".join(packages)
    try:
        _fetched(packages, folder)
    except (OSError, subprocess.SubprocessError) as problem:
        said = (getattr(problem, "stderr", None) or str(problem)).strip()
        pytest.fail(
            f"This test needs the program `{name}`, and its Debian package could not be fetched: {said}\n"
            f"Install it: apt-get install {' '.join(packages)}",
            pytrace=False,
        )
    for place in ("usr/bin", "usr/sbin"):
        if (path := folder / place / name).exists():
            return DebianProgram(path, _with_libraries(folder))
    pytest.fail(f"The Debian package {package} holds no program `{name}`.", pytrace=False)


def _fetched(packages: tuple[str, ...], folder: Path) -> None:
    """Unpack the packages into `folder`, unless they are there: whole or not at all, whoever else does so too."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with open(folder.with_name(f"{folder.name}.lock"), "wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if folder.exists():
            return
        with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
            _download(packages, Path(scratch))
            whole = Path(scratch, "whole")
            for archive in glob.glob(f"{scratch}/*.deb"):
                _run("dpkg", "-x", archive, whole)
            whole.rename(folder)


def _download(packages: tuple[str, ...], scratch: Path) -> None:
    options = ("-q", "-o", "Acquire::Retries=3", "-o", "APT::Sandbox::User=")
    try:
        _run("apt-get", *options, "download", *packages, cwd=scratch)
    except subprocess.CalledProcessError:
        # A fresh container has no lists, old lists name files that are gone: own ones need no root.
        own = ("-o", f"Dir::State::Lists={scratch}/lists", "-o", f"Dir::Cache={scratch}/cache")
        for part in ("lists/partial", "cache/archives/partial"):
            (scratch / part).mkdir(parents=True)
        _run("apt-get", *options, *own, "update")
        _run("apt-get", *options, *own, "download", *packages, cwd=scratch)


def _run(*command: str | Path, cwd: Path | None = None) -> None:
    subprocess.run(command, cwd=cwd, check=True, capture_output=True, text=True, timeout=_PATIENCE)


def _with_libraries(folder: Path) -> dict[str, str]:
    places = [*glob.glob(f"{folder}/usr/lib/*-linux-gnu"), *glob.glob(f"{folder}/lib/*-linux-gnu")]
    given = os.environ.get("LD_LIBRARY_PATH")
    paths = [*places, *([given] if given else [])]
    return {**os.environ, **({"LD_LIBRARY_PATH": ":".join(paths)} if paths else {})}
