"""What a server says when it cannot start, in a person's words."""

from __future__ import annotations

import pytest

from core.servers.diagnosis import diagnose

_LOADER = "mongod: error while loading shared libraries: {}: cannot open shared object file: No such file or directory"


@pytest.mark.parametrize(
    ("said", "reason", "remedy"),
    [
        (_LOADER.format("libcurl.so.4"), "libcurl.so.4 is missing", "apt install libcurl4"),
        (_LOADER.format("libcrypto.so.3"), "libcrypto.so.3 is missing: it needs OpenSSL 3", "libssl3"),
        (_LOADER.format("libfoo.so.1"), "libfoo.so.1 is missing", "Install the package"),
        ("/lib/libc.so.6: version `GLIBC_2.35' not found", "too old: it needs GLIBC_2.35", "newer system"),
        ("Illegal instruction (core dumped)", "(AVX)", "stay on PostgreSQL"),
        ("/x/mongod: Exec format error", "another kind of processor", "MONGO_URL"),
        ('{"s":"E","msg":"x","attr":{"error":"No space left on device"}}', "disk of the state folder is full", "Free"),
        ('{"s":"F","msg":"Wrong mongod version"}', "another version of MongoDB", "reelcache reset"),
        (
            '{"s":"I","msg":"error-free start"}\n{"s":"E","msg":"Failed to bind","attr":{"error":"[x] in use"}}\n'
            '{"s":"I","msg":"bye"}',
            "Failed to bind [x] in use",
            "",
        ),
        ("LOG: starting\nFATAL:  could not map memory\nLOG: bye", "FATAL:  could not map memory", ""),
        ("one\nlast word\n\n", "last word", ""),
        ("", "it left no word", ""),
    ],
)
def test_last_words(said: str, reason: str, remedy: str) -> None:
    found_reason, found_remedy = diagnose("mongodb", said)
    assert reason in found_reason
    assert remedy in found_remedy
