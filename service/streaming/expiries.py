"""What comes to its end, or begins, at a time known beforehand: Weir's certificate and key versions."""

import time
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from service.observability.metrics import CERTIFICATE_END, KEY_VERSION_START, NEXT_KEY_VERSION_START, Series
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.settings import Settings


def observe_expiries(settings: Settings, keyring: Callable[[], KeyRing]) -> None:
    """Have the metrics tell of them.

    Of the certificate as it is now, for a running worker takes up no later one; of the keys in use.
    """
    if settings.tls_certificate_file is not None:
        end = certificate_end(settings.tls_certificate_file)
        CERTIFICATE_END.read_from(lambda: end)
    versions = KeyVersions(keyring)
    KEY_VERSION_START.read_from(versions.in_force)
    NEXT_KEY_VERSION_START.read_from(versions.next)


def certificate_end(file: Path) -> Series:
    """The last moment of the certificate that stands first in a file (PEM), which is Weir's own."""
    try:
        own, *_ = x509.load_pem_x509_certificates(file.read_bytes())
    except ValueError:  # OpenSSL, which has taken it, is not as strict
        return {}
    return {(): own.not_valid_after_utc.timestamp()}


class KeyVersions:
    """The ids and first event times of the keys in use, for each vendor, and nothing else of them."""

    def __init__(self, keyring: Callable[[], KeyRing], clock: Callable[[], float] = time.time) -> None:
        self._keyring = keyring
        self._clock = clock

    def in_force(self) -> Series:
        """Each vendor's version for events of this moment; none where there is no key for them."""
        keyring, now = self._keyring(), int(self._clock())
        found = ((vendor, keyring.version_at(vendor, now)) for vendor in VendorName)
        return {
            (vendor.value, version.id): version.not_before
            for vendor, version in found
            if version is not None and version.destroyed is None
        }

    def next(self) -> Series:
        """The version that follows it."""
        keyring, now = self._keyring(), self._clock()
        coming: dict[tuple[str, ...], float] = {}
        for vendor in VendorName:
            later = (version for version in keyring.versions_of(vendor) if version.not_before > now)
            for version in sorted(later, key=lambda version: version.not_before)[:1]:
                coming[vendor.value, version.id] = version.not_before
        return coming
