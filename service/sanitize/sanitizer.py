"""The way of an event, from a raw record to its outcome for each vendor: a pure function.

decode -> route -> detect -> transform -> gate -> shape. No Kafka, no clock, no I/O: the worker, the
`sanitize` command, the tests and the benchmarks all call `Sanitizer.sanitize`.

What the policy says is compiled into plans before (plan_compiler.py): code written for a kind of event gives
each field to its columns (collector.py, columns.py), and what these made of the fields is filled into every
vendor's template (payload_template.py).
"""

import gc
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from operator import attrgetter
from typing import Final, NamedTuple, TypeAlias
from zlib import crc32

import orjson

from service.actions.action import Action, ActionContext, RefusedType
from service.actions.registry import build
from service.detection.detector import Detector, language_hint
from service.detection.entity_rules import EntityRules
from service.detection.known_values import KnownValues, probed
from service.detection.spans import Span, TextRequest
from service.events.decode import decode
from service.events.event import Event, Rejection
from service.events.json_value import JsonValue
from service.events.paths import MISSING, lookup
from service.policy.plan import CompiledPolicy, VendorPlan
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.pseudonyms.pseudonymizer import Pseudonymizer
from service.sanitize.collector import Scans
from service.sanitize.columns import Cell, KeyVersion, ScanColumn, encoded
from service.sanitize.config import SELF_CHECK
from service.sanitize.event_plan import Destination, EventLayout, EventPlan, Route
from service.sanitize.gate import Gate
from service.sanitize.identity_tree import IdentityTree
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    FailReason,
    GateHit,
    Outcome,
    RecordOutcomes,
    Sent,
    Stage,
)
from service.sanitize.payload_template import PayloadTemplate
from service.sanitize.plan_compiler import Plans
from service.sanitize.trace import ScannedText, Trace
from service.vendors.form import ShapeReason

Headers = tuple[tuple[str, bytes], ...]

_LOCALE: Final = ("context", "locale")
_noted = attrgetter("noted")

#: A column whose texts may have to be searched, its field's value and, where nothing has to be searched, what
#: becomes of it.
_Scan: TypeAlias = tuple[ScanColumn, JsonValue, Cell | None]


class _Version(NamedTuple):
    """The keys of a span of event time.

    Attributes:
        keys: The vendors' versions of the keys.
        headers: The headers of each vendor's records under them.
        keyless: What becomes of events for the vendors that have no key.
    """

    keys: KeyVersion
    headers: tuple[Headers, ...]
    keyless: Mapping[VendorName, DeadLettered]

    def route(self, route: Route) -> Route:
        """The way of an event that is on it only to vendors that have a key."""
        if not self.keyless:
            return route
        outcomes = [*route.outcomes]
        for _, destination in route.going:
            outcomes[destination.place] = self.keyless.get(destination.plan.vendor)
        return Route(
            tuple(outcomes),
            tuple(each for each in route.going if each[1].plan.vendor not in self.keyless),
        )


class _Journey:
    """An event on its way.

    Attributes:
        record: The record.
        event: The event in it.
        plan: Its kind.
        route: Where it goes.
        version: The keys for its time.
        identities: Where to look for its identity values.
        hint: What its locale says of the language of its texts.
        cells: What became of its fields.
        scans: What may have to be searched.
        findings: Everything found in each text that was searched, by the text.
        settled: The spans that stand by the rules of some vendors, by the text.
    """

    __slots__ = (
        "_known",
        "cells",
        "event",
        "findings",
        "hint",
        "identities",
        "plan",
        "record",
        "route",
        "scans",
        "settled",
        "version",
    )

    def __init__(
        self,
        record: bytes,
        event: Event,
        *,
        plan: EventPlan,
        version: _Version,
        identities: IdentityTree,
    ) -> None:
        self.record = record
        self.event = event
        self.plan = plan
        self.route = version.route(plan.route(event.body))
        self.version = version
        self.identities = identities
        self.hint: str | None = None
        self.cells: list[Cell] = []
        self.scans: list[_Scan] = []
        self.findings: dict[str, tuple[Span, ...]] = {}
        self.settled: dict[EntityRules, dict[str, tuple[Span, ...]]] = {}
        self._known: KnownValues | None = None

    @property
    def known(self) -> KnownValues:
        """Its own identity values. Not looked for before they are asked for: many events never do."""
        if self._known is None:
            self._known = KnownValues(self.identities.walk(self.event.body, self.record))
        return self._known

    @property
    def waits(self) -> bool:
        """Whether a text has to be searched first."""
        return any(cell is None for _, _, cell in self.scans)

    def may_hold_known(self, text: str) -> bool:
        """Whether an identity value of the event may stand in a text."""
        seen = probed((text,))
        return bool(seen) and self.known.may_stand_in((seen,))

    def spans(self, rules: EntityRules) -> dict[str, tuple[Span, ...]]:
        """The spans of each text that stand by a vendor's rules; made once for all vendors with the same."""
        settled = self.settled.get(rules)
        if settled is None:
            settled = {text: rules.settle(text, found) for text, found in self.findings.items()}
            self.settled[rules] = settled
        return settled


