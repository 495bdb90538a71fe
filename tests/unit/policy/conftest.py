"""The reference policy, and copies of it to break."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from service.policy import load
from service.policy.mistakes import PolicyMistakesError
from service.policy.plan import CompiledPolicy

CONFIG = Path(__file__).parents[3] / "config"


@pytest.fixture(scope="session")
def reference() -> CompiledPolicy:
    return load(CONFIG)


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the reference policy that a test may change."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


@pytest.fixture
def mistakes(config: Path) -> Callable[[], list[str]]:
    """What is wrong with the copy, its folder left out of the places."""

    def found() -> list[str]:
        try:
            load(config)
        except PolicyMistakesError as error:
            return [str(mistake).removeprefix(f"{config}/") for mistake in error.mistakes]
        return []

    return found
