"""How movies, windows and histograms travel as bytes: msgpack behind the codec letter of the entry's envelope."""

from __future__ import annotations

from typing import Final

import msgspec

from core.model import Movie
from core.query import ValueCount
from core.stores.base import Window

CODEC: Final = "1"
"""The letter that names this encoding. Entries under another letter are misses."""

_encoder = msgspec.msgpack.Encoder()
encode_movie = _encoder.encode
decode_movie = msgspec.msgpack.Decoder(Movie).decode
encode_window = _encoder.encode
decode_window = msgspec.msgpack.Decoder(Window).decode
encode_counts = _encoder.encode
decode_counts = msgspec.msgpack.Decoder(tuple[ValueCount, ...]).decode
