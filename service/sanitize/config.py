"""What a sanitizer is loaded from."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from service.detection.profile import Profile
from service.policy.vendor_names import VendorName

if TYPE_CHECKING:
    from service.sanitize.sanitizer import Sanitizer


#: Of so many events one has its payloads held against the schemas as a whole, unless told otherwise.
SELF_CHECK: Final = 1_000


@dataclass(frozen=True, slots=True)
class SanitizerConfig:
    """Where a process finds what it loads. Keys and models are loaded there, never sent to it."""

    config_dir: Path
    keyring_file: Path
    spacy_model: str
    detection_profile: str = Profile.BALANCED
    vendors: frozenset[VendorName] = frozenset(VendorName)
    self_check: int = SELF_CHECK

    def load(self) -> "Sanitizer":
        """Build the sanitizer from the files.

        Raises:
            ConfigurationError: if the policy or the key ring is wrong.
        """
        # Imported here, in the process that needs them: spaCy and Presidio take seconds and 400 MB.
        from service.detection.detector import Detector  # noqa: PLC0415
        from service.policy import load  # noqa: PLC0415
        from service.pseudonyms.keyring import KeyRing  # noqa: PLC0415
        from service.sanitize.sanitizer import Sanitizer  # noqa: PLC0415

        policy = load(self.config_dir).only(self.vendors)
        keyring = KeyRing.load(self.keyring_file)
        detector = Detector(self.spacy_model, Profile(self.detection_profile))
        return Sanitizer(policy, keyring, detector, self_check=self.self_check)
