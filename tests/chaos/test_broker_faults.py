"""A single Kafka node that dies or stops in the middle of transactions."""

import signal
import time
from pathlib import Path
from typing import Final

import pytest

from service.broker.local import LocalBroker
from tests.chaos.orchestrator import Orchestrator, is_stopped, stricken
from tests.chaos.progress import RECOVERY, wait_until_all_is_committed
from tests.chaos.trial import SETTINGS, assert_exact, begin
from tests.running_weir import RunningWeir, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

RECORDS: Final = 4000
#: Seconds: more than a session (6), and a transaction (5) with the pause between two looks at it (10).
FROZEN: Final = 20


def test_killed_and_restarted_in_a_transaction(
    weir_on_own_broker: RunningWeir, own_broker: LocalBroker, keyring_file: Path
) -> None:
    """The worker waits before its commit meanwhile, and goes on with it."""
    weir = weir_on_own_broker
    begin(weir, RECORDS)
    worker = weir.start(stricken("SIGSTOP", "before commit_transaction 4"), **SETTINGS)
    wait_until(lambda: is_stopped(worker.process.pid), "the worker stops before a commit", RECOVERY)
    own_broker.kill()
    worker.process.send_signal(signal.SIGCONT)
    own_broker.restart()
    own_broker.wait_until_ready()
    with Orchestrator(weir, 1, **SETTINGS):  # beside it: whether it goes on or ends is its own decision
        wait_until_all_is_committed(weir)
    assert_exact(weir, keyring_file, RECORDS)


@pytest.mark.chaos
def test_frozen_for_longer_than_transactions_and_sessions(
    weir_on_own_broker: RunningWeir, own_broker: LocalBroker, keyring_file: Path
) -> None:
    weir = weir_on_own_broker
    begin(weir, RECORDS)
    with Orchestrator(weir, 2, **SETTINGS, WEIR_TRANSACTION_TIMEOUT="5") as fleet:
        weir.wait_for_commits(RECORDS // 8)
        own_broker.freeze()
        time.sleep(
            20
        )  # the fault itself: session 6 s, transaction 5 s, and the broker's look at them each 10 s
        own_broker.thaw()
        wait_until_all_is_committed(weir)
    assert set(fleet.exit_codes) <= {0, 3}
    assert_exact(weir, keyring_file, RECORDS)
