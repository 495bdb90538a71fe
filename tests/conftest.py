"""What tests of several folders share: the reference policy, a key ring, the whole sanitizer."""

from pathlib import Path

import pytest

from service.detection.detector import Detector
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.pseudonyms.keyring import KeyRing, generate
from service.sanitize.sanitizer import Sanitizer

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def config_dir() -> Path:
    """The reference policy's folder."""
    return ROOT / "config"


@pytest.fixture(scope="session")
def policy(config_dir: Path) -> CompiledPolicy:
    return load(config_dir)


@pytest.fixture(scope="session")
def keyring_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keyring.json"
    generate(path)
    return path


@pytest.fixture(scope="session")
def sanitizer(policy: CompiledPolicy, keyring_file: Path) -> Sanitizer:
    """The real thing; loading its models takes a few seconds, so once."""
    return Sanitizer(policy, KeyRing.load(keyring_file), Detector(spacy_model="en_core_web_md"))
