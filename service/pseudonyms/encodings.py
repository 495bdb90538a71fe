"""Encodings of a MAC into the id alphabets that the vendors take.

Each takes the first bytes of the 32-byte MAC, as many as the form has room for. All have a fixed pattern that
no vendor's list of banned ids (`0`, `-1`, `null`, `anonymous`, `none`, the all-zero UUID, ...) can match.
"""

import re
from typing import Final, Protocol

_ALPHANUMERIC: Final = re.compile(r"w[0-9a-f]{32}")
_POSITIVE_INT64: Final = 2**63 - 1
# Sixteen consonants, one for each four bits: no digit that could pass for a number, no vowel to make words.
_TAG_LETTERS: Final = str.maketrans("0123456789abcdef", "bcdfghjkmnpqrstv")


class Encoding(Protocol):
    """Turns the 32 bytes of a MAC into an id; deterministic, never a banned id."""

    def __call__(self, mac: bytes) -> str: ...


def alphanumeric(mac: bytes) -> str:
    """128 bits as 33 characters: a `w`, then 32 hexadecimal digits in lower case.

    The leading letter marks an id as Weir's and keeps it from ever being a number. Within Mixpanel's 36
    characters of `[A-Za-z0-9-]` and Amplitude's minimum of five.
    """
    return "w" + mac[:16].hex()


def uuid8(mac: bytes) -> str:
    """122 bits as a UUID of version 8, the version for an application's own bits (RFC 9562, section 5.8)."""
    digits = mac[:16].hex()
    variant = "89ab"[mac[8] >> 4 & 0b11]  # the bits 10, then two of the MAC's (RFC 9562, section 4.1)
    return f"{digits[:8]}-{digits[8:12]}-8{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def number_pair(mac: bytes) -> str:
    """Two positive 63-bit numbers joined by a dot, the form of a Google Analytics client id.

    126 bits: Google documents no upper bound, and a number that fits a signed 64-bit integer survives every
    tool that reads one.
    """
    first, second = int.from_bytes(mac[:8]), int.from_bytes(mac[8:16])
    return f"{1 + first % _POSITIVE_INT64}.{1 + second % _POSITIVE_INT64}"


def text_tag(mac: bytes) -> str:
    """48 bits as twelve consonants, for `<PERSON:…>` inside a text: short enough to read on.

    Within one vendor two of a million persons share a tag with a probability of 1 in 560; a tag tells the
    persons in a text apart, it is not an id to join on.
    """
    return mac[:6].hex().translate(_TAG_LETTERS)


def number_pair_of(pseudonym: str) -> str | None:
    """The `number_pair` of the MAC behind an `alphanumeric` pseudonym, or None if it is none.

    For the events whose only id is the user's, where Google Analytics wants a client id all the same.
    """
    if not _ALPHANUMERIC.fullmatch(pseudonym):
        return None
    return number_pair(bytes.fromhex(pseudonym[1:]))
