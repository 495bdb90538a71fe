"""Keyed pseudonyms of one vendor under one key version."""

import hmac
from collections.abc import Callable
from typing import NoReturn, Protocol

from service.pseudonyms.encodings import Encoding


class Pseudonymizer(Protocol):
    """HMAC-SHA256 under the vendor's derived keys of one key version."""

    key_version: str

    def pseudonym(self, value: str | int, *, purpose: str, data_class: str, encoding: Encoding) -> str: ...


class KeyedPseudonymizer:
    """The Pseudonymizer of the key ring.

    A pseudonym is HMAC-SHA256(key, len(class) || class || value), the length in two bytes, so that values of
    two classes never agree and no class and value can be mistaken for another pair. Numbers enter as their
    decimal digits: `42` and `"42"` agree.
    """

    def __init__(self, key_version: str, derive: Callable[[str], bytes]) -> None:
        """Take the key version's id and the derivation of the vendor's key for a purpose."""
        self.key_version = key_version
        self._derive = derive
        self._contexts: dict[tuple[str, str], hmac.HMAC] = {}

    def __repr__(self) -> str:
        return f"<KeyedPseudonymizer {self.key_version}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    def pseudonym(self, value: str | int, *, purpose: str, data_class: str, encoding: Encoding) -> str:
        """The pseudonym of a value of a class, in the encoding; any string at all is taken."""
        context = self._contexts.get((purpose, data_class))
        if context is None:
            name = data_class.encode()
            context = hmac.new(self._derive(purpose), len(name).to_bytes(2) + name, "sha256")
            self._contexts[purpose, data_class] = context
        mac = context.copy()  # spares the key schedule and the class, which every value shares
        mac.update(str(value).encode("utf-8", "surrogatepass"))
        return encoding(mac.digest())