class Sanitizer:
    """The compiled policy, the keys and the models, ready to sanitize batches of records."""

    def __init__(
        self, policy: CompiledPolicy, keyring: KeyRing, detector: Detector, *, self_check: int = SELF_CHECK
    ) -> None:
        """Compile the policy.

        Args:
            policy: What each vendor may get.
            keyring: The keys.
            detector: The models.
            self_check: Of so many events one is held against the vendors' schemas as a whole, whatever is
                known of others that look like it; 0 for none.
        """
        self._policy = policy
        self._keyring = keyring
        self._detector = detector
        self._self_check = self_check
        self._plans = Plans(policy)
        self._identities = IdentityTree(policy.identity_fields)
        self._versions: list[_Version | None] = [None] * keyring.spans

    def take_keys(self, keyring: KeyRing) -> None:
        """Go on with other keys, from the next batch on."""
        self._keyring = keyring
        self._versions = [None] * keyring.spans

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        """The outcomes of every record, in order.

        Not meant to raise for anything a record holds; where it does, the pool finds the record and
        dead-letters it.
        """
        result = BatchResult([])
        with _no_collections():
            self._sanitize(records, result)
        return result

    def _sanitize(self, records: Sequence[bytes | None], result: BatchResult) -> None:
        outcomes: list[RecordOutcomes] = []
        waiting: list[tuple[int, _Journey]] = []
        for place, record in enumerate(records):
            start = self._start(record)
            if isinstance(start, Rejection):
                outcomes.append((DeadLettered(None, Stage.DECODE, start.reason),))
            elif start.waits:
                waiting.append((place, start))
                outcomes.append(())
            else:
                # At once, as long as the event's values are near the processor.
                outcomes.append(self._finish(start, result))
        self._search([(journey, text) for _, journey in waiting for text in _texts(journey)])
        for place, journey in waiting:
            outcomes[place] = self._finish(journey, result)
        result.outcomes = outcomes
        result.texts = self._detector.take_counts()

    def trace(self, record: bytes) -> Rejection | Trace:
        """What one record goes through, for an explanation: `sanitize` gives the same outcomes."""
        journey = self._start(record)
        if isinstance(journey, Rejection):
            return journey
        event = journey.event
        journey.hint = language_hint(lookup(event.body, _LOCALE))
        texts: dict[tuple[str, str], dict[EntityRules, list[VendorName]]] = {}
        steps: list[tuple[VendorPlan, str, Action, JsonValue]] = []
        # Every way that is not closed, be it for want of a key.
        going = journey.plan.route(event.body).going
        for _, destination in going:
            plan = destination.plan
            for rule in plan.rules(event.call, event.name) or ():
                value = lookup(event.body, rule.path)
                if value is MISSING or value is None:
                    continue
                action = build(rule, destination.form.encoding)
                steps.append((plan, rule.dotted, action, value))
                for text in dict.fromkeys(action.texts(value)):
                    judges = texts.setdefault((rule.dotted, text), {})
                    judges.setdefault(self._plans.rules[plan.entities], []).append(plan.vendor)
        # All of them, also those of which it is known what becomes.
        self._search([(journey, text) for text in dict.fromkeys(text for _, text in texts)])
        applied: dict[VendorName, dict[str, JsonValue | RefusedType]] = {
            destination.plan.vendor: {} for _, destination in going
        }
        for plan, dotted, action, value in steps:
            keys = journey.version.keys.pseudonymizers.get(plan.vendor)
            if keys is not None:
                spans = journey.spans(self._plans.rules[plan.entities])
                context = ActionContext(keys, spans, {}, set())
                applied[plan.vendor][dotted] = action.apply(value, context)
        result = BatchResult([])
        outcomes = self._finish(journey, result)
        scanned = tuple(
            ScannedText(
                dotted,
                text,
                {
                    tuple(vendors): rules.explain(text, journey.findings[text])
                    for rules, vendors in judges.items()
                },
            )
            for (dotted, text), judges in texts.items()
        )
        return Trace(event, outcomes, result.gate_hits, applied, scanned)

    def _start(self, record: bytes | None) -> Rejection | _Journey:
        """Decode, and find the fields and what of them has to be searched."""
        event = decode(record)
        if record is None or isinstance(event, Rejection):
            assert isinstance(event, Rejection)
            return event
        plan = self._plans.find(event.call, event.name)
        span = self._keyring.span_at(event.timestamp)
        version = self._versions[span] or self._bind(span, event.timestamp)
        journey = _Journey(record, event, plan=plan, version=version, identities=self._identities)
        if not journey.route.going:
            return journey
        keys = version.keys
        scans: Scans = []
        plan.collector.collect(event.body, keys, keys.known, journey.cells, scans)
        if scans:
            journey.hint = language_hint(lookup(event.body, _LOCALE))
            _scan(journey, scans)
        return journey

    def _bind(self, span: int, timestamp: int) -> _Version:
        """The keys for the time of an event, the first one in a span."""
        keys: dict[VendorName, Pseudonymizer] = {}
        headers: list[Headers] = []
        keyless: dict[VendorName, DeadLettered] = {}
        for vendor in (plan.vendor for plan in self._policy.vendors):
            version = self._keyring.version_at(vendor, timestamp)
            if version is None or version.destroyed is not None:
                reason = FailReason.NO_KEY_FOR_TIME if version is None else FailReason.KEY_DESTROYED
                keyless[vendor] = DeadLettered(vendor, Stage.TRANSFORM, reason)
                headers.append(())
                continue
            keys[vendor] = self._keyring.under(version, vendor)
            headers.append(
                (
                    ("weir-policy", self._policy.fingerprint.encode()),
                    ("weir-key", version.id.encode()),
                    ("weir-schema", f"{vendor}.v1".encode()),
                )
            )
        bound = _Version(KeyVersion(keys, self._plans.fields), tuple(headers), keyless)
        self._versions[span] = bound
        return bound

    def _search(self, wanted: Sequence[tuple[_Journey, str]]) -> None:
        """Search texts of events, all together."""
        if not wanted:
            return
        found = self._detector.find([TextRequest(text, journey.hint) for journey, text in wanted])
        for (journey, text), spans in zip(wanted, found, strict=True):
            standing = journey.known.spans(text) if journey.may_hold_known(text) else ()
            journey.findings[text] = (*spans, *standing)

    def _finish(self, journey: _Journey, result: BatchResult) -> RecordOutcomes:
        """Transform, gate and shape for each vendor that may have the event."""
        outcomes = [*journey.route.outcomes]
        self._deliver(journey, outcomes, result)
        return tuple([outcome for outcome in outcomes if outcome is not None])

    def _deliver(self, journey: _Journey, outcomes: list[Outcome | None], result: BatchResult) -> None:
        """Have every column make of its fields what it does, and fill it into the vendors' templates."""
        if not journey.route.going:
            return
        cells, keys = journey.cells, journey.version.keys
        for column, value, cell in journey.scans:
            if cell is None:
                cells.append(column.cell(value, journey.hint, journey.spans(column.rules), keys))
            else:
                cells.append(cell)
        if any(map(_noted, cells)):
            journey.plan.note(cells, journey.route, result.remarks)
        layout, in_json = journey.plan.layout(cells)
        delivery = _Delivery(layout, cells, in_json, self._checks(journey.record), result)
        gate = _gate(journey, cells)
        for taker, destination in journey.route.going:
            headers = journey.version.headers[destination.place]
            outcomes[destination.place] = delivery.outcome(taker, destination, headers, gate)

    def _checks(self, record: bytes) -> bool:
        """Whether an event is one of the sample to have its payloads held against the schemas as a whole."""
        # By the record and not by its turn, so that an outcome never depends on what came before.
        return self._self_check > 0 and crc32(record) % self._self_check == 0


