"""Keyed pseudonyms of one vendor under one key version."""

from typing import Protocol

from service.pseudonyms.encodings import Encoding


class Pseudonymizer(Protocol):
    """HMAC-SHA256 under the vendor's derived keys of one key version."""

    key_version: str

    def pseudonym(self, value: str | int, *, purpose: str, data_class: str, encoding: Encoding) -> str: ...
