"""The C library's heap, where everything above half a kilobyte lies."""

from __future__ import annotations

from contextlib import suppress


def give_back() -> None:
    """Give the system back what is free in the heap: it keeps what was freed below something that stays.

    Where the C library has no `malloc_trim`, which is glibc's, nothing happens."""
    import ctypes  # some ms, which a start has no use for

    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
