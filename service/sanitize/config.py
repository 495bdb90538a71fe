"""What a sanitizer is loaded from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.detection.profile import Profile
from service.policy.vendor_names import VendorName

if TYPE_CHECKING:
    from service.pseudonyms.keyring import KeyRing
    from service.sanitize.sanitizer import Sanitizer


#: Of so many events one has its payloads held against the schemas as a whole, unless told otherwise.
SELF_CHECK: Final = 1_000


@dataclass(frozen=True, slots=True)
class SanitizerConfig:
    """Where a process finds what it loads. Models are loaded there, never sent to it."""

    config_dir: Path
    keyring_file: Path
    spacy_model: str
    detection_profile: str = Profile.BALANCED
    vendors: frozenset[VendorName] = frozenset(VendorName)
    self_check: int = SELF_CHECK
    kek_file: Path | None = None

    def load_keyring(self) -> "KeyRing":
        """Read the key ring.

        Raises:
            KeyRingError: if it is wrong.
        """
        from service.pseudonyms.keyring import KeyRing  # noqa: PLC0415

        return KeyRing.load(self.keyring_file, self.kek_file)

    def load(self, keyring: "KeyRing | None" = None) -> "Sanitizer":
        """Build the sanitizer from the files; with other keys than the file's where these are given.

        Raises:
            ConfigurationError: if the policy or the key ring is wrong.
        """
        # Imported here, in the process that needs them: spaCy and Presidio take seconds and 400 MB.
        from service.detection.detector import Detector  # noqa: PLC0415
        from service.policy import load  # noqa: PLC0415
        from service.sanitize.sanitizer import Sanitizer  # noqa: PLC0415

        policy = load(self.config_dir).only(self.vendors)
        keys = keyring or self.load_keyring()
        detector = Detector(self.spacy_model, Profile(self.detection_profile))
        return Sanitizer(policy, keys, detector, self_check=self.self_check)
