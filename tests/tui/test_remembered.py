"""The screen's memory: kept from run to run, never in the way."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tui.remembered import MOST_SEARCHES, Memory, Remembered


def test_what_is_changed_is_there_at_the_next_run(tmp_path: Path) -> None:
    file = tmp_path / "new" / "remembered.json"
    memory = Memory(file)
    assert memory.now == Remembered()
    memory.change(theme="nord", columns=("year", "genres"), window="1 min")
    again = Memory(file)
    assert (again.now.theme, again.now.columns, again.now.window) == ("nord", ("year", "genres"), "1 min")
    assert again.problem is None


def test_nothing_is_kept_without_a_file() -> None:
    memory = Memory(None)
    memory.change(theme="nord")
    assert memory.now.theme == "nord"
    assert memory.problem is None


def test_searches_are_kept_once_each_the_newest_first(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "remembered.json")
    for text in ("alien", "genre:drama", " alien ", "  "):
        memory.searched(text)
    assert memory.now.searches == ("alien", "genre:drama")
    for number in range(2 * MOST_SEARCHES):
        memory.searched(str(number))
    assert len(memory.now.searches) == MOST_SEARCHES
    assert memory.now.searches[0] == str(2 * MOST_SEARCHES - 1)


@pytest.mark.parametrize("content", [b"", b"{", b'{"theme": 3}', b"\xff\xfe", b"[]"])
def test_a_damaged_file_counts_as_empty_and_is_named(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "remembered.json"
    file.write_bytes(content)
    memory = Memory(file)
    assert memory.now == Remembered()
    assert memory.problem is not None
    assert str(file) in memory.problem
    memory.change(theme="nord")
    assert Memory(file).now.theme == "nord"


def test_a_file_of_a_later_version_keeps_what_is_known(tmp_path: Path) -> None:
    file = tmp_path / "remembered.json"
    file.write_text('{"theme": "nord", "holograms": true}')
    assert Memory(file).now == Remembered(theme="nord")


def test_a_folder_that_cannot_be_written_is_named_and_ends_nothing(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    memory = Memory(blocked / "remembered.json")
    memory.change(theme="nord")
    assert memory.now.theme == "nord"
    assert memory.problem is not None
    assert "cannot be written" in memory.problem


def test_a_write_leaves_no_other_file_behind(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "remembered.json")
    memory.change(theme="nord")
    memory.change(theme="dracula")
    assert os.listdir(tmp_path) == ["remembered.json"]
