"""What every batch of a worker or a replay goes by on its way to Kafka."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, NamedTuple, TypeAlias

from service.output.record_batches import Compression, HeaderList
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import DeadLettered, FailReason, Sent, Stage

Headers: TypeAlias = tuple[tuple[str, bytes], ...]

#: Bytes allowed for what Kafka adds around a record in a batch of its own: 61 of the batch, and the record's
#: own lengths and deltas (https://kafka.apache.org/documentation/#messageformat).
FRAMING: Final = 128
#: The same for a header's lengths.
_HEADER_FRAMING: Final = 10
#: Sets of headers that are remembered: one for each vendor and key version.
_HEADERS: Final = 1024


class MeasuredHeaders(NamedTuple):
    """A record's headers, and the bytes that they take at most."""

    as_list: HeaderList
    size: int


@lru_cache(_HEADERS)
def measured(headers: Headers) -> MeasuredHeaders:
    """Headers, which are the same for most records, as they are encoded."""
    size = sum(len(name.encode()) + len(value) + _HEADER_FRAMING for name, value in headers)
    return MeasuredHeaders(list(headers), size)


@dataclass(frozen=True, slots=True)
class OutputRules:
    """What is the same for every batch.

    Attributes:
        dead_letter_topic: Where dead letters go.
        policy: The policy's fingerprint.
        largest: Bytes of the largest record that every output topic takes.
        compression: Of what is written.
    """

    dead_letter_topic: str
    policy: str
    largest: int
    compression: Compression = Compression.NONE

    def within_limits(self, event: Sent) -> Sent | DeadLettered:
        """The event, or a dead letter for it where it is larger than the topics take."""
        size = FRAMING + len(event.key) + len(event.value) + measured(event.headers).size
        if size > self.largest:
            return DeadLettered(event.vendor, Stage.DELIVER, FailReason.OUTPUT_TOO_LARGE)
        return event


@dataclass(frozen=True, slots=True)
class OutputTerms:
    """The rules, and what may change between a batch's encoding and its turn: it is then encoded anew.

    Attributes:
        rules: The rules.
        partitions: How many each output topic has.
        shut: Vendors whose circuit breakers are open: dead letters take the place of their events.
    """

    rules: OutputRules
    partitions: Mapping[str, int]
    shut: frozenset[VendorName] = frozenset()
