"""The demo's ledger: what became of every record for every vendor, and that nothing is missing or twice."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

import orjson

from service.demo.audit import Output
from service.demo.pipeline import Coordinates, Delivery
from service.demo.planted import SampleEvent
from service.events.decode import decode
from service.events.event import Event
from service.events.json_value import JsonObject
from service.events.timestamps import parse_timestamp
from service.policy.plan import CompiledPolicy
from service.policy.vendor_names import VendorName
from service.sanitize.outcomes import SuppressReason
from service.sanitize.routing import why_not
from service.vendors.registry import FORMS


class DeadLetter(NamedTuple):
    """What a dead letter says."""

    stage: str
    reason: str


#: A payload that was sent, or why there is none.
Ending: TypeAlias = JsonObject | SuppressReason | DeadLetter


@dataclass(slots=True)
class Ledger:
    """Every outcome.

    Attributes:
        sent: Records delivered, by vendor.
        suppressed: Events rightly withheld, by vendor and reason.
        dead_lettered: Dead letters, by vendor; those without a vendor stand for all of them.
        unaccounted: Pairs of record and vendor without exactly one outcome; must be 0.
        endings: For each event (by its timestamp) and vendor what became of it.
    """

    sent: Counter[VendorName] = field(default_factory=Counter)
    suppressed: Counter[tuple[VendorName, SuppressReason]] = field(default_factory=Counter)
    dead_lettered: Counter[tuple[VendorName | None, DeadLetter]] = field(default_factory=Counter)
    unaccounted: int = 0
    endings: dict[tuple[int, VendorName], Ending] = field(default_factory=dict)


def event_time(vendor: VendorName, payload: JsonObject) -> int:
    """The event time that a vendor's payload carries, in whole seconds since the epoch."""
    match vendor:
        case VendorName.MIXPANEL:
            properties = payload["properties"]
            assert isinstance(properties, dict)
            return int(str(properties["time"]))
        case VendorName.AMPLITUDE:
            return int(str(payload["time"])) // 1000
        case VendorName.GA4:
            return int(str(payload["timestamp_micros"])) // 1_000_000
        case VendorName.POSTHOG | VendorName.SEGMENT:
            return parse_timestamp(str(payload["timestamp"]))


@dataclass(frozen=True, slots=True)
class Books:
    """The ledger and the records it was written from, each beside the event it belongs to."""

    ledger: Ledger
    outputs: list[Output]


def balance(
    inputs: Sequence[tuple[SampleEvent, Coordinates]], deliveries: Iterable[Delivery], policy: CompiledPolicy
) -> Books:
    """Hold everything that came out against everything that went in.

    Why a vendor rightly got nothing of an event is not written to any topic: it is asked of the same rules
    that the worker follows.
    """
    mail = _Mail(policy)
    for delivery in deliveries:
        mail.sort(delivery)
    ledger = Ledger()
    events: dict[int, SampleEvent] = {}
    for event, coordinates in inputs:
        decoded = decode(event.raw)
        if isinstance(decoded, Event):
            events[event.timestamp] = event
        for_all = mail.letters[coordinates, None]
        ledger.dead_lettered.update((None, letter) for letter in for_all)
        for plan in policy.vendors:
            own = mail.letters[coordinates, plan.vendor]
            ledger.dead_lettered.update((plan.vendor, letter) for letter in own)
            endings: list[Ending] = [*for_all, *own]
            if isinstance(decoded, Event):
                sent = mail.payloads[event.timestamp, plan.vendor]
                ledger.sent[plan.vendor] += len(sent)
                endings += sent
                reason = why_not(decoded, plan, FORMS[plan.vendor])
                if reason is not None:
                    ledger.suppressed[plan.vendor, reason] += 1
                    endings.append(reason)
            ledger.unaccounted += len(endings) != 1
            if isinstance(decoded, Event) and len(endings) == 1:
                ledger.endings[event.timestamp, plan.vendor] = endings[0]
    outputs = [
        Output(None if moment is None else events.get(moment), delivery.key, delivery.value, delivery.headers)
        for delivery, moment in mail.sorted
    ]
    return Books(ledger, outputs)


class _Mail:
    """What came out, sorted by what it belongs to."""

    def __init__(self, policy: CompiledPolicy) -> None:
        self._vendors = {plan.topic: plan.vendor for plan in policy.vendors}
        self.payloads: defaultdict[tuple[int, VendorName], list[JsonObject]] = defaultdict(list)
        self.letters: defaultdict[tuple[Coordinates, VendorName | None], list[DeadLetter]] = defaultdict(list)
        #: Every delivery with the event time it carries; None for a dead letter.
        self.sorted: list[tuple[Delivery, int | None]] = []

    def sort(self, delivery: Delivery) -> None:
        value: JsonObject = orjson.loads(delivery.value or b"{}")
        vendor = self._vendors.get(delivery.topic)
        moment = None if vendor is None else event_time(vendor, value)
        self.sorted.append((delivery, moment))
        if vendor is not None and moment is not None:
            self.payloads[moment, vendor].append(value)
            return
        coordinates = Coordinates(int(str(value["partition"])), int(str(value["offset"])))
        about = None if value["vendor"] is None else VendorName(str(value["vendor"]))
        self.letters[coordinates, about].append(DeadLetter(str(value["stage"]), str(value["reason"])))
