"""The detector of the session's sanitizer: its models are loaded once."""

import pytest

from service.detection.detector import Detector
from service.sanitize.sanitizer import Sanitizer


@pytest.fixture(scope="session")
def detector(sanitizer: Sanitizer) -> Detector:
    return sanitizer._detector
