"""Kafka's record batches as the sanitizer's processes make them: what a consumer reads of them, and where."""

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from service.output.record_batches import Compression, TopicBatches
from service.output.rules import FRAMING, OutputRules, measured
from service.policy.vendor_names import VendorName
from service.processes.buffers import pack, unpack
from service.sanitize.outcomes import DeadLettered, FailReason, Sent, Stage
from tests.written_records import written_records

LARGEST = 2_000
HEADERS = [("weir-key", b"k1"), ("weir-note", "Zoë".encode())]

records = st.lists(st.tuples(st.binary(max_size=20), st.binary(max_size=900)), max_size=40)


@given(records, st.integers(1, 7), st.sampled_from(Compression))
def test_each_partition_has_its_records_in_order(
    found: list[tuple[bytes, bytes]], partitions: int, compression: Compression
) -> None:
    batches = TopicBatches(
        "topic", partitions, most_bytes=LARGEST, compression=compression, timestamp=1_772_431_200_000
    )
    for key, value in found:
        batches.add(key, value, HEADERS)
    encoded = list(batches.encoded())
    numbers = list(range(partitions))
    theirs = [DefaultPartitioner()(key, numbers, numbers) for key, _ in found]
    for partition in numbers:
        assert [
            (each.key, each.value, list(each.headers))
            for each in written_records(encoded)
            if each.partition == partition
        ] == [(*each, HEADERS) for each, at in zip(found, theirs, strict=True) if at == partition]
    assert all(len(batch.data) <= LARGEST for batch in encoded)


def test_compression_takes_bytes_away() -> None:
    sizes = {}
    for compression in Compression:
        batches = TopicBatches("topic", 1, most_bytes=100_000, compression=compression, timestamp=0)
        for number in range(50):
            batches.add(b"key", b'{"number": %d}' % number, HEADERS)
        (batch,) = batches.encoded()
        sizes[compression] = len(batch.data)
    plain = sizes.pop(Compression.NONE)
    assert all(size < plain / 2 for size in sizes.values())


def test_the_largest_record_that_is_let_through_fits_a_batch_of_its_own() -> None:
    rules = OutputRules("dead", "policy", LARGEST)
    headers = tuple(HEADERS)
    room = LARGEST - FRAMING - measured(headers).size - len(b"key")
    fits, over = (Sent(VendorName.GA4, "topic", b"key", bytes(size), headers) for size in (room, room + 1))
    assert rules.within_limits(fits) is fits
    assert rules.within_limits(over) == DeadLettered(
        VendorName.GA4, Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE
    )
    batches = TopicBatches("topic", 1, most_bytes=LARGEST, compression=Compression.NONE, timestamp=0)
    batches.add(b"key", fits.value, list(headers))
    (batch,) = batches.encoded()
    assert len(batch.data) <= LARGEST


@given(st.lists(st.none() | st.binary(max_size=30), max_size=20))
def test_records_come_out_of_their_buffer_as_they_went_in(found: list[bytes | None]) -> None:
    assert unpack(pack(found)) == found


@pytest.mark.parametrize("compression", Compression)
def test_no_batch_grows_by_its_compression(compression: Compression) -> None:
    random = bytes(number * number * 7919 % 251 for number in range(1_500))
    batches = TopicBatches("topic", 1, most_bytes=LARGEST, compression=compression, timestamp=0)
    batches.add(b"key", random, [])
    (batch,) = batches.encoded()
    assert len(batch.data) <= len(random) + FRAMING
