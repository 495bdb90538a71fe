"""Whatever fails, and however: no secret of an event is in a log, a metric, a header or a dead letter."""

import asyncio
import gc
import io
import json
import logging
import re
import shutil
import sys
import threading
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import structlog
from aiokafka import TopicPartition
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from prometheus_client import generate_latest

from service.demo.events import generate
from service.demo.malformed import malformed
from service.detection.detector import Detector
from service.errors import SanitizerError
from service.observability import logs
from service.observability.logs import configure_logging
from service.output.encoding import Encoding, Output
from service.output.rules import OutputRules, OutputTerms
from service.policy import load
from service.policy.vendor_names import VendorName
from service.processes.batch_size import BatchSize
from service.processes.pool import PoolLimits, SanitizerPool
from service.pseudonyms.keyring import KeyRing
from service.sanitize.outcomes import BatchResult, Sent
from service.sanitize.sanitizer import Sanitizer
from service.streaming.counts import count
from service.streaming.record_batch import RecordBatch
from tests.faulty_sanitizer import FaultyConfig
from tests.written_records import written_records

SEED = 5
POLICY = "0" * 64
#: Bytes that no record fits in, and that every record does.
NOTHING_FITS, ALL_FIT = 1, 1_000_000
KAFKA = logging.getLogger("aiokafka.consumer.fetcher")
OURS = structlog.get_logger("service.streaming.lane")

