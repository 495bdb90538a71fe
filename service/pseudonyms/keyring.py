"""The key ring: which version of the keys is for which vendor at which event time.

Key bytes never show in a repr, a log line or an error, and a key ring is never pickled.
"""

from bisect import bisect_right
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NoReturn

from service.policy.vendor_names import VendorName
from service.pseudonyms.key_storage import PLAIN, storage_of
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring_file import encode, parse, read
from service.pseudonyms.pseudonymizer import KeyedPseudonymizer

#: Names a key ring that came from no file, in errors that cannot be.
_HANDED_OVER: Final = Path("keys")


class KeyRing:
    """The key versions in the order of their event times."""

    def __init__(self, versions: tuple[KeyVersion, ...]) -> None:
        """Take versions that are in order; `load` checks that."""
        self.versions = versions
        self._starts = sorted({version.not_before for version in versions})
        self._pseudonymizers: dict[tuple[VendorName, str], KeyedPseudonymizer] = {}

    def __repr__(self) -> str:
        return f"<KeyRing {', '.join(version.id for version in self.versions)}>"

    def __reduce__(self) -> NoReturn:
        raise TypeError("keys are not pickled: each process loads the key ring from its file")

    @classmethod
    def load(cls, path: Path, kek_file: Path | None = None) -> "KeyRing":
        """Read and check a key ring file; wrapped under the key in another file, if that is given.

        Raises:
            KeyRingError: naming every mistake, one a line, and never what the file holds.
        """
        return cls(parse(path, read(path), storage_of(kek_file)))

    @classmethod
    def unpack(cls, content: bytes) -> "KeyRing":
        """The key ring that was packed."""
        return cls(parse(_HANDED_OVER, content, PLAIN))

    def pack(self) -> bytes:
        """The key ring with its keys, for a process of this worker; for no file, pickle or log."""
        return encode(self.versions, PLAIN)

    @property
    def checks(self) -> tuple[str, ...]:
        """Tell this key ring from any other without telling secrets."""
        return tuple(version.check for version in self.versions)

    @property
    def spans(self) -> int:
        """How many spans of event time there are: within one, the same version is in force for a vendor."""
        return len(self._starts) + 1

    def span_at(self, timestamp: int) -> int:
        """The number of an event time's span; 0 before the first version."""
        return bisect_right(self._starts, timestamp)

    def versions_of(self, vendor: VendorName) -> tuple[KeyVersion, ...]:
        """The versions that are for a vendor at some event time: its own, and those for all."""
        return tuple(version for version in self.versions if version.vendor in (None, vendor))

    def version_at(self, vendor: VendorName, timestamp: int) -> KeyVersion | None:
        """The version for a vendor at an event time, destroyed or not; None before the first.

        Of those that are for the vendor and have begun, the one that has begun last.
        """
        begun = [each for each in self.versions_of(vendor) if each.not_before <= timestamp]
        return begun[-1] if begun else None

    def end_of(self, version: KeyVersion) -> int | None:
        """The first event time that a version is not for any more; None where no other follows."""
        following = (None,) if version.vendor is None else (None, version.vendor)
        later = [
            each.not_before
            for each in self.versions
            if each.not_before > version.not_before and each.vendor in following
        ]
        return min(later, default=None)

    def pseudonymizer(self, vendor: VendorName, timestamp: int) -> KeyedPseudonymizer | None:
        """The vendor's pseudonymizer for an event time, None where there is no key for it."""
        version = self.version_at(vendor, timestamp)
        return None if version is None or version.destroyed is not None else self.under(version, vendor)

    def under(self, version: KeyVersion, vendor: VendorName) -> KeyedPseudonymizer:
        """The vendor's pseudonymizer under a version that is not destroyed."""
        pseudonymizer = self._pseudonymizers.get((vendor, version.id))
        if pseudonymizer is None:
            pseudonymizer = KeyedPseudonymizer(version.id, lambda purpose: version.derive(vendor, purpose))
            self._pseudonymizers[vendor, version.id] = pseudonymizer
        return pseudonymizer

    def broken_promises(self, earlier: "KeyRing", oldest_start: int) -> Sequence[str]:
        """Why it may not take the place of an earlier key ring while that is in use; empty if it may.

        Every version of the earlier one must be there as it was, or destroyed. A new one may not begin before
        `oldest_start`: it would be for events that went out under another.
        """
        here = {version.id: version for version in self.versions}
        broken = []
        for version in earlier.versions:
            now = here.pop(version.id, None)
            if now is None:
                broken.append(f"{version.id} is gone")
            elif (now.not_before, now.vendor) != (version.not_before, version.vendor) or (
                now.destroyed is None and now.check != version.check
            ):
                broken.append(f"{version.id} is another one")
        broken += [
            f"{version.id} is new and begins in the past"
            for version in here.values()
            if version.not_before < oldest_start
        ]
        return broken
