"""Completing: what the word under the cursor of a filter could become. Knows no widget."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from core.filter_text import TERMS, Term
from core.query import COUNTED


class Word(msgspec.Struct, frozen=True):
    """The word that the cursor stands behind: its place, and the term and the value that it is, as far as it is one."""

    start: int
    end: int
    text: str
    term: Term | None
    value: str

    @property
    def has_values(self) -> bool:
        """Whether its values are to be looked up."""
        return self.term is not None and self.term.field in COUNTED and self.term.field != "year"


def word_at(text: str, cursor: int) -> Word:
    """The word before the cursor; a quoted value is one word with its blanks."""
    start, quoted = 0, False
    for place, character in enumerate(text[:cursor]):
        if character == '"':
            quoted = not quoted
        elif character.isspace() and not quoted:
            start = place + 1
    word = text[start:cursor]
    name, colon, value = word.partition(":")
    term = TERMS.get(name.casefold()) if colon else None
    return Word(start, cursor, word, term, value.strip('"') if term else "")


def names_beginning(word: Word) -> tuple[str, ...]:
    """The names of terms that the word could become."""
    if word.term is not None or not word.text:
        return ()
    return tuple(f"{name}:" for name in TERMS if name.startswith(word.text.casefold()))


def completed(text: str, word: Word, choice: str) -> tuple[str, int]:
    """The text with a choice in the word's place, and where the cursor stands then."""
    if word.term is None:
        inserted = choice
    else:
        value = f'"{choice}"' if any(character.isspace() for character in choice) else choice
        inserted = f"{word.term.name}:{value} "
    after = text[word.end :]
    if inserted.endswith(" ") and after.startswith(" "):
        inserted = inserted[:-1]
    return text[: word.start] + inserted + after, word.start + len(inserted)


def shown_choices(choices: Sequence[str], width: int) -> str:
    """The choices in one line of so many cells, the first the one that Tab takes."""
    line = ""
    for choice in choices:
        longer = f"{line}  {choice}" if line else choice
        if len(longer) > width:
            break
        line = longer
    return line
