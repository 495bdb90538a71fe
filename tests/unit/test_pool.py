"""The pool answers for every record, whatever a record does to its process."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from service.demo.events import generate
from service.errors import ConfigurationError, SanitizerError
from service.output.encoding import Encoding
from service.output.record_batches import Compression
from service.output.rules import OutputRules, OutputTerms
from service.processes import template
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.pseudonyms import key_life
from service.pseudonyms.key_version import KeyVersion
from service.pseudonyms.keyring import KeyRing
from service.sanitize.config import SanitizerConfig
from service.sanitize.outcomes import BatchResult, DeadLettered, FailReason, Stage
from service.settings import Settings
from tests.faulty_sanitizer import FINE, KEYS, MEGABYTE, REMARK, FaultyConfig
from tests.running_weir import descendants, runs, wait_until
from tests.written_records import written_records

ROOT = Path(__file__).parents[2]
CRASHED = (DeadLettered(None, Stage.SANITIZE, FailReason.WORKER_CRASHED),)
TIMED_OUT = (DeadLettered(None, Stage.SANITIZE, FailReason.TIMEOUT),)
USUAL = PoolLimits(
    batch_timeout=60.0,
    record_timeout=60.0,
    recycle_records=1_000_000,
    recycle_memory=4096 * MEGABYTE,
    process_memory=4096 * MEGABYTE,
)


def limits(
    batch_timeout: float = 60.0,
    record_timeout: float = 60.0,
    recycle_records: int = 1_000_000,
    recycle_megabytes: int = 4096,
    process_megabytes: int = 4096,
) -> PoolLimits:
    return PoolLimits(
        batch_timeout,
        record_timeout,
        recycle_records,
        recycle_megabytes * MEGABYTE,
        process_megabytes * MEGABYTE,
    )


def faulty(model: str = "none", note: Path = Path()) -> FaultyConfig:
    return FaultyConfig(Path(), note, model)


@asynccontextmanager
async def running(
    limits: PoolLimits = USUAL, config: SanitizerConfig | None = None, processes: int = 1
) -> AsyncIterator[SanitizerPool]:
    pool = SanitizerPool(config or faulty(), limits, processes=processes, batch_size=BatchSize(500))
    try:
        await pool.start()
        yield pool
    finally:
        await pool.stop()


def named(name: str, parent: int | None = None) -> list[int]:
    """The ids of the processes below one, this one if none is given, that have a name."""
    return [pid for pid, comm in descendants(parent or os.getpid()).items() if comm == name]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110 - other processes set no events
            await asyncio.sleep(0.01)


def restarts(reason: str) -> float:
    return REGISTRY.get_sample_value("weir_sanitizer_restarts_total", {"reason": reason}) or 0.0


def isolated(reason: FailReason) -> float:
    return REGISTRY.get_sample_value("weir_isolated_records_total", {"reason": reason}) or 0.0


@pytest.mark.parametrize("poison", [b"kill", b"exit", b"raise", b"quit"])
async def test_a_poison_record_is_isolated_and_the_rest_goes_on(poison: bytes) -> None:
    crashed, guilty = restarts("crashed"), isolated(FailReason.WORKER_CRASHED)
    async with running() as pool:
        result = await pool.sanitize([b"a", poison, None, b"b"])
        assert pool.alive == 1
    assert result.outcomes == [FINE, CRASHED, FINE, FINE]
    assert result.remarks == {REMARK: 3}
    assert restarts("crashed") - crashed == 3  # the batch, and two tries of the record alone
    assert isolated(FailReason.WORKER_CRASHED) - guilty == 1


@pytest.mark.parametrize("values", [[b"a", None, b"b"], [b"a", b"kill", b"b"], [b"kill"], [b"a"]])
async def test_a_batch_is_encoded_whatever_becomes_of_its_process(values: list[bytes | None]) -> None:
    terms = OutputTerms(OutputRules("dead", "policy", 1000, Compression.ZSTD), {"dead": 1})
    encoding = Encoding(terms, ("raw", 3), range(10, 10 + len(values)), range(len(values)))
    async with running() as pool:
        output = await pool.encode(values, encoding)
    poison = [position for position, value in enumerate(values) if value == b"kill"]
    assert [each.key for each in written_records(output.batches)] == [
        b"raw/3/%d" % (10 + at) for at in poison
    ]
    fine = len(values) - len(poison)
    assert output.outcomes["ga4", "suppressed", "consent"] == fine
    assert output.outcomes["all", "dead_lettered", "worker_crashed"] == len(poison)
    assert output.outcomes.total() == len(values)
    assert output.remarks.total() == fine


async def test_a_record_that_hangs_is_dead_lettered_as_timeout_in_a_batch_and_alone() -> None:
    lost = restarts("timeout")
    async with running(limits(batch_timeout=0.5, record_timeout=0.5)) as pool:
        in_batch = await pool.sanitize([b"a", b"hang", b"b"])
        alone = await pool.sanitize([b"hang"])
        after = await pool.sanitize([b"a"])
    assert in_batch.outcomes == [FINE, TIMED_OUT, FINE]
    assert alone.outcomes == [TIMED_OUT]
    assert after.outcomes == [FINE]
    assert restarts("timeout") - lost == 3  # the batch, and each time the record alone


async def test_a_slow_record_is_judged_by_its_own_budget_whatever_its_batch_takes() -> None:
    async with running(limits(batch_timeout=0.3)) as pool:
        result = await pool.sanitize([b"a", b"work 1", b"b"])
        alone = await pool.sanitize([b"work 1"])
    assert result.outcomes == [FINE, FINE, FINE]
    assert alone.outcomes == [FINE]


async def test_a_record_whose_process_was_killed_from_outside_gets_another_try(tmp_path: Path) -> None:
    crashed = restarts("crashed")
    async with running() as pool:
        result = await pool.sanitize([b"die-once " + bytes(tmp_path / "died")])
    assert result.outcomes == [FINE]
    assert restarts("crashed") - crashed == 1


async def test_what_takes_too_much_memory_is_dead_lettered() -> None:
    async with running(limits(process_megabytes=300)) as pool:
        result = await pool.sanitize([b"a", b"bomb", b"b"])
    assert result.outcomes == [FINE, CRASHED, FINE]


async def test_a_process_is_replaced_after_its_records() -> None:
    recycled = restarts("recycled_records")
    async with running(limits(recycle_records=4)) as pool:
        seen = set()
        for _ in range(4):
            seen |= set(named("weir-sanitizer"))
            assert (await pool.sanitize([b"a", b"b"])).outcomes == [FINE, FINE]
    assert len(seen) == 2
    assert restarts("recycled_records") - recycled == 2


async def test_a_process_is_replaced_when_it_has_grown() -> None:
    recycled = restarts("recycled_memory")
    async with running(limits(recycle_megabytes=300)) as pool:
        before = named("weir-sanitizer")
        assert (await pool.sanitize([b"grow 100"])).outcomes == [FINE]
        assert named("weir-sanitizer") == before
        assert (await pool.sanitize([b"grow 200"])).outcomes == [FINE]
        assert named("weir-sanitizer") != before
    assert restarts("recycled_memory") - recycled == 1


OTHER_KEYS = KeyRing((KeyVersion("k2", 0, bytes(range(32, 64))),))


async def test_keys_change_between_batches(tmp_path: Path) -> None:
    """A batch that has begun is done with the keys it began with, whoever does the rest of it."""
    died = tmp_path / "died"
    recycled = restarts("recycled_keys")
    async with running(processes=2) as pool:
        begun = asyncio.create_task(pool.sanitize([b"a", b"work 0.5", b"die-once " + bytes(died), b"b"]))
        await until(lambda: pool.oldest_work > 0)
        pool.take_keys(OTHER_KEYS)
        assert (await pool.sanitize([b"a", b"b"])).texts == {",".join(OTHER_KEYS.checks): 2}
        assert not died.exists()  # else the batch was over when the keys changed
        assert (await begun).texts == {",".join(KEYS.checks): 4}
        for _ in range(4):
            assert (await pool.sanitize([b"a"])).texts == {",".join(OTHER_KEYS.checks): 1}
        assert restarts("recycled_keys") - recycled == 2
        assert len(named("weir-template")) == 1


async def test_a_template_that_is_started_anew_has_the_keys_in_use(tmp_path: Path) -> None:
    async with running() as pool:
        pool.take_keys(OTHER_KEYS)
        assert (await pool.sanitize([b"a"])).texts == {",".join(OTHER_KEYS.checks): 1}
        os.kill(named("weir-template")[0], signal.SIGKILL)
        await until(lambda: pool.alive == 0)
        assert (await pool.sanitize([b"a"])).texts == {",".join(OTHER_KEYS.checks): 1}


async def test_a_killed_template_takes_over_no_key_ring_that_is_wrong(
    config_dir: Path, tmp_path: Path
) -> None:
    keyring_file = tmp_path / "keyring.json"
    key_life.generate(keyring_file)
    config = SanitizerConfig(config_dir, keyring_file, "en_core_web_sm")
    records: list[bytes | None] = [event.raw for event in generate(10, seed=5)]
    async with running(PoolLimits.of(Settings()), config) as pool:
        before = await pool.sanitize(records)
        keyring_file.write_text("half-written")
        os.kill(named("weir-template")[0], signal.SIGKILL)
        await until(lambda: pool.alive == 0)
        assert (await pool.sanitize(records)).outcomes == before.outcomes


async def test_a_process_that_died_while_idle_costs_no_batch() -> None:
    async with running(processes=2) as pool:
        assert pool.alive == 2
        for pid in named("weir-sanitizer"):
            os.kill(pid, signal.SIGKILL)
        await until(lambda: pool.alive == 0)
        with capture_logs() as logs:
            assert (await pool.sanitize([b"a", b"b"])).outcomes == [FINE, FINE]
        assert [line["detail"] for line in logs] == ["ended while idle"]
        assert pool.alive == 1


async def test_a_process_that_is_frozen_before_it_has_read_its_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "STALL_TIMEOUT", 1)
    async with running() as pool:
        os.kill(named("weir-sanitizer")[0], signal.SIGSTOP)
        result = await pool.sanitize([bytes(4 * MEGABYTE), b"a"])
    assert result.outcomes == [FINE, FINE]


async def test_a_killed_template_takes_nothing_along() -> None:
    async with running(processes=2) as pool:
        batches = [asyncio.create_task(pool.sanitize([b"a", b"work 1"])) for _ in range(2)]
        await until(lambda: pool.oldest_work > 0)
        os.kill(named("weir-template")[0], signal.SIGKILL)
        for batch in batches:
            assert (await batch).outcomes == [FINE, FINE]
        assert pool.alive == 2
        assert len(named("weir-template")) == 1


async def test_a_frozen_template_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "REQUEST_TIMEOUT", 1.0)
    async with running() as pool:
        frozen = named("weir-template")[0]
        os.kill(frozen, signal.SIGSTOP)
        os.kill(named("weir-sanitizer")[0], signal.SIGKILL)
        assert (await pool.sanitize([b"a"])).outcomes == [FINE]
        assert not runs(frozen)


async def test_what_does_nothing_for_long_is_held_to_hang(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(template, "STALL_TIMEOUT", 3)
    async with running() as pool:
        assert pool.oldest_work == 0
        batch = asyncio.create_task(pool.sanitize([b"freeze"]))
        await until(lambda: pool.oldest_work > 1)
        assert (await batch).outcomes == [TIMED_OUT]
        assert pool.oldest_work == 0


async def test_what_nobody_waits_for_any_more_is_not_taken_apart() -> None:
    guilty = isolated(FailReason.TIMEOUT)
    async with running(limits(record_timeout=0.5, batch_timeout=0.5)) as pool:
        unwanted = asyncio.create_task(pool.sanitize([b"hang"] * 50))
        await until(lambda: pool.oldest_work > 0)
        unwanted.cancel()
        assert (await pool.sanitize([b"a"])).outcomes == [FINE]
    assert isolated(FailReason.TIMEOUT) - guilty <= 1


async def test_a_wrong_configuration_is_told_as_such() -> None:
    with pytest.raises(ConfigurationError, match="the policy is wrong"):
        async with running(config=faulty("bad policy"), processes=2):
            pass


@pytest.mark.parametrize(
    ("model", "said"), [("crash", "exit code 7"), ("bad library", r"ValueError at faulty_sanitizer.py:\d+")]
)
async def test_a_template_that_cannot_load_stops_the_start(model: str, said: str) -> None:
    with pytest.raises(SanitizerError, match=said) as caught:
        async with running(config=faulty(model)):
            pass
    assert "planted" not in str(caught.value)


async def test_stop_ends_processes_that_hang() -> None:
    async with running() as pool:
        batch = asyncio.create_task(pool.sanitize([b"hang"]))
        await until(lambda: pool.oldest_work > 0)
    with pytest.raises(SanitizerError):
        await batch
    await until(lambda: not named("weir-sanitizer") and not named("weir-template"))


async def test_stop_does_not_wait_for_a_start() -> None:
    pool = SanitizerPool(faulty("hang"), USUAL, processes=2, batch_size=BatchSize(500))
    start = asyncio.create_task(pool.start())
    await until(lambda: len(named("weir-template")) == 1)
    await pool.stop()
    with pytest.raises(SanitizerError):
        await start
    await until(lambda: not named("weir-template"))


async def test_stop_while_the_template_is_started_anew(tmp_path: Path) -> None:
    async with running(config=faulty("hang the second time", tmp_path / "loaded"), processes=2) as pool:
        first = named("weir-template")
        os.kill(first[0], signal.SIGKILL)
        batches = [asyncio.create_task(pool.sanitize([b"a"])) for _ in range(4)]
        await until(lambda: named("weir-template") not in ([], first))
    for batch in batches:
        with pytest.raises(SanitizerError):
            await batch
    await until(lambda: not named("weir-sanitizer") and not named("weir-template"))


async def test_nothing_is_started_after_a_stop() -> None:
    async with running() as pool:
        pass
    with pytest.raises(RuntimeError):
        await pool.sanitize([b"a"])
    assert not named("weir-sanitizer")


WORKER = """
import asyncio, sys
from service.observability.logs import configure_logging
from tests.faulty_sanitizer import FaultyConfig
from tests.unit.test_pool import faulty, limits, running

