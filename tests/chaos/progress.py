"""How far the group is in the raw topic, also while Kafka is away."""

from contextlib import closing
from typing import Final

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import OffsetSpec
from kafka.errors import KafkaError

from tests.running_weir import RunningWeir, wait_until

#: Milliseconds that Kafka gets to answer before it counts as away.
ANSWER: Final = 5000
#: Seconds until everything must be committed after the last fault of a test.
RECOVERY: Final = 240.0


def committed_and_written(weir: RunningWeir) -> tuple[int, int] | None:
    """The sums of the group's offsets and of the raw partitions' ends; None where Kafka does not say."""
    try:
        client = KafkaAdminClient(
            bootstrap_servers=weir.bootstrap, bootstrap_timeout_ms=ANSWER, request_timeout_ms=ANSWER
        )
        with closing(client):
            (topic,) = client.describe_topics([weir.raw_topic])
            partitions = [
                TopicPartition(weir.raw_topic, each["partition_index"]) for each in topic["partitions"]
            ]
            ends = client.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.LATEST))
            offsets = client.list_group_offsets([weir.group])[weir.group]
    except (TimeoutError, KafkaError, OSError):
        return None
    committed = sum(offset.offset for offset in offsets.values() if offset.offset > 0)
    return committed, sum(end.offset for end in ends.values())


def wait_until_all_is_committed(weir: RunningWeir, seconds: float = RECOVERY) -> None:
    """Wait until the group has committed every raw record there is, whoever of its workers still runs."""

    def done() -> bool:
        progress = committed_and_written(weir)
        return progress is not None and progress[0] == progress[1]

    wait_until(done, "every raw record committed", seconds)
