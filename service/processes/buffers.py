"""Records on their way to a process: all of a batch in one buffer, so that none costs anything by itself."""

import struct
from array import array
from collections.abc import Iterator, Sequence
from typing import Final

_COUNT: Final = struct.Struct("=i")
#: The type of a length, of the machine's own order: both ends are on it.
_LENGTH: Final = "i"
#: In place of a length: there is no value.
_NULL: Final = -1


def pack(records: Sequence[bytes | None]) -> bytes:
    """The number of records, their lengths, and the records."""
    lengths = array(_LENGTH, [_NULL if record is None else len(record) for record in records])
    return b"".join((_COUNT.pack(len(records)), lengths.tobytes(), *filter(None, records)))


def unpack(buffer: bytes) -> list[bytes | None]:
    """What `pack` was given."""
    return list(_unpacked(buffer))


def _unpacked(buffer: bytes) -> Iterator[bytes | None]:
    (count,) = _COUNT.unpack_from(buffer)
    lengths = array(_LENGTH)
    begin = _COUNT.size + count * lengths.itemsize
    lengths.frombytes(buffer[_COUNT.size : begin])
    for length in lengths:
        if length == _NULL:
            yield None
        else:
            end = begin + length
            yield buffer[begin:end]
            begin = end
