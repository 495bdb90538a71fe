"""Events at a steady rate, whatever becomes of them: an open loop, so that a slow Weir slows nobody down.

Run as a process of its own, with Weir's settings: `python -m service.bench.paced_load RATE MIX SAMPLE COUNT`
sends COUNT events, of SAMPLE made up ones again and again. Each raw record bears the time at which it was to
be sent; where the sender is late, what waits on it counts as latency
(https://github.com/giltene/wrk2#acknowledgements, "coordinated omission").
"""

import sys
import time
from typing import Final

import orjson
from kafka import KafkaProducer

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


def send(settings: Settings, rate: int, mix: Mix, sample: int, count: int) -> None:
    """Send, and say on stdout when it began and how late it was."""
    events = [(event.key, event.raw) for event in generate(sample, seed=SEED, mix=mix)]
    producer = KafkaProducer(**KafkaAccess.of(settings).for_kafka_python(), linger_ms=_LINGER_MS, acks="all")
    producer.partitions_for(settings.raw_topic)  # so that the first event does not wait for it
    begun = time.time() + _HEAD_START
    _say(event="begun", at=begun)
    sent, latest = 0, 0.0
    failed: list[BaseException] = []
    while sent < count:
        now = time.time()
        due = min(count, int((now - begun) * rate) + 1)
        for number in range(sent, due):
            intended = begun + number / rate
            latest = max(latest, time.time() - intended)
            key, value = events[number % sample]
            future = producer.send(
                settings.raw_topic, key=key, value=value, timestamp_ms=int(intended * 1000)
            )
            future.add_errback(failed.append)
        sent = max(sent, due)
        time.sleep(_TICK)
    producer.flush()
    _say(event="finished", sent=sent, failed=len(failed), late=latest, seconds=time.time() - begun)
    producer.close()


def _say(**entry: object) -> None:
    sys.stdout.buffer.write(orjson.dumps(entry) + b"\n")
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    send(load_settings(), int(sys.argv[1]), Mix(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