words = st.from_regex(r"[a-z]{6}[A-Z]{6}[0-9]{3}", fullmatch=True)
secrets = st.one_of(
    words,
    words.map(lambda word: f"{word}@{word}.example"),
    st.from_regex(r"[1-9][0-9]{14}", fullmatch=True),
    words.map(lambda word: f"https://{word}.example/{word}?token={word}"),
)
once_each = settings(
    max_examples=25,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # no secret is simpler than another
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@pytest.fixture(scope="module")
def leaky(config_dir: Path, keyring_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Sanitizer:
    """The reference policy with a mistake in it, which only the gate mends: Mixpanel gets a note as it is."""
    folder = tmp_path_factory.mktemp("policy")
    config = shutil.copytree(config_dir, folder / "config")
    plan, vendor = config / "tracking_plan.yaml", config / "vendors" / "mixpanel.yaml"
    for file, old, new in (
        (plan, "\nclasses:\n", "\nclasses:\n  note: What a test lets through.\n"),
        (
            plan,
            "  Feedback Submitted:\n",
            "  Feedback Submitted:\n    properties.note: {class: note, type: string, max_length: 500}\n",
        ),
        (vendor, "\nactions:\n", "\nactions:\n  note: keep\n"),
    ):
        text = file.read_text()
        assert text.count(old) == 1
        file.write_text(text.replace(old, new))
    return Sanitizer(load(config), KeyRing.load(keyring_file), Detector(spacy_model="en_core_web_sm"))


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """All that is logged, or written to stderr; repeated lines as well."""
    written = io.StringIO()
    root, raising = logging.getLogger(), logging.raiseExceptions
    before = root.handlers, root.level, sys.excepthook, threading.excepthook, sys.unraisablehook
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(logs, "REPEATED", 0.0)
    configure_logging("debug", "json")
    yield written
    root.handlers, root.level, sys.excepthook, threading.excepthook, sys.unraisablehook = before
    logging.raiseExceptions = raising
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture(scope="module")
def loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


@pytest.fixture(scope="module")
def pool(loop: asyncio.AbstractEventLoop) -> Iterator[SanitizerPool]:
    limits = PoolLimits(
        batch_timeout=0.5,
        record_timeout=0.5,
        recycle_records=100_000,
        recycle_memory=2**32,
        process_memory=2**32,
    )
    config = FaultyConfig(Path(), Path(), "none")
    pool = SanitizerPool(config, limits, processes=1, batch_size=BatchSize(500))
    loop.run_until_complete(pool.start())
    yield pool
    loop.run_until_complete(pool.stop())


def written(values: Sequence[bytes | None], result: BatchResult, largest: int, *, shut: bool) -> Output:
    """What a lane would write and count."""
    offsets = tuple(range(len(values)))
    batch = RecordBatch(TopicPartition("raw", 0), 1, None, offsets, offsets, tuple(values), 0.0)
    topics = {"dead": 1} | {
        each.topic: 2 for outcome in result.outcomes for each in outcome if isinstance(each, Sent)
    }
    held_back = frozenset(VendorName) if shut else frozenset()
    terms = OutputTerms(OutputRules("dead", POLICY, largest), topics, held_back)
    output = Encoding(terms, ("raw", 0), offsets, offsets).encode(result)
    count(batch, output, 0.1)
    return output


def assert_nowhere(secret: str, output: Output | None, log: io.StringIO) -> None:
    """The secret is in none of the side channels, in any spelling."""
    records = written_records(output.batches) if output else []
    letters = [record for record in records if record.topic == "dead"]
    headers = [header for record in records for header in record.headers]
    shown = f"{letters} {headers} {generate_latest().decode()} {log.getvalue()}".casefold()
    for part in {secret, *re.findall(r"[A-Za-z]{12}[0-9]{3}", secret)}:
        assert part.casefold() not in shown


def events_with(secret: str) -> list[bytes | None]:
    """Events that fail, or nearly, in every way known; each holds the secret."""
    spoiled = [
        event.raw and event.raw.replace(b"{", b'{"%s":"%s",' % (secret.encode(), secret.encode()), 1)
        for event in malformed(SEED).values()
    ]
    feedback = next(e.body for e in generate(500, seed=SEED) if e.body.get("event") == "Feedback Submitted")
    nested = {secret: [secret, {secret: secret}]}
    mistyped: list[dict[str, Any]] = [{**feedback, name: nested} for name in feedback]
    mistyped += [{**feedback, name: secret} for name in feedback]
    hits: list[dict[str, Any]] = [
        {**feedback, "properties": {"rating": 5, "note": f"{secret} from {secret[-6:]}@planted.com"}}
    ]
    foreign: list[dict[str, Any]] = [{**feedback, "properties": nested, secret: nested}]
    bodies = [*mistyped, *hits, *foreign]
    return [*spoiled, *(json.dumps(body, ensure_ascii=False).encode() for body in bodies)]


@once_each
@given(secret=secrets, largest=st.sampled_from([NOTHING_FITS, ALL_FIT]), shut=st.booleans())
def test_events_that_fail(leaky: Sanitizer, log: io.StringIO, secret: str, largest: int, shut: bool) -> None:
    values = events_with(secret)
    result = leaky.sanitize(values)
    output = written(values, result, largest, shut=shut)
    assert result.gate_hits
    assert any(batch.topic == "dead" for batch in output.batches)
    assert_nowhere(secret, output, log)


@once_each
@given(secret=secrets, word=st.sampled_from(["raise", "talk", "quit"]))
def test_records_that_fail_in_their_process(
    pool: SanitizerPool, loop: asyncio.AbstractEventLoop, log: io.StringIO, secret: str, word: str
) -> None:
    values = [f"{word} {secret}".encode(), secret.encode()]
    result = loop.run_until_complete(pool.sanitize(values))
    assert len(result.outcomes) == 2
    assert_nowhere(secret, written(values, result, ALL_FIT, shut=False), log)


@once_each
@given(secret=secrets)
def test_actions_that_raise(leaky: Sanitizer, log: io.StringIO, secret: str) -> None:
    """What the pool's process names of such an exception is in tests/unit/test_pool.py; here, its logs."""
    log.truncate(0)
    try:
        misuse(secret)
    except KeyError as error:
        OURS.exception("worker_failed")
        OURS.critical("worker_failed", exc_info=error)
        KAFKA.exception("Unexpected error in fetcher routine")
        KAFKA.error("raised %r in %s", error, [error])
        KAFKA.error("%(key)s", {"key": error})
        KAFKA.error(error)
        thread = threading.Thread(target=fail, args=[secret])
        thread.start()
        thread.join()
    assert len(log.getvalue().splitlines()) == 7
    assert_nowhere(secret, None, log)


def misuse(secret: str) -> None:
    """Raise an exception with the secret in its text, caused by another one."""
    try:
        json.loads("{}")[secret]
    except KeyError as error:
        raise KeyError(secret, error) from error


def fail(secret: str) -> None:
    raise SanitizerError("a process can't be started") from ValueError(secret)


class Talkative:
    """An object that says what it holds, as Faust's and aiokafka's messages do."""

    def __init__(self, value: str) -> None:
        self._value = value

    def __repr__(self) -> str:
        return self._value


@once_each
@given(secret=secrets)
def test_lines_of_libraries(loop: asyncio.AbstractEventLoop, log: io.StringIO, secret: str) -> None:
    log.truncate(0)
    number = sum(secret.encode()) * 10**12
    for level in (logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL):
        KAFKA.log(level, "send: topic=%r k=%r v=%r n=%d", secret, secret.encode(), {secret: secret}, number)
        KAFKA.log(level, "%d records, %s", secret, Talkative(secret))
        KAFKA.log(level, "%s, %r", Talkative(secret), [Talkative(secret)])
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(secret, UserWarning, stacklevel=1)

    async def forgotten(value: str) -> None:
        raise ValueError(value)

    async def main() -> None:
        loop.call_exception_handler({"message": "went wrong", "value": secret})
        task = asyncio.create_task(forgotten(secret))
        await asyncio.sleep(0)
        del task

    loop.run_until_complete(main())
    gc.collect()
    assert str(number) not in log.getvalue()
    assert len(log.getvalue().splitlines()) > 6
    assert_nowhere(secret, None, log)
