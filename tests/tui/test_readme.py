from __future__ import annotations

from tests.tui.readme import PICTURES, README, SCREENS, renewed


def test_the_readme_has_the_present_keys_and_a_picture() -> None:
    text = README.read_text("utf-8")
    assert renewed(text) == text, "python -m tests.tui.readme renews it"
    for name in ("reelcache", *(name for name, _, _ in SCREENS)):
        picture = PICTURES / f"{name}.svg"
        assert picture.relative_to(README.parent).as_posix() in text
        assert picture.read_text("utf-8").startswith("<svg")
