"""What tests of several folders share: the reference policy, a key ring, the whole sanitizer, Kafka."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.broker.local import use_broker
from service.detection.detector import Detector
from service.policy import load
from service.policy.plan import CompiledPolicy
from service.pseudonyms.key_life import generate
from service.pseudonyms.keyring import KeyRing
from service.sanitize.sanitizer import Sanitizer
from tests.running_weir import RunningWeir, running_weir

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


@pytest.fixture(scope="session")
def bootstrap() -> Iterator[str]:
    """A real Kafka, started for the session unless WEIR_KAFKA_BOOTSTRAP names one."""
    with use_broker() as address:
        yield address


@pytest.fixture
def weir(
    request: pytest.FixtureRequest, bootstrap: str, tmp_path: Path, config_dir: Path, keyring_file: Path
) -> Iterator[RunningWeir]:
    """Topics and a group of the test's own, and Weir's commands on them."""
    name = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")
    with running_weir(name, bootstrap, tmp_path, config_dir, keyring_file) as running:
        yield running