@contextmanager
def _no_collections() -> Iterator[None]:
    """Put off the collector of reference cycles, of which events make none, until a batch is done.

    It would look at the whole batch again and again, as all of it lives to the end: a sixth of the time.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


class _Delivery(NamedTuple):
    """An event, ready to be filled into every vendor's template.

    Attributes:
        layout: The templates.
        cells: What became of the event's fields.
        encoded: What the templates pick from.
        check: Whether the payloads are held against the schemas as a whole.
        result: Where hits and failed checks are counted.
    """

    layout: EventLayout
    cells: Sequence[Cell]
    encoded: Sequence[bytes]
    check: bool
    result: BatchResult

    def outcome(self, taker: int, destination: Destination, headers: Headers, gate: Gate | None) -> Outcome:
        """What one vendor gets; with a gate where something has to be searched by it."""
        plan = destination.plan
        template = self.layout.templates[taker]
        if isinstance(template, ShapeReason):
            return DeadLettered(plan.vendor, Stage.SHAPE, template)
        hits: Counter[GateHit] | None = None
        payload: bytes | ShapeReason
        if gate is None:
            payload = template.payload(self.encoded)
            if self.check and isinstance(payload, bytes) and template.full_refusal(payload):
                template.distrust()
                self.result.failed_self_checks += 1
                payload = ShapeReason.PAYLOAD_INVALID
        else:
            hits = Counter()
            replaced = self._replaced(gate, template, destination, hits)
            payload = template.render_with(self.encoded, replaced)
            payload = template.full_refusal(payload) or payload
        if isinstance(payload, ShapeReason):
            return DeadLettered(plan.vendor, Stage.SHAPE, payload)
        if hits:
            self.result.gate_hits += hits
        return Sent(plan.vendor, plan.topic, _key(self.encoded[template.key]), payload, headers)

    def _replaced(
        self, gate: Gate, template: PayloadTemplate, destination: Destination, hits: Counter[GateHit]
    ) -> dict[int, bytes]:
        """What the gate puts in place of what only it has found, by the gap; its hits are counted."""
        values = [value for cell in self.cells for value in cell.values]
        replaced: dict[int, bytes] = {}
        for at, gap in template.searched:
            value = gap.slot.conversion.apply(values[gap.slot.leaf])
            checked, found = gate.check(value, gap.path, max_string=destination.form.max_string)
            if found:
                replaced[at] = encoded(checked)
                for (path, family), count in found.items():
                    hits[GateHit(destination.plan.vendor, path, family)] += count
        return replaced


def _scan(journey: _Journey, scans: Scans) -> None:
    """See which columns have to have texts searched."""
    found: list[_Scan] = []
    for columns, value in scans:
        essence = columns[0].essence(value)
        found += [(column, essence, column.remembered(essence, journey.hint)) for column in columns]
    scanned = {text for _, _, cell in found if cell for text in cell.scanned}
    if scanned and journey.known.may_stand_in(scanned):
        found = [
            (column, value, None if cell and journey.known.may_stand_in(cell.scanned) else cell)
            for column, value, cell in found
        ]
    journey.scans = found


def _gate(journey: _Journey, cells: Sequence[Cell]) -> Gate | None:
    """The gate, where something must be searched by it; None where all is clean."""
    # No identity value stands in what became of a value again: that was seen before.
    again = {id(cell) for _, _, cell in journey.scans if cell is not None}
    for cell in cells:
        if not cell.clean or (cell.open and id(cell) not in again and journey.known.may_stand_in(cell.open)):
            return Gate(journey.known)
    return None


def _texts(journey: _Journey) -> Iterable[str]:
    """The texts of an event that must be searched."""
    return dict.fromkeys(
        text for column, value, cell in journey.scans if cell is None for text in column.texts(value)
    )


def _key(value: bytes) -> bytes:
    """The record key of an id as JSON."""
    if b"\\" in value:
        text: str = orjson.loads(value)
        return text.encode()
    return value[1:-1]
