"""Which partition a key goes to: as Java's clients do it, so that all producers agree."""

from functools import lru_cache
from typing import Final

from aiokafka.partitioner import murmur2

#: Keys whose hash is remembered: most are users' pseudonyms, which come again, and the hash is slow.
HASHES: Final = 65_536


@lru_cache(HASHES)
def key_hash(key: bytes) -> int:
    """Java's hash of a key; its remainder by the number of partitions is the key's partition."""
    return int(murmur2(key)) & 0x7FFFFFFF
