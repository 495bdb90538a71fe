"""What an event went through: kept by `Sanitizer.trace` for an explanation, never by the worker."""

from collections.abc import Mapping
from dataclasses import dataclass

from service.actions.action import RefusedType
from service.detection.entity_rules import Explanation
from service.events.event import Event
from service.events.json_value import JsonValue
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import GateHit, RecordOutcomes


@dataclass(frozen=True, slots=True, repr=False)
class ScannedText:
    """A text of a field that was searched for some vendors.

    Attributes:
        field: The field's dotted path.
        text: The text.
        judged: What became of each finding, by the vendors that it became so for.
    """

    field: str
    text: str
    judged: Mapping[tuple[VendorName, ...], Explanation]


@dataclass(frozen=True, slots=True, repr=False)
class Trace:
    """An event's way.

    Attributes:
        event: The event.
        outcomes: What became of it, one for each vendor.
        gate_hits: What only the gate found, and how often.
        applied: By vendor and field, what the vendor's action made of the value.
        texts: The texts that were searched.
    """

    event: Event
    outcomes: RecordOutcomes
    gate_hits: Mapping[GateHit, int]
    applied: Mapping[VendorName, Mapping[str, JsonValue | RefusedType]]
    texts: tuple[ScannedText, ...]
