"""No log line of any level holds a value of an event, and none floods the log."""

import json
import subprocess
import sys
from typing import Any

SETUP = """
import asyncio
import gc
import logging
import structlog
import threading
import warnings
from service.errors import BrokerError
from service.observability import logs
from service.observability.logs import configure_logging

configure_logging("debug", "json")
log = structlog.get_logger("service.streaming.lane")
faust = logging.getLogger("faust")
"""

VALUES = """
for library in ("aiokafka.producer.producer", "faust.transport.consumer", "mode.worker", "kafka.conn"):
    logging.getLogger(library).debug("send key=%r", b"planted")
    logging.getLogger(library).info("v=%r", "planted")
    logging.getLogger(library).warning("slow %d", 7)
log.debug("ours", partition=3)
try:
    {}["planted"]
except KeyError:
    log.exception("failed")
    faust.exception("failed there")
faust.error("raised: %r", ValueError("planted"))
faust.error("in a list: %s", [ValueError("planted")])
faust.error("by name: %(what)s", {"what": "planted"})
faust.error("bytes %r, text %s, number %d", b"planted", "planted", 41111111111111)
faust.error("place %.4f", 48.858370)
faust.error(ValueError("planted"))
warnings.warn("planted", UserWarning, stacklevel=1)

async def forgotten():
    raise ValueError("planted")

async def main():
    asyncio.create_task(forgotten())
    await asyncio.sleep(0)

asyncio.run(main())
gc.collect()
thread = threading.Thread(target=lambda: {}["planted"])
thread.start()
thread.join()

class Unraisable:
    def __del__(self):
        raise RuntimeError("planted")

del [Unraisable()][0]
try:
    raise BrokerError("no Kafka answers")
except BrokerError as error:
    log.critical("ended", exc_info=error)
raise ValueError("planted")
"""

REPEATS = """
for number in range(5):
    log.warning("transaction_failed", partition=number, error="NotEnoughReplicasError")
log.warning("transaction_failed", partition=7, error="RequestTimedOutError")
log.info("partitions_assigned", partitions=[1])
log.info("partitions_assigned", partitions=[2])
for number in range(5):
    faust.error("Failed fetch messages from %s: %s", number, ConnectionError("planted"))
logs.REPEATED = 0.0
log.warning("transaction_failed", partition=8, error="NotEnoughReplicasError")
faust.error("Failed fetch messages from %s: %s", 9, ConnectionError("planted"))
faust.error("Failed fetch messages from %s: %s", 9, ConnectionError("planted"))
logs.REPEATED = 10.0
for number in range(3 * logs.KINDS):
    faust.error(f"made of {number} parts")
"""


def run(script: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", SETUP + script], capture_output=True, text=True, check=False, timeout=60
    )


def lines_of(done: "subprocess.CompletedProcess[str]") -> list[dict[str, Any]]:
    assert not done.stdout
    assert "planted" not in done.stderr
    return [json.loads(line) for line in done.stderr.splitlines()]


def test_libraries_are_held_to_warnings_without_values_and_exceptions_to_their_class() -> None:
    done = run(VALUES)
    assert done.returncode == 1
    lines = lines_of(done)
    assert [line["event"] for line in lines] == [
        *["slow 7"] * 4,
        "ours",
        "failed",
        "failed there",
        "raised: '<ValueError>'",
        "in a list: <list>",
        "by name: <str>",
        "bytes %r, text %s, number %d",
        "place 49.0000",
        "<ValueError>",
        "<string>:32: UserWarning",
        "Task exception was never retrieved",
        "uncaught_exception",
        "uncaught_exception",
        "ended",
        "uncaught_exception",
    ]
    assert lines[4]["partition"] == 3
    assert lines[5]["exception"] == lines[6]["exception"] == "KeyError"
    assert any("<string>" in place for place in lines[5]["at"])
    assert [line["exception"] for line in lines[-5:]] == [
        "ValueError",
        "KeyError",
        "RuntimeError",
        "BrokerError",
        "ValueError",
    ]
    assert lines[-2]["message"] == "no Kafka answers"


def test_what_repeats_is_counted() -> None:
    lines = lines_of(run(REPEATS))
    head = [(line["event"], line.get("partition"), line.get("repeated")) for line in lines[:7]]
    assert head == [
        ("transaction_failed", 0, None),
        ("transaction_failed", 7, None),
        ("partitions_assigned", None, None),
        ("partitions_assigned", None, None),
        ("Failed fetch messages from 0: <ConnectionError>", None, None),
        ("transaction_failed", 8, 4),
        ("Failed fetch messages from 9: <ConnectionError>", None, 4),
    ]
    assert lines[7]["event"] == lines[6]["event"]
    assert "repeated" not in lines[7]
    assert len(lines) > 3000
