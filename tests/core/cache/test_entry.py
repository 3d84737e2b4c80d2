from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.cache.entry import (
    HEADER_BYTES,
    MAX_VERSION,
    Entry,
    FreshPayloads,
    UnreadableEntry,
    entry_in,
    hexadecimal,
    pack,
    unpack,
)

versions = st.integers(0, MAX_VERSION)
entries = st.builds(
    Entry,
    known=st.booleans(),
    version=versions,
    fresh_until=st.integers(0, (1 << 48) - 1),
    load_ms=st.integers(0, (1 << 32) - 1),
    codec=st.characters(min_codepoint=0x21, max_codepoint=0x7E),
    payload=st.binary(),
)


@given(entries)
def test_an_entry_survives_the_envelope(entry: Entry) -> None:
    assert unpack(pack(entry)) == entry


quick_loads = st.builds(msgspec.structs.replace, entries, load_ms=st.integers(0, 300), codec=st.just("m"))


@given(
    st.one_of(
        st.lists(st.one_of(quick_loads.map(pack), st.none()), min_size=5),
        st.lists(st.one_of(quick_loads.map(pack), entries.map(pack), st.binary(), st.none())),
    ),
    st.data(),
    st.integers(0, 40),
)
def test_the_fresh_payloads_are_what_unpacking_says(
    values: list[bytes | None], data: st.DataObject, loads: int
) -> None:
    every = [entry_in(value) for value in values]
    limits = [entry.fresh_until - entry.load_ms * loads for entry in every if entry is not None]
    near_a_limit = st.sampled_from(limits or [0]).flatmap(
        lambda limit: st.integers(max(0, limit - 2), max(0, limit + 2))
    )
    now = data.draw(st.one_of(st.integers(0, 1 << 48), near_a_limit))
    fresh = [
        entry.payload
        if entry is not None and entry.known and entry.codec == "m" and entry.fresh_until - now > entry.load_ms * loads
        else None
        for entry in every
    ]
    assert FreshPayloads(b"m", loads)(values, now) == fresh


def test_pieces_that_make_whole_headers_together_are_no_entries() -> None:
    whole = pack(Entry(known=True, version=7, fresh_until=(1 << 48) - 1, load_ms=1, codec="m", payload=b"film"))
    head = whole[:HEADER_BYTES]
    values = [head[:20], head[20:] + head[:20], head[20:], whole, whole]
    assert FreshPayloads(b"m", 0)(values, 0) == [None, None, None, b"film", b"film"]


@given(entries)
def test_the_header_has_a_fixed_width(entry: Entry) -> None:
    assert len(pack(entry)) == HEADER_BYTES + len(entry.payload)


@given(versions, versions)
def test_packed_versions_sort_as_numbers_do(one: int, other: int) -> None:
    assert (hexadecimal(one) < hexadecimal(other)) == (one < other)


@given(st.binary())
def test_any_bytes_are_an_entry_or_unreadable(data: bytes) -> None:
    try:
        entry = unpack(data)
    except UnreadableEntry:
        return
    assert pack(entry) == data


@given(entries, st.integers(0, HEADER_BYTES - 1))
def test_a_truncated_header_is_unreadable(entry: Entry, length: int) -> None:
    with pytest.raises(UnreadableEntry):
        unpack(pack(entry)[:length])


def test_another_format_is_unreadable() -> None:
    packed = pack(Entry(True, 1, 2, 3, "m", b"payload"))
    with pytest.raises(UnreadableEntry):
        unpack(b"2" + packed[1:])


@pytest.mark.parametrize("version", [-1, MAX_VERSION + 1])
def test_a_version_outside_63_bits_is_refused(version: int) -> None:
    with pytest.raises(ValueError, match="63 bits"):
        pack(Entry(True, version, 0, 0, "m", b""))


@pytest.mark.parametrize("codec", ["", "mm", " ", "é"])
def test_a_codec_is_one_printable_character(codec: str) -> None:
    with pytest.raises(ValueError, match="codec"):
        pack(Entry(True, 1, 0, 0, codec, b""))
