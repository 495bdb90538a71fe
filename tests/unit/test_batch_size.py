"""Batches grow where records take little, and shrink where they take much."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.processes.batch_size import FIRST, TARGET, BatchSize


def test_it_begins_small() -> None:
    assert BatchSize(5000).records == FIRST
    assert BatchSize(7).records == 7


def test_batches_come_to_take_their_time_and_no_more_records_than_they_may() -> None:
    size = BatchSize(5000)
    for each in (0.0002, 0.004, 0.00001, 0.002):
        for _ in range(20):
            size.learn(size.records, size.records * each)
        assert size.records == pytest.approx(min(5000, TARGET / each), rel=0.02)


def test_a_record_that_takes_longer_than_a_batch_should_is_not_remembered_for_long() -> None:
    size = BatchSize(5000)
    size.learn(100, 0.02)
    size.learn(1, 50.0)
    assert size.records == 1
    batches = 0
    while size.records < 1000:
        size.learn(size.records, size.records * 0.0002)
        batches += 1
    assert batches < 30


@given(st.lists(st.tuples(st.integers(1, 5000), st.floats(0, 100)), max_size=20), st.integers(1, 10_000))
def test_it_is_in_its_bounds_whatever_is_learned(batches: list[tuple[int, float]], most: int) -> None:
    size = BatchSize(most)
    for records, seconds in batches:
        size.learn(records, seconds)
        assert 1 <= size.records <= most
