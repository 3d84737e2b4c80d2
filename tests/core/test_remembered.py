"""What is remembered is what would be made, each text once as long as they are few."""

from __future__ import annotations

from core.remembered import Remembered


def test_remembered() -> None:
    made: list[str] = []

    def make(text: str) -> int:
        made.append(text)
        return len(text)

    lengths = Remembered(make, 2)
    assert lengths.of(["a", "bb", "a", "bb"]) == [1, 2, 1, 2]
    assert lengths.of(["ccc", "a"]) == [3, 1]
    assert made == ["a", "bb", "ccc"]
    assert lengths.of(["a"]) == [1]
    assert made == ["a", "bb", "ccc", "a"], "three were too many"
