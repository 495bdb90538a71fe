"""Which partition a key goes to: as Java's clients do it, so that all producers agree."""

import struct
from functools import lru_cache
from typing import Final

#: Keys whose hash is remembered: most are users' pseudonyms, which come again, and the hash is slow.
HASHES: Final = 65_536

_SEED: Final = 0x9747B28C
_FACTOR: Final = 0x5BD1E995
_WORD: Final = 0xFFFFFFFF
_BYTES: Final = 4  # of a word


@lru_cache(HASHES)
def key_hash(key: bytes) -> int:
    """Java's hash of a key; its remainder by the number of partitions is the key's partition."""
    return murmur2(key) & 0x7FFFFFFF


def murmur2(key: bytes) -> int:
    """The 32-bit MurmurHash2 with Kafka's seed, unsigned: `Utils.murmur2` of Kafka's Java clients.

    aiokafka's takes each byte for itself, and twice as long.
    """
    whole, rest = divmod(len(key), _BYTES)
    found = _SEED ^ len(key)
    for word in struct.unpack_from(f"<{whole}I", key):
        mixed = word * _FACTOR & _WORD
        mixed ^= mixed >> 24
        found = (found * _FACTOR ^ mixed * _FACTOR) & _WORD
    if rest:
        found ^= int.from_bytes(key[-rest:], "little")
        found = found * _FACTOR & _WORD
    found ^= found >> 13
    found = found * _FACTOR & _WORD
    return found ^ found >> 15
