"""How the secret of a key version stands in a key ring file: as it is, or wrapped.

A key management service would be a third implementation of `KeyStorage`, whose `decode` asks it.
"""

from base64 import b64decode, b64encode
from pathlib import Path
from secrets import token_bytes
from typing import Final, NamedTuple, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from service.errors import KeyRingError
from service.events.timestamps import format_timestamp
from service.policy.vendor_names import VendorName

#: AES-256.
KEK_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class Entry(NamedTuple):
    """The version that a secret belongs to."""

    id: str
    not_before: int
    vendor: VendorName | None


class KeyStorage(Protocol):
    """Turns a secret into what the file holds, and back."""

    #: The name under which a version has it.
    member: str

    def encode(self, secret: bytes, entry: Entry) -> str:
        """What the file holds for a version's secret."""

    def decode(self, text: str, entry: Entry) -> bytes:
        """The secret.

        Raises:
            ValueError: it can't be had from this; the message says why, without content.
        """


class PlainStorage:
    """Base64: whoever can read the file has the keys."""

    member = "key"

    def encode(self, secret: bytes, entry: Entry) -> str:  # noqa: ARG002
        return b64encode(secret).decode("ascii")

    def decode(self, text: str, entry: Entry) -> bytes:  # noqa: ARG002
        try:
            return b64decode(text, validate=True)
        except ValueError:
            raise ValueError("the key is not base64") from None


class EnvelopeStorage:
    """AES-256-GCM under a key-encrypting key, bound to the version's id, first event time and vendor.

    In base64: the nonce, which is new each time, then the ciphertext and its tag.
    """

    member = "wrapped"

    def __init__(self, kek: bytes) -> None:
        """Take the key-encrypting key."""
        self._cipher = AESGCM(kek)

    @classmethod
    def load(cls, path: Path) -> "EnvelopeStorage":
        """Take the key-encrypting key from its file: 32 bytes in base64.

        Raises:
            KeyRingError: it can't be read, or holds no such key.
        """
        try:
            text = path.read_bytes().strip()
        except OSError as error:
            raise KeyRingError(f"{path}: cannot be read: {error.strerror}") from None
        try:
            kek = b64decode(text, validate=True)
        except ValueError:
            raise KeyRingError(f"{path}: is no key-encrypting key: not base64") from None
        if len(kek) != KEK_BYTES:
            raise KeyRingError(
                f"{path}: is no key-encrypting key: it has {len(kek)} bytes and needs {KEK_BYTES}"
            )
        return cls(kek)

    def encode(self, secret: bytes, entry: Entry) -> str:
        nonce = token_bytes(_NONCE_BYTES)
        return b64encode(nonce + self._cipher.encrypt(nonce, secret, _binding(entry))).decode("ascii")

    def decode(self, text: str, entry: Entry) -> bytes:
        try:
            wrapped = b64decode(text, validate=True)
        except ValueError:
            raise ValueError("the wrapped key is not base64") from None
        try:
            return self._cipher.decrypt(wrapped[:_NONCE_BYTES], wrapped[_NONCE_BYTES:], _binding(entry))
        except (InvalidTag, ValueError):
            raise ValueError(
                "the wrapped key can't be opened: the key-encrypting key is another one, or the version was "
                "changed"
            ) from None


def _binding(entry: Entry) -> bytes:
    """What the file says of a version beside its secret; none of it can be changed without the key."""
    return f"weir/v1/wrapped/{entry.id}/{format_timestamp(entry.not_before)}/{entry.vendor or ''}".encode()


PLAIN: Final[KeyStorage] = PlainStorage()


def storage_of(kek_file: Path | None) -> KeyStorage:
    """Wrapped under the key in a file; plain without one.

    Raises:
        KeyRingError: the file is missing or holds no key-encrypting key.
    """
    return PLAIN if kek_file is None else EnvelopeStorage.load(kek_file)
