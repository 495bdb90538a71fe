"""What became of a record: exactly one outcome for each vendor, or one for all of them."""

from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from service.events.event import RejectReason
from service.policy.vendor_names import VendorName
from service.vendors.form import ShapeReason


class Stage(StrEnum):
    """Where on its way an event was stopped."""

    DECODE = "decode"
    TRANSFORM = "transform"
    SHAPE = "shape"
    GATE = "gate"
    SANITIZE = "sanitize"  # somewhere between decode and gate: its process died, hung or failed
    DELIVER = "deliver"


class SuppressReason(StrEnum):
    """Why a vendor rightly gets nothing of an event."""

    CONSENT = "consent"
    INTEGRATION = "integration"
    EVENT_NOT_ALLOWED = "event_not_allowed"
    CALL_TYPE = "call_type"
    TOO_OLD_FOR_VENDOR = "too_old_for_vendor"  # in a replay only: the vendor would give it a wrong time


class FailReason(StrEnum):
    """Why an event that should have gone out is dead-lettered, besides decode's and shape's own reasons."""

    NO_KEY_FOR_TIME = "no_key_for_time"
    KEY_DESTROYED = "key_destroyed"
    WORKER_CRASHED = "worker_crashed"
    TIMEOUT = "timeout"
    OUTPUT_TOO_LARGE = "output_too_large"
    BREAKER_OPEN = "breaker_open"


DeadLetterReason: TypeAlias = RejectReason | ShapeReason | FailReason


class Sent(NamedTuple):
    """The record for a vendor's topic, byte for byte."""

    vendor: VendorName
    topic: str
    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]


class Suppressed(NamedTuple):
    """The vendor rightly gets nothing."""

    vendor: VendorName
    reason: SuppressReason


class DeadLettered(NamedTuple):
    """The event can't go out, to one vendor or (vendor None) to any."""

    vendor: VendorName | None
    stage: Stage
    reason: DeadLetterReason


Outcome: TypeAlias = Sent | Suppressed | DeadLettered

#: The outcomes of one record: one for each vendor of the policy, in its order, or a single DeadLettered
#: without a vendor that stands for all of them.
RecordOutcomes: TypeAlias = tuple[Outcome, ...]


class Remark(NamedTuple):
    """What was done to a field, never to what. `entity` is None where the whole value was refused."""

    vendor: VendorName
    path: str
    data_class: str
    action: str
    entity: str | None


class GateHit(NamedTuple):
    """Something personal that only the gate found."""

    vendor: VendorName
    path: str
    family: str


@dataclass(slots=True)
class BatchResult:
    """The outcomes of a batch, in the order of its records, and counts of what was done.

    `texts` counts the texts searched, by where the result came from. `failed_self_checks` counts payloads
    that were refused only because they were held against the whole schema: a defect of Weir.
    """

    outcomes: list[RecordOutcomes]
    remarks: Counter[Remark] = field(default_factory=Counter)
    gate_hits: Counter[GateHit] = field(default_factory=Counter)
    texts: Counter[str] = field(default_factory=Counter)
    failed_self_checks: int = 0