configure_logging("debug", "json")

async def main():
    async with running(limits(record_timeout=0.5)) as pool:
        print("ready", flush=True)
        for line in sys.stdin.buffer:
            await pool.sanitize([line.strip()])
            print("done", flush=True)

asyncio.run(main())
"""


def processor_time(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) / os.sysconf("SC_CLK_TCK")


def worker() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-c", WORKER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )


@pytest.mark.parametrize("state", [b"hang", None], ids=["hanging", "idle"])
def test_no_process_outlives_a_killed_worker(state: bytes | None) -> None:
    with worker() as parent:
        assert parent.stdin
        assert parent.stdout
        assert parent.stdout.readline() == b"ready\n"
        below = descendants(parent.pid)
        assert sorted(below.values()) == ["weir-sanitizer", "weir-template"]
        if state:
            busy = named("weir-sanitizer", parent.pid)[0]
            used = processor_time(busy)
            parent.stdin.write(state + b"\n")
            parent.stdin.flush()
            wait_until(lambda: processor_time(busy) > used + 0.2, "the process hangs")
        parent.kill()
    try:
        wait_until(lambda: not any(map(runs, below)), "the processes have ended", 10)
    finally:
        for pid in filter(runs, below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


def test_nothing_of_a_record_is_said_outside() -> None:
    records = [b"talk planted", b"raise planted", b"quit planted", b"kill planted", b"hang planted"]
    with worker() as parent:
        out, err = parent.communicate(b"\n".join(records), timeout=120)
    assert out.count(b"done") == len(records)
    assert b"planted" not in out + err
    assert b"ValueError at faulty_sanitizer.py:" in err


async def test_killed_in_the_middle_of_its_batch_the_bytes_are_the_same(
    config_dir: Path, keyring_file: Path
) -> None:
    config = SanitizerConfig(config_dir, keyring_file, "en_core_web_sm")
    records: list[bytes | None] = [event.raw for event in generate(60, seed=4)]
    wanted: BatchResult = config.load().sanitize(records)
    crashed = restarts("crashed")
    async with running(PoolLimits.of(Settings()), config) as pool:
        batch = asyncio.create_task(pool.sanitize(records))
        await until(lambda: pool.oldest_work > 0)
        os.kill(named("weir-sanitizer")[0], signal.SIGKILL)
        result = await batch
    assert restarts("crashed") - crashed == 1
    assert (result.outcomes, result.remarks) == (wanted.outcomes, wanted.remarks)
    assert result.gate_hits == wanted.gate_hits


def test_the_worker_itself_loads_no_models() -> None:
    script = "import sys, service.streaming.worker; sys.exit('spacy' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False, timeout=120).returncode == 0
