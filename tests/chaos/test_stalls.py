"""A worker without a broker ends in the time that is set; one with work never sleeps a second of Faust's."""

import json
import sys
from typing import Final

import pytest

from service.broker.local import LocalBroker
from service.demo.events import Mix, generate
from tests.running_weir import PATIENCE, RunningWeir, Worker, wait_until

pytestmark = [pytest.mark.enable_socket, pytest.mark.broker]

#: A worker that says when Faust's consumer sleeps a second: where it has no partition to fetch from.
SLEEPLESS: Final = """
import sys
from service.settings import load_settings
from service.streaming.transport import BatchConsumer
from service.streaming.worker import run

sleep = BatchConsumer.sleep

async def telling(self, seconds, **options):
    if seconds == 1:
        sys.stderr.write("slept a second\\n")
    await sleep(self, seconds, **options)

BatchConsumer.sleep = telling
run(load_settings())
"""

#: A worker whose consumer stops fetching when it has its partitions, as an error in aiokafka would have it.
FETCHLESS: Final = """
from aiokafka.consumer.fetcher import Fetcher
from service.settings import load_settings
from service.streaming.worker import run

actions = Fetcher._get_actions_per_node

def fail(self, assignment):
    if any(source.topic.endswith(".raw") for source in assignment.tps):
        raise RuntimeError("planted")
    return actions(self, assignment)

Fetcher._get_actions_per_node = fail
run(load_settings())
"""


def refusal(worker: Worker, path: str) -> str:
    """What a probe answers when it is not well; nothing while it is."""
    try:
        answer = worker.get(path)
    except OSError:
        assert worker.process.wait(PATIENCE) == 3
        return ""
    return answer if "BAD" in answer else ""


def test_a_frozen_broker(weir_on_own_broker: RunningWeir, own_broker: LocalBroker) -> None:
    weir = weir_on_own_broker
    assert weir.weir("topics", "create", "--partitions", "2").returncode == 0
    worker = weir.start(WEIR_STALL_TIMEOUT="12")
    worker.wait_for("worker_ready")
    wait_until(lambda: not refusal(worker, "/readyz"), "it is ready")
    own_broker.freeze()
    complaint = "BAD broker: does not answer\n"
    wait_until(lambda: complaint in refusal(worker, "/readyz"), "it is not ready any more")
    assert worker.process.wait(PATIENCE) == 3
    end = json.loads(worker.log.splitlines()[-1])
    assert (end["event"], end["exception"], end["exit_code"]) == ("worker_failed", "StallError", 3)
    assert end["message"].endswith("s: broker does not answer")


def test_a_consumer_that_fetches_no_more(weir: RunningWeir) -> None:
    """Faust would wait for its records for ever, in good standing with the group."""
    assert weir.weir("topics", "create", "--partitions", "1").returncode == 0
    worker = weir.start((sys.executable, "-c", FETCHLESS))
    assert worker.process.wait(PATIENCE) == 3
    assert "the consumer fetches no more: KafkaError" in worker.log
    assert "planted" not in worker.log


def test_no_sleep_of_a_second_while_there_is_work(weir: RunningWeir) -> None:
    """Neither under load, nor in a spare worker that gets its first partition."""
    assert weir.weir("topics", "create", "--partitions", "1").returncode == 0
    command = (sys.executable, "-c", SLEEPLESS)
    workers = [weir.start(command, WEIR_BATCH_RECORDS="20") for _ in range(2)]
    for worker in workers:
        worker.wait_for("worker_ready")
    without = '"partitions": []'
    wait_until(lambda: any(without in worker.log for worker in workers), "one of them is spare")
    owner, spare = sorted(workers, key=lambda worker: without in worker.log)
    values = [event.raw for event in generate(1000, seed=7, mix=Mix.STRUCTURED)]
    weir.produce([(None, value) for value in values])
    weir.wait_for_commits(500)
    assert owner.stop() == 0
    spare.wait_for('"partitions": [0]')
    weir.wait_for_commits(1000)
    assert spare.stop() == 0
    assert "slept a second" not in owner.log + spare.log
