"""No log line of any level holds a value of an event."""

import json
import subprocess
import sys

SCRIPT = """
import asyncio
import gc
import logging
import structlog
from service.errors import BrokerError
from service.observability.logs import configure_logging

configure_logging("debug", "json")
for library in ("aiokafka.producer.producer", "faust.transport.consumer", "mode.worker", "kafka.conn"):
    logging.getLogger(library).debug("send key=%r", b"planted")
    logging.getLogger(library).info("v=%r", "planted")
    logging.getLogger(library).warning("slow %d", 7)
log = structlog.get_logger("service.streaming.lane")
log.debug("ours", partition=3)
try:
    {}["planted"]
except KeyError:
    log.exception("failed")
    logging.getLogger("faust").exception("failed there")
logging.getLogger("faust").error("raised: %r", ValueError("planted"))

async def forgotten():
    raise ValueError("planted")

async def main():
    asyncio.create_task(forgotten())
    await asyncio.sleep(0)

asyncio.run(main())
gc.collect()
try:
    raise BrokerError("no Kafka answers")
except BrokerError as error:
    log.critical("ended", exc_info=error)
"""


def test_libraries_are_held_to_warnings_and_exceptions_to_their_class() -> None:
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True, timeout=60
    )
    assert not done.stdout
    assert "planted" not in done.stderr
    lines = [json.loads(line) for line in done.stderr.splitlines()]
    assert [line["event"] for line in lines] == [
        *["slow 7"] * 4,
        "ours",
        "failed",
        "failed there",
        "raised: 'ValueError'",
        "Task exception was never retrieved",
        "ended",
    ]
    assert lines[4]["partition"] == 3
    assert lines[5]["exception"] == lines[6]["exception"] == "KeyError"
    assert any("<string>" in place for place in lines[5]["at"])
    assert lines[9]["message"] == "no Kafka answers"
