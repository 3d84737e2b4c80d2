"""The process that writes movies out for a `Writer`.

`python -m core.stores.worker mongodb|postgresql` answers each request on its standard input; both go with their length
in front. It ends when nobody asks any more, whatever became of who began it, and Ctrl-C does not reach it.
"""

from __future__ import annotations

import gc
import os
import sys

import msgspec

from core.stores.writer import LENGTH, Request, Write


def main(store: str) -> None:
    """Answer requests until there are no more."""
    write: Write
    if store == "mongodb":
        from core.stores.mongo_documents import written as write
    else:
        from core.stores.postgres_copy import written as write
    gc.disable()  # no ring is made here, and looking for some took a fifth of all the time
    decode = msgspec.msgpack.Decoder(Request).decode
    while head := sys.stdin.buffer.read(LENGTH):
        answer = write(decode(sys.stdin.buffer.read(int.from_bytes(head))))
        sys.stdout.buffer.write(len(answer).to_bytes(LENGTH))
        sys.stdout.buffer.write(answer)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except BrokenPipeError:
        os._exit(0)  # nobody waits for it any more; there is nothing to flush either
