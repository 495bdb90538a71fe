"""One version of the secret, and the vendors' keys derived from it."""

from typing import Final, NoReturn

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from service.policy.vendor_names import VendorName

KEY_BYTES: Final = 32
#: How times are written: UTC, to the second.
TIME_FORMAT: Final = "%Y-%m-%dT%H:%M:%SZ"
_CHECK_BYTES: Final = 8


def hkdf_sha256(key: bytes, *, info: bytes, length: int, salt: bytes | None = None) -> bytes:
    """HKDF with SHA-256 (RFC 5869), extract and expand."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(key)


class KeyVersion:
    """One version of the secret. Its bytes show nowhere; a destroyed one has none.

    Attributes:
        id: Its id.
        not_before: The first event time that it is for; as all times, in whole seconds since the epoch.
        vendor: The only vendor that it is for; None if it is for all.
        created: When it was made, if that is known.
        destroy_after: When nothing needs it any more, once somebody has said so.
        destroyed: When it was destroyed.
    """

    __slots__ = ("_key", "created", "destroy_after", "destroyed", "id", "not_before", "vendor")

    def __init__(
        self,
        version_id: str,
        not_before: int,
        key: bytes | None,
        *,
        vendor: VendorName | None = None,
        created: int | None = None,
        destroy_after: int | None = None,
        destroyed: int | None = None,
    ) -> None:
        """Take the secret, or None where it was destroyed."""
        assert (key is None) is (destroyed is not None)
        self.id = version_id
        self.not_before = not_before
        self.vendor = vendor
        self.created = created
        self.destroy_after = destroy_after
        self.destroyed = destroyed
        self._key = key

    def __repr__(self) -> str:
        return f"<KeyVersion {self.id}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    @property
    def secret(self) -> bytes:
        """The secret, for whoever writes a key ring."""
        assert self._key is not None, f"{self.id} was destroyed"
        return self._key

    def needed_until(self, moment: int) -> "KeyVersion":
        """The same version, that nothing needs from a time on."""
        return self._ending(self.secret, destroy_after=moment)

    def without_key(self, destroyed: int) -> "KeyVersion":
        """What is left of it when it is destroyed."""
        return self._ending(None, destroyed=destroyed)

    def _ending(self, key: bytes | None, **end: int) -> "KeyVersion":
        return KeyVersion(self.id, self.not_before, key, vendor=self.vendor, created=self.created, **end)

    def derive(self, vendor: VendorName, purpose: str) -> bytes:
        """The vendor's key for a purpose: 32 bytes, HKDF info `weir/v1/<vendor>/<purpose>`."""
        return hkdf_sha256(self.secret, info=f"weir/v1/{vendor}/{purpose}".encode(), length=KEY_BYTES)

    @property
    def check(self) -> str:
        """Tells this version from any other without telling the secret.

        The id, the first event time, 64 bits, and the vendor if it is for one.
        """
        if self.destroyed is None:
            bits = hkdf_sha256(self.secret, info=b"weir/v1/check", length=_CHECK_BYTES).hex()
        else:
            bits = "destroyed"
        return f"{self.id}:{self.not_before}:{bits}" + (f":{self.vendor}" if self.vendor else "")
