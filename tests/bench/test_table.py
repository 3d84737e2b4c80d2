"""The table's own rules: what is judged by which figure, and that only what could not run makes it fail."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.bench import __main__ as bench
from tests.bench.row import Row, Run, bound, line, measured, unmeasured, whole

SOME = [0.010, 0.011, 0.012, 0.090]


@pytest.mark.parametrize(
    ("row", "verdict", "goal"),
    [
        (measured("S1", "a", [1.0, 4.0, 1.0], theirs=[2.0, 2.0, 4.0], ratio_at_most=0.5), "kept", "<= 0.50x"),
        (measured("S1", "a", [1.1, 4.0, 1.1], theirs=[2.0, 2.0, 2.0], ratio_at_most=0.5), "missed", "<= 0.50x"),
        (measured("S8", "a", SOME, theirs=SOME, ratio_at_most=2, at_most=0.005), "missed", "<= 2.00x, <= 5 ms"),
        (measured("S9", "a", SOME, at_most=0.03), "kept", "<= 30 ms"),
        (measured("S9", "a", SOME, at_most=0.03, judged="p95"), "missed", "p95 <= 30 ms"),
        (measured("S4", "a", SOME, theirs=SOME[:3], ratio_at_most=4, judged="p99"), "missed", "p99 <= 4.00x"),
        (measured("S14", "a", [79.0], unit="MB", at_most=80), "kept", "<= 80 MB"),
        (measured("S1", "a", SOME, peer="another", theirs=SOME), "", ""),
        (unmeasured("S3", "a", "no server"), "not measured: no server", ""),
    ],
)
def test_a_row_is_judged_by_the_figure_that_its_goal_speaks_of(row: Row, verdict: str, goal: str) -> None:
    assert (row.verdict, row.goal) == (verdict, goal)
    assert msgspec.json.decode(msgspec.json.encode(row), type=Row) == row
    assert line(row).startswith(row.number)
    assert verdict in line(row)


MISSED = measured("S7", "a", [2.0], theirs=[1.0], ratio_at_most=1.5, at_most=3)
KEPT = measured("S7", "b", [1.0], theirs=[1.0], ratio_at_most=1.5)
FLOOR = bound("S7", "c", [1.6], peer="another", theirs=[1.0], ratio_at_most=1.5)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([FLOOR], "not measured"),
        ([KEPT, FLOOR], "kept"),
        ([MISSED], "missed"),
        ([MISSED, KEPT, FLOOR], "missed in 1 of 2 rows; its floor, 1.60x, is above the goal"),
        ([MISSED, FLOOR, FLOOR], "missed; its floor, 1.60x and 1.60x, is above the goal"),
        ([MISSED, bound("S7", "c", [1.4], theirs=[1.0], ratio_at_most=1.5)], "missed"),
        ([MISSED, bound("S7", "another goal", [1.6], theirs=[1.0], at_most=0.5)], "missed"),
        (
            [
                measured("S9", "a", SOME, at_most=0.03, judged="p95"),
                bound("S9", "b", SOME, at_most=0.03),
                bound("S9", "c", SOME, at_most=0.03, judged="p95"),
            ],
            "missed; its floor, 90 ms, is above the goal",
        ),
    ],
)
def test_a_floor_above_the_goal_explains_a_miss_and_is_none_itself(rows: list[Row], said: str) -> None:
    assert whole(rows) == said


def test_a_floor_is_judged_in_its_own_row() -> None:
    assert FLOOR.verdict == "out of reach"
    assert "1.60x" in line(FLOOR)
    assert bound("S14", "a", [79.0], unit="MB", at_most=80).verdict == "within reach"
    with pytest.raises(ValueError, match="one goal"):
        bound("S8", "a", SOME, theirs=SOME, ratio_at_most=2, at_most=0.005)


def test_the_table_fails_only_where_a_part_could_not_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    run = Run(short=True, rows=1, stores=("postgresql",), state=tmp_path, placement=bench.FREE)
    monkeypatch.setattr(bench, "PARTS", (bench.Part("hits", ("S1",)), bench.Part("no_such_part", ("S2", "S3"))))
    monkeypatch.setattr(bench, "_rows", lambda part, _: _rows(part.name))
    assert bench.table(run) == 1
    printed = capsys.readouterr().out
    assert "S1  missed" in printed
    assert printed.count("it could not run") == 4
    monkeypatch.setattr(bench, "PARTS", (bench.Part("hits", ("S1",)),))
    assert bench.table(run) == 0


def _rows(part: str) -> list[Row]:
    if part == "no_such_part":
        raise bench.CannotRun(part)
    return [measured("S1", "a", [2.0], theirs=[1.0], ratio_at_most=1)]
