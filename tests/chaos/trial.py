"""How a test of a fault begins and ends."""

from pathlib import Path
from typing import Final

from tests.chaos.balance import balance
from tests.chaos.seeded_events import PLANTED, SeededEvents
from tests.running_weir import RunningWeir

SEED: Final = 7
PARTITIONS: Final = 4
#: Small batches make many transactions. Budgets are wide: a busy machine must not make dead letters.
SETTINGS: Final = {"WEIR_BATCH_RECORDS": "50", "WEIR_RECORD_TIMEOUT": "60", "WEIR_BATCH_TIMEOUT": "60"}


def begin(weir: RunningWeir, records: int) -> SeededEvents:
    """Create the topics and write the first records; the source of more."""
    created = weir.weir("topics", "create", "--partitions", str(PARTITIONS))
    assert created.returncode == 0, created.stderr
    events = SeededEvents(SEED)
    weir.produce(events.take(records))
    return events


def assert_exact(weir: RunningWeir, keyring_file: Path, records: int | None = None) -> None:
    """Every raw record (of so many, where the number is known) has its outcomes; no log has a value."""
    found = balance(weir, keyring_file)
    assert found.exact, found
    assert records is None or found.records == records
    assert min(found.outcomes[kind] for kind in ("sent", "suppressed", "dead-lettered")) > 0
    logs = "".join(worker.log for worker in weir.workers)
    assert "worker_starting" in logs
    assert PLANTED not in logs
