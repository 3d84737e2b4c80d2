"""The file of refused rows: made when needed, never over another, harmless to open."""

from __future__ import annotations

import csv
import tempfile
from pathlib import Path

import pytest

from data import Reject, RejectsFile


def test_no_reject_no_file(tmp_path: Path) -> None:
    with RejectsFile(Path("movies.csv.gz"), tmp_path) as rejects:
        assert rejects.path is None
    assert not list(tmp_path.iterdir())


def test_rows_are_on_the_disk_at_once_and_read_back(tmp_path: Path) -> None:
    with RejectsFile(Path("some/movies.csv.gz"), tmp_path) as rejects:
        rejects.write(Reject(3, "title: is required", 'a,"b",c'))
        assert rejects.path == tmp_path / "movies.rejects.csv"
        assert len(rejects.path.read_text().splitlines()) == 2
        rejects.write(Reject(9, "a quote, never closed", "=HYPERLINK(1)"))
    assert rejects.count == 2
    with rejects.path.open(newline="") as file:
        assert list(csv.reader(file)) == [
            ["line", "reason", "row"],
            ["3", "title: is required", 'a,"b",c'],
            ["9", "a quote, never closed", "'=HYPERLINK(1)"],
        ]
    assert rejects.path.stat().st_mode & 0o777 == 0o600


def test_another_file_is_never_overwritten(tmp_path: Path) -> None:
    for expected in ("movies.rejects.csv", "movies.rejects-2.csv", "movies.rejects-3.csv"):
        with RejectsFile(Path("movies.json"), tmp_path) as rejects:
            rejects.write(Reject(1, "reason", expected))
        assert rejects.path == tmp_path / expected
    assert (tmp_path / "movies.rejects.csv").read_text().endswith("1,reason,movies.rejects.csv\n")


def test_a_folder_that_cannot_be_written_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    elsewhere = tmp_path / "temporary"
    elsewhere.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(elsewhere))
    not_a_folder = tmp_path / "file"
    not_a_folder.write_text("")
    with RejectsFile(Path("movies.csv"), not_a_folder) as rejects:
        rejects.write(Reject(1, "reason", "row"))
    assert rejects.path == elsewhere / "movies.rejects.csv"
    assert rejects.problem == ""


def test_nowhere_to_write_is_said_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with RejectsFile(Path("movies.csv"), tmp_path / "missing") as rejects:
        rejects.write(Reject(1, "reason", "row"))
        rejects.write(Reject(2, "reason", "row"))
    assert (rejects.path, rejects.count) == (None, 2)
    assert "cannot be written" in rejects.problem
