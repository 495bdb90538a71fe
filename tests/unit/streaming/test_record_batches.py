"""Cutting fetched records into batches, and the backlog that bounds them."""

from typing import NamedTuple

from aiokafka import TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from service.streaming.backlog import BATCHES_IN_ALL, BATCHES_PER_LANE, Backlog
from service.streaming.record_batch import RecordBatch, split


class Record(NamedTuple):
    value: bytes | None


records = st.lists(st.none() | st.binary(max_size=50), max_size=60).map(
    lambda found: [Record(v) for v in found]
)


@given(records, st.integers(1, 20), st.integers(1, 120))
def test_split_keeps_order_and_both_limits(found: list[Record], most: int, most_bytes: int) -> None:
    runs = list(split(found, most, most_bytes))
    assert [record for run in runs for record in run] == found
    for run in runs:
        assert 1 <= len(run) <= most
        assert len(run) == 1 or sum(len(record.value or b"") for record in run) <= most_bytes


def batch(partition: int, size: int, assignment: int = 1) -> RecordBatch:
    return RecordBatch(TopicPartition("raw", partition), assignment, None, (0,), (0,), (b"x" * size,), 0.0)


def test_a_full_lane_is_held_back_until_a_batch_is_done() -> None:
    both = {TopicPartition("raw", 0), TopicPartition("raw", 1)}
    backlog = Backlog(1000)
    backlog.begin(1)
    for _ in range(BATCHES_PER_LANE):
        assert backlog.open(both) == both
        backlog.add(batch(0, 1))
    assert backlog.open(both) == {TopicPartition("raw", 1)}
    backlog.done(batch(0, 1))
    assert backlog.open(both) == both


def test_bytes_hold_back_every_lane() -> None:
    backlog = Backlog(1000)
    backlog.begin(1)
    for partition in range(BATCHES_IN_ALL):
        backlog.add(batch(partition, 1000))
    assert backlog.open({TopicPartition("raw", 99)}) == set()
    backlog.done(batch(0, 1000))
    assert backlog.open({TopicPartition("raw", 99)}) == {TopicPartition("raw", 99)}


def test_a_new_assignment_starts_from_nothing() -> None:
    backlog = Backlog(1000)
    backlog.begin(1)
    old = [batch(0, 900) for _ in range(BATCHES_IN_ALL)]
    for each in old:
        backlog.add(each)
    backlog.begin(2)
    assert backlog.open({old[0].source}) == {old[0].source}
    backlog.add(batch(0, 10, assignment=2))
    for each in old:  # their ends come late, and count for nothing
        backlog.done(each)
    for _ in range(BATCHES_PER_LANE - 1):
        backlog.add(batch(0, 10, assignment=2))
    assert backlog.open({old[0].source}) == set()
