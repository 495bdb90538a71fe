"""What comes to its end, or begins, at a time known beforehand: Weir's certificate and key versions."""

import time
from collections.abc import Callable
from pathlib import Path

from cryptography import x509

from service.observability.metrics import CERTIFICATE_END, KEY_VERSION_START, NEXT_KEY_VERSION_START, Series
from service.pseudonyms.keyring import KeyRing
from service.settings import Settings


def observe_expiries(settings: Settings, keyring: Path) -> None:
    """Have the metrics tell of them. Both files as they are now: a running worker takes up no later ones."""
    if settings.tls_certificate_file is not None:
        end = certificate_end(settings.tls_certificate_file)
        CERTIFICATE_END.read_from(lambda: end)
    versions = KeyVersions(KeyRing.load(keyring))
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
    """The ids and first event times of a key ring's versions, and nothing else of it."""

    def __init__(self, keyring: KeyRing, clock: Callable[[], float] = time.time) -> None:
        self._starts = [(version.id, version.not_before) for version in keyring.versions]
        self._clock = clock

    def in_force(self) -> Series:
        """The version for events of this moment; none before the first begins."""
        begun = [version for version in self._starts if version[1] <= self._clock()]
        return {(name,): start for name, start in begun[-1:]}

    def next(self) -> Series:
        """The version that follows it."""
        coming = [version for version in self._starts if version[1] > self._clock()]
        return {(name,): start for name, start in coming[:1]}
