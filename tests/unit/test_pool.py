"""The pool answers for every record, whatever a record does to its process."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from service.errors import ConfigurationError, SanitizerError
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    FailReason,
    Remark,
    Stage,
    Suppressed,
    SuppressReason,
)
from service.sanitize.pool import SanitizerConfig, SanitizerPool
from tests.running_weir import runs, wait_until

FINE = (Suppressed(VendorName.GA4, SuppressReason.CONSENT),)
REMARK = Remark(VendorName.GA4, "properties.x", "c", "keep", None)


class FaultySanitizer:
    """Does to its process what the record says."""

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        result = BatchResult([])
        for record in records:
            if record == b"kill":
                os.kill(os.getpid(), signal.SIGKILL)
            elif record == b"exit":
                os._exit(0)
            elif record == b"hang":
                time.sleep(3600)
            elif record == b"raise":
                raise ValueError(record)
            elif (
                record is not None
                and record.startswith(b"die once ")
                and not Path(record[9:].decode()).exists()
            ):
                Path(record[9:].decode()).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            result.outcomes.append(FINE)
            result.remarks[REMARK] += 1
        return result


@dataclass(frozen=True, slots=True)
class FaultyConfig(SanitizerConfig):
    def load(self) -> FaultySanitizer:  # type: ignore[override]
        if self.spacy_model == "bad policy":
            raise ConfigurationError("the policy is wrong")
        if self.spacy_model == "crash":
            os._exit(7)
        return FaultySanitizer()


def pool_of(processes: int, batch_timeout: float = 60.0, model: str = "none") -> SanitizerPool:
    return SanitizerPool(
        FaultyConfig(Path(), Path(), model), processes=processes, batch_timeout=batch_timeout
    )


@pytest.mark.parametrize("poison", [b"kill", b"exit", b"raise"])
async def test_a_poison_record_is_isolated_and_the_rest_goes_on(poison: bytes) -> None:
    pool = pool_of(1)
    await pool.start()
    try:
        result = await pool.sanitize([b"a", poison, None, b"b"])
    finally:
        await pool.stop()
    dead = (DeadLettered(None, Stage.SANITIZE, FailReason.WORKER_CRASHED),)
    assert result.outcomes == [FINE, dead, FINE, FINE]
    assert result.remarks == {REMARK: 3}


async def test_a_record_that_hangs_is_dead_lettered_as_timeout() -> None:
    pool = pool_of(1, batch_timeout=0.5)
    await pool.start()
    try:
        result = await pool.sanitize([b"a", b"hang", b"b"])
        assert pool.restarts >= 1
        again = await pool.sanitize([b"a"])
    finally:
        await pool.stop()
    assert result.outcomes == [FINE, (DeadLettered(None, Stage.SANITIZE, FailReason.TIMEOUT),), FINE]
    assert again.outcomes == [FINE]


async def test_a_record_whose_process_was_killed_from_outside_gets_another_try(tmp_path: Path) -> None:
    pool = pool_of(1)
    await pool.start()
    try:
        result = await pool.sanitize([b"die once " + bytes(tmp_path / "died")])
    finally:
        await pool.stop()
    assert result.outcomes == [FINE]
    assert pool.restarts == 1


async def test_a_wrong_configuration_is_told_as_such() -> None:
    pool = pool_of(2, model="bad policy")
    try:
        with pytest.raises(ConfigurationError, match="the policy is wrong"):
            await pool.start()
    finally:
        await pool.stop()


async def test_a_process_that_dies_while_loading_stops_the_start() -> None:
    pool = pool_of(1, model="crash")
    try:
        with pytest.raises(SanitizerError, match="exit code 7"):
            await pool.start()
    finally:
        await pool.stop()


PARENT = """
import asyncio
from tests.unit.test_pool import pool_of

async def main():
    pool = pool_of(1)
    await pool.start()
    print(pool._processes[0]._process.pid, flush=True)
    await pool.sanitize([b"hang"])

if __name__ == "__main__":
    asyncio.run(main())
"""


def test_a_process_that_hangs_ends_with_its_parent(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(PARENT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with subprocess.Popen([sys.executable, script], stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        time.sleep(0.5)  # so that it hangs in the record
        parent.kill()
    try:
        wait_until(lambda: not runs(child), "the process has ended", 10)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
