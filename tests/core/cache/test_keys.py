from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cache.keys import NOWHERE, TAG, Key, Namespace
from core.cache.tracking import BELL, LIST

SPACE = Namespace("rc", "postgresql", 3)
keys = st.builds(Key, kind=st.text(alphabet=st.characters()), id=st.text(alphabet=st.characters()))


def hash_tag(key: bytes) -> bytes:
    start = key.index(b"{") + 1
    return key[start : key.index(b"}", start)]


def test_names_are_readable() -> None:
    assert SPACE.entry_key(Key("movie", "Q103569")) == b"rc:e:{rc}:rc.postgresql.3:movie:Q103569"
    assert SPACE.gate_key(Key("movie", "8½")) == "rc:g:{rc}:rc.postgresql.3:movie:8½".encode()


@given(keys)
def test_every_name_is_in_the_same_slot(key: Key) -> None:
    entry, gate = SPACE.entry_key(key), SPACE.gate_key(key)
    assert {hash_tag(name) for name in (entry, gate, LIST, BELL, NOWHERE)} == {TAG.encode()}
    assert entry != gate


@given(st.lists(keys))
def test_many_at_once_have_the_names_they_have_alone(several: list[Key]) -> None:
    for kind in {key.kind for key in several}:
        ids = [key.id for key in several if key.kind == kind]
        assert SPACE.entry_keys(kind, ids) == [SPACE.entry_key(Key(kind, id)) for id in ids]
    assert SPACE.entry_keys("movie", ["Q1", "a:b"]) == [SPACE.entry_key(Key("movie", id)) for id in ("Q1", "a:b")]


@given(keys, keys)
def test_two_keys_never_share_a_name(one: Key, other: Key) -> None:
    assert (SPACE.entry_key(one) == SPACE.entry_key(other)) == (one == other)


def test_a_colon_in_a_kind_or_an_id_moves_no_boundary() -> None:
    assert SPACE.entry_key(Key("a:b", "c")) != SPACE.entry_key(Key("a", "b:c"))


def test_a_lone_surrogate_has_a_name() -> None:
    assert SPACE.entry_key(Key("movie", "\ud800")) != SPACE.entry_key(Key("movie", "\ud801"))


@pytest.mark.parametrize("name", ["", "a.b", "a:b", "a*", "{a}", "a b", "a\n"])
def test_a_namespace_holds_no_glob_and_no_separator(name: str) -> None:
    with pytest.raises(ValueError, match="namespace"):
        Namespace(name, "mongodb")
    with pytest.raises(ValueError, match="namespace"):
        Namespace("rc", name)
