"""Keyed pseudonyms of one vendor under one key version."""

import hashlib
from collections.abc import Callable
from typing import Final, NoReturn, Protocol

from service.pseudonyms.encodings import Encoding

_BLOCK: Final = 64
_INNER_PAD: Final = bytes(byte ^ 0x36 for byte in range(256))
_OUTER_PAD: Final = bytes(byte ^ 0x5C for byte in range(256))


class Pseudonymizer(Protocol):
    """HMAC-SHA256 under the vendor's derived keys of one key version."""

    key_version: str

    def mac(self, *, purpose: str, data_class: str) -> Callable[[bytes], bytes]: ...

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
        self._contexts: dict[tuple[str, str], _Hmac] = {}

    def __repr__(self) -> str:
        return f"<KeyedPseudonymizer {self.key_version}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    def pseudonym(self, value: str | int, *, purpose: str, data_class: str, encoding: Encoding) -> str:
        """The pseudonym of a value of a class, in the encoding; any string at all is taken."""
        return encoding(self.mac(purpose=purpose, data_class=data_class)(message(value)))

    def mac(self, *, purpose: str, data_class: str) -> Callable[[bytes], bytes]:
        """The MAC behind the pseudonyms of a class, of values as `message` gives them."""
        context = self._contexts.get((purpose, data_class))
        if context is None:
            name = data_class.encode()
            context = self._contexts[purpose, data_class] = _Hmac(
                self._derive(purpose), len(name).to_bytes(2) + name
            )
        return context.mac


def message(value: str | int) -> bytes:
    """A value as it enters its MAC."""
    return str(value).encode("utf-8", "surrogatepass")


class _Hmac:
    """HMAC-SHA256 (RFC 2104) under one key, of messages that begin alike.

    Written out, as copying two hashes takes a third of what the hmac module takes to copy its context.
    """

    __slots__ = ("_inner", "_outer")

    def __init__(self, key: bytes, beginning: bytes) -> None:
        """Take a key of at most one block, 64 bytes."""
        assert len(key) <= _BLOCK
        block = key.ljust(_BLOCK, b"\0")
        self._inner = hashlib.sha256(block.translate(_INNER_PAD) + beginning)
        self._outer = hashlib.sha256(block.translate(_OUTER_PAD))

    def mac(self, rest: bytes) -> bytes:
        """The MAC of the beginning and the rest."""
        inner = self._inner.copy()
        inner.update(rest)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.digest()
