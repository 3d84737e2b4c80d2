"""A large file is read by a process of its own: the same rows, one clear error when it dies, and no process left."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
from itertools import islice
from pathlib import Path

import pytest

import data
from core.errors import UnreadableFile
from core.intake import Intake
from core.model import Movie
from core.packed import PackedMovies
from core.stores.base import Stored
from data.synthetic import Synthetic

ROWS = 3_000


@pytest.fixture
def csv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that counts as large, with a refused row, one that repeats an id, and bytes that are no UTF-8."""
    monkeypatch.setattr("data.source.LARGE", 1)
    path = tmp_path / "large.csv"
    rows = [f"m{number},Film {number},{1950 + number % 60}\n".encode() for number in range(ROWS)]
    rows[7] = b"m7,Film 7,soon\n"
    rows[9] = b"m8,Film 9,1990\n"
    rows[2_000] = "m2000,Amélie,2001\n".encode()
    rows[2_001] = b"m2001,Am\xe9lie,2001\n"
    path.write_bytes(b"id,title,year\n" + b"".join(rows))
    return path


def readers() -> list[int]:
    """The processes that read files for this one."""
    found = subprocess.run(("pgrep", "-P", str(os.getpid()), "-f", "data.reader"), capture_output=True, check=False)
    return [int(pid) for pid in found.stdout.split()]


def test_rows_rejects_warnings_and_progress_are_the_same(csv: Path) -> None:
    apart, here = data.read(csv), data.read(csv)
    assert list(apart) == list(here.here())
    assert apart.warnings == here.warnings != []
    assert (apart.warning_count, apart.fraction) == (here.warning_count, 1.0)
    rejects = [row for row in apart if isinstance(row, data.Reject)]
    assert [(reject.line, reject.row) for reject in rejects] == [(9, "m7,Film 7,soon"), (11, "m8,Film 9,1990")]
    assert not readers()


async def test_a_load_takes_the_movies_packed_and_the_same_rows_are_refused(
    csv: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    source, taken, rows = data.read(csv), list[Movie](), 0
    async with Intake(source, Movie, 250) as intake:
        while (batch := await intake.batch(1_000)) is not None:
            assert isinstance(batch.records, PackedMovies)
            taken += batch.records
            rows += batch.rows
            intake.took(batch.rows, Stored(len(batch.records), 0, 0))
    here = list(data.read(csv).here())
    assert taken == [row for row in here if isinstance(row, Movie)]
    assert rows == len(here) == ROWS
    report = intake.report(stopped=False)
    assert (report.read, report.stored, report.rejected) == (ROWS, ROWS - 2, 2)
    assert report.rejects_path is not None
    assert "Film 7,soon" in await asyncio.to_thread(Path(report.rejects_path).read_text)
    assert not readers()


def test_what_ends_early_leaves_no_process(csv: Path) -> None:
    rows = iter(data.read(csv))
    assert len(list(islice(rows, 10))) == 10
    assert len(readers()) == 1
    rows.close()
    assert not readers()


def test_a_reader_that_is_killed_is_one_clear_error(csv: Path) -> None:
    rows = iter(data.read(csv))
    next(rows)
    [reader] = readers()
    os.kill(reader, signal.SIGKILL)
    with pytest.raises(UnreadableFile, match="the process that read it ended before the file did") as error:
        list(rows)
    assert error.value.path == str(csv)
    assert not readers()


def test_a_file_that_is_damaged_further_in_says_the_same(csv: Path, tmp_path: Path) -> None:
    damaged = tmp_path / "damaged.csv.gz"
    packed = subprocess.run(("gzip", "-c", str(csv)), capture_output=True, check=True).stdout
    damaged.write_bytes(packed[: len(packed) // 2])
    errors = []
    counts = []
    for rows in (iter(data.read(damaged)), data.read(damaged).here()):
        read: list[object] = []
        with pytest.raises(UnreadableFile) as error:
            read.extend(rows)
        errors.append((error.value.path, error.value.reason, error.value.remedy))
        counts.append(len(read))
    assert errors[0] == errors[1]
    assert counts[0] == counts[1] > 0


def test_the_reader_ends_when_whoever_began_it_is_killed(csv: Path) -> None:
    program = (
        "import data, data.source, os, sys\n"
        "data.source.LARGE = 1\n"
        "rows = iter(data.Synthetic(1_000_000, 1))\n"
        "next(rows)\n"
        "os.system(f'pgrep -P {os.getpid()} -f data.reader')\n"
        "sys.stdin.read()\n"
    )
    with subprocess.Popen(
        (sys.executable, "-c", program), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as owner:
        assert owner.stdout is not None
        reader = int(owner.stdout.readline())
        owner.kill()
        owner.wait()
        assert ended(reader)


def ended(pid: int) -> bool:
    """Whether a process that is not a child of ours ends within a minute."""
    try:
        watch = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watch], [], [], 60)[0])
    finally:
        os.close(watch)


def test_invented_movies_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("data.synthetic.MANY", 1)
    source = Synthetic(700, 3)
    assert list(source) == list(Synthetic(700, 3).here())
    assert source.fraction == 1.0
    assert not readers()
