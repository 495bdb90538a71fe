"""A sanitizer that does to its process what a record says. It imports little: each template pays for that."""

import logging
import os
import re
import signal
import sys
import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from service.errors import ConfigurationError
from service.policy.vendor_names import VendorName
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import BatchResult, Remark, Suppressed, SuppressReason

KEYS = KeyRing((KeyVersion("k1", 0, bytes(range(32))),))
FINE = (Suppressed(VendorName.GA4, SuppressReason.CONSENT),)
REMARK = Remark(VendorName.GA4, "properties.x", "c", "keep", None)
MEGABYTE = 2**20


class FaultySanitizer:
    def __init__(self, keyring: KeyRing) -> None:
        self._kept: list[bytearray] = []
        self._keyring = keyring

    def take_keys(self, keyring: KeyRing) -> None:
        self._keyring = keyring

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        result = BatchResult([])
        for record in records:
            self._suffer(record or b"")
            result.outcomes.append(FINE)
            result.remarks[REMARK] += 1
            result.texts[",".join(self._keyring.checks)] += 1
        return result

    def _suffer(self, record: bytes) -> None:  # noqa: C901, PLR0912 - a list of cases
        word, _, rest = record.partition(b" ")
        match word:
            case b"kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case b"exit":
                os._exit(0)
            case b"freeze":
                time.sleep(3600)
            case b"hang":  # and holds the interpreter lock: no Python code runs, in no thread
                re.match(r"(a+)+$", "a" * 60 + "b")
            case b"work":
                end = time.process_time() + float(rest)
                while time.process_time() < end:
                    pass
            case b"raise":
                raise ValueError(record)
            case b"quit":
                sys.exit(rest.decode())
            case b"bomb":
                while True:
                    self._kept.append(bytearray(MEGABYTE))
            case b"grow":
                self._kept.append(bytearray(b"x" * int(rest) * MEGABYTE))
            case b"talk":
                sys.stdout.write(rest.decode())
                sys.stderr.write(rest.decode())
                os.write(2, rest)
                warnings.warn(rest.decode(), stacklevel=1)
                logging.getLogger("library").error("%s", rest)
            case b"die-once" if not Path(rest.decode()).exists():
                Path(rest.decode()).touch()
                os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class FaultyConfig(SanitizerConfig):
    """What was sanitized is counted in `texts`, by the keys it was with.

    `spacy_model` says how loading goes; `keyring_file` is where it notes that it has loaded once.
    """

    def load_keyring(self) -> KeyRing:
        return KEYS

    def load(self, keyring: KeyRing | None = None) -> FaultySanitizer:  # type: ignore[override]
        match self.spacy_model:
            case "bad policy":
                raise ConfigurationError("the policy is wrong")
            case "bad library":
                raise ValueError("planted")
            case "crash":
                os._exit(7)
            case "hang":
                time.sleep(3600)
            case "hang the second time":
                if self.keyring_file.exists():
                    time.sleep(3600)
                self.keyring_file.touch()
        return FaultySanitizer(keyring or KEYS)
