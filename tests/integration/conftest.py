"""What integration tests share beyond tests/conftest.py."""

from collections.abc import Iterator

import pytest

from tests.replays import Replays
from tests.running_weir import RunningWeir
from tests.warm_weir import WarmWeir, warm_weir


@pytest.fixture(scope="session")
def warm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WarmWeir]:
    """Weir's commands, ready at once."""
    with warm_weir(tmp_path_factory.mktemp("warm")) as warm:
        yield warm


@pytest.fixture
def replays(weir: RunningWeir, warm: WarmWeir) -> Iterator[Replays]:
    """Weir's commands on topics of the test's own."""
    yield Replays(weir, warm)
    warm.end_all()
