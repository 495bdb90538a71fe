"""Events at a steady rate, whatever becomes of them: an open loop, so that a slow Weir slows nobody down.

Run as a process of its own, with Weir's settings: `python -m service.bench.paced_load RATE MIX SAMPLE COUNT`
sends COUNT events, of SAMPLE made up ones again and again. Each raw record bears the time at which it was to
be sent; where the sender is late, what waits on it counts as latency
(https://github.com/giltene/wrk2#acknowledgements, "coordinated omission").
"""

import asyncio
import math
import sys
import time
from typing import Any, Final

import orjson
from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from service.demo.events import Mix, generate
from service.kafka_access import KafkaAccess
from service.settings import Settings, load_settings

SEED: Final = 1
#: Seconds between two looks at what is due.
_TICK: Final = 0.005
#: Milliseconds that the producer waits for a batch to fill, as a product's own would.
_LINGER_MS: Final = 5
#: Seconds from the ready sample to the first event.
_HEAD_START: Final = 0.5


async def send(settings: Settings, rate: int, mix: Mix, sample: int, count: int) -> None:
    """Send, and say on stdout when it began and how late it was."""
    events = generate(sample, seed=SEED, mix=mix)
    producer = AIOKafkaProducer(**KafkaAccess.of(settings).for_aiokafka(), linger_ms=_LINGER_MS, acks="all")
    await producer.start()
    partitions = sorted(await producer.partitions_for(settings.raw_topic))
    # Hashed beforehand: while it sends, this process is to take little of the machine.
    ready = [(partitions[_hash(each.key) % len(partitions)], each.key, each.raw) for each in events]
    del events
    begun = time.time() + _HEAD_START
    _say(event="begun", at=begun)
    sent, latest, failed = 0, 0.0, 0

    def note(future: asyncio.Future[Any]) -> None:
        nonlocal failed
        failed += future.exception() is not None

    while sent < count:
        due = min(count, math.floor((time.time() - begun) * rate) + 1)
        for number in range(sent, due):
            intended = begun + number / rate
            latest = max(latest, time.time() - intended)
            partition, key, value = ready[number % sample]
            future = await producer.send(
                settings.raw_topic,
                key=key,
                value=value,
                partition=partition,
                timestamp_ms=int(intended * 1000),
            )
            future.add_done_callback(note)
        sent = max(sent, due)
        await asyncio.sleep(_TICK)
    await producer.flush()
    _say(event="finished", sent=sent, failed=failed, late=latest, seconds=time.time() - begun)
    await producer.stop()


def _hash(key: bytes) -> int:
    """As Java's producers spread keys over partitions."""
    return int(murmur2(key)) & 0x7FFFFFFF


def _say(**entry: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(entry) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    asyncio.run(send(load_settings(), int(sys.argv[1]), Mix(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
