"""Plain aiokafka as a yardstick: record batches, a transaction for each fetch, nothing else done.

Run as a process of its own, with Weir's settings: `python -m service.bench.aiokafka_copy SINK GROUP`. Each
record goes to the same partition of the sink; the group's offsets are in the transaction, so that it is
exactly once as Weir is. It is the least that Weir's own client needs for moving the raw records unchanged.
"""

import asyncio
import sys
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer

from service.kafka_access import KafkaAccess
from service.settings import Settings, load_settings

#: Milliseconds that the consumer waits for records.
_READ_MS: Final = 200
#: Bytes of one record batch; the broker takes 1 MB.
_BATCH_BYTES: Final = 512 * 1024


async def copy(settings: Settings, sink: str, group: str) -> None:
    """Copy until the process is ended."""
    access = KafkaAccess.of(settings).for_aiokafka()
    consumer = AIOKafkaConsumer(
        settings.raw_topic,
        **access,
        group_id=group,
        isolation_level="read_committed",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_poll_records=settings.batch_records,  # as many to a transaction as Weir's
    )
    producer = AIOKafkaProducer(**access, transactional_id=group, max_batch_size=_BATCH_BYTES, linger_ms=5)
    await consumer.start()
    await producer.start()
    while True:
        found = await consumer.getmany(timeout_ms=_READ_MS)
        if not found:
            continue
        async with producer.transaction():
            for partition, records in found.items():
                builder = producer.create_batch()
                for record in records:
                    values = {"timestamp": record.timestamp, "key": record.key, "value": record.value}
                    if builder.append(**values) is None:  # full
                        await producer.send_batch(builder, sink, partition=partition.partition)
                        builder = producer.create_batch()
                        builder.append(**values)
                await producer.send_batch(builder, sink, partition=partition.partition)
            offsets = {partition: records[-1].offset + 1 for partition, records in found.items()}
            await producer.send_offsets_to_transaction(offsets, group)


if __name__ == "__main__":
    asyncio.run(copy(load_settings(), *sys.argv[1:]))
