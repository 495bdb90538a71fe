"""Encodings of a MAC into the vendors' id alphabets."""

from typing import Protocol


class Encoding(Protocol):
    """Turns the 32 bytes of a MAC into an id; deterministic, never a banned id."""

    def __call__(self, mac: bytes) -> str: ...
