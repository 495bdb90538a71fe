"""The way of an event, from a raw record to its outcome for each vendor: a pure function.

decode -> route -> detect -> transform -> shape -> gate. No Kafka, no clock, no I/O: the worker, the
`sanitize` command, the tests and the benchmarks all call `Sanitizer.sanitize`.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import orjson

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.registry import build
from service.detection.detector import Detector
from service.detection.entity_rules import EntityRules
from service.detection.known_values import KnownValues
from service.detection.spans import Span, TextRequest
from service.events.decode import decode
from service.events.event import CallType, Event, Rejection
from service.events.json_value import JsonValue
from service.events.paths import MISSING, FieldPath, lookup
from service.policy.entities import Entity
from service.policy.plan import CompiledPolicy, FieldRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.pseudonyms.keyring import KeyRing
from service.sanitize.gate import Gate, strings
from service.sanitize.outcomes import (
    BatchResult,
    DeadLettered,
    FailReason,
    GateHit,
    Outcome,
    RecordOutcomes,
    Remark,
    Sent,
    Stage,
    Suppressed,
)
from service.sanitize.routing import why_not
from service.sanitize.trace import ScannedText, Trace
from service.vendors.form import SanitizedEvent, ShapeReason, VendorForm
from service.vendors.registry import FORMS


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """A field's rule with its action built.

    Equal rules without a key are one step for all vendors; those that need texts scanned, for all whose
    policies judge findings alike.
    """

    rule: FieldRule
    action: Action

    @property
    def scans(self) -> bool:
        """Whether it may need texts scanned."""
        return type(self.action).texts is not Action.texts


class _Applied(NamedTuple):
    """What a step made of a value.

    Attributes:
        value: The value after the action.
        entities: What was replaced in it, and how often.
        closed: Its strings, if they are words of a list: the gate leaves them alone.
    """

    value: JsonValue | RefusedType
    entities: tuple[tuple[Entity, int], ...]
    closed: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Branch:
    """One vendor's plan, bound to its form and its actions."""

    plan: VendorPlan
    form: VendorForm
    rules: EntityRules
    tracked: dict[str, tuple[_Step, ...]]
    calls: dict[CallType, tuple[_Step, ...]]
    schema_header: bytes

    def steps(self, event: Event) -> tuple[_Step, ...]:
        """The steps for a call; none where the plan does not let it through."""
        if event.name is not None:
            return self.tracked.get(event.name, ())
        return self.calls.get(event.call, ())


@dataclass(frozen=True, slots=True)
class _Route:
    """What is the same for all events of a name (or call) that go to the same vendors.

    Attributes:
        paths: The fields that some vendor may get something of, by dotted path.
        scanning: The steps that may need texts scanned.
    """

    paths: dict[str, FieldPath]
    scanning: tuple[_Step, ...]


_NOWHERE: Final = _Route({}, ())


@dataclass(slots=True, repr=False)
class _Journey:
    """An event on its way.

    Attributes:
        event: The event.
        known: Its own identity values.
        branches: The vendors that may get it.
        outcomes: By vendor, at first of those that may not.
        route: What it shares with others of its kind.
        values: What stands at the classified fields that a vendor may get something of, by dotted path.
        findings: Everything found in each text to be scanned, by the text.
        settled: The spans that stand by the rules of some vendors, by the text.
        applied: What the steps made that give every vendor the same.
    """

    event: Event
    known: KnownValues
    branches: list[_Branch]
    outcomes: dict[str, Outcome]
    route: _Route
    values: dict[str, JsonValue]
    findings: dict[str, tuple[Span, ...]]
    settled: dict[EntityRules, dict[str, tuple[Span, ...]]]
    applied: dict[_Step, _Applied]


class Sanitizer:
    """The compiled policy, the keys and the models, ready to sanitize batches of records."""

    def __init__(self, policy: CompiledPolicy, keyring: KeyRing, detector: Detector) -> None:
        self._policy = policy
        self._keyring = keyring
        self._detector = detector
        self._policy_header = policy.fingerprint.encode()
        rules = {plan.entities: EntityRules(plan.entities) for plan in policy.vendors}
        keyless: dict[tuple[FieldRule, EntityRules | None], _Step] = {}
        self._branches = tuple(
            _bind(plan, FORMS[plan.vendor], rules[plan.entities], keyless) for plan in policy.vendors
        )
        # At most one for each of the policy's events and calls and each set of vendors; 60 µs to make.
        self._routes: dict[tuple[CallType, str | None, tuple[_Branch, ...]], _Route] = {}

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        """The outcomes of every record, in order.

        Not meant to raise for anything a record holds; where it does, the pool finds the record and
        dead-letters it.
        """
        result = BatchResult([])
        starts = [self._start(record) for record in records]
        self._detect([start for start in starts if isinstance(start, _Journey)])
        result.texts = self._detector.take_counts()
        for start in starts:
            if isinstance(start, Rejection):
                result.outcomes.append((DeadLettered(None, Stage.DECODE, start.reason),))
            else:
                result.outcomes.append(self._finish(start, result))
        return result

    def trace(self, record: bytes) -> Rejection | Trace:
        """What one record goes through, for an explanation: `sanitize` gives the same outcomes."""
        journey = self._start(record)
        if isinstance(journey, Rejection):
            return journey
        self._detect([journey])
        texts: dict[tuple[str, str], dict[EntityRules, list[VendorName]]] = {}
        applied: dict[VendorName, dict[str, JsonValue | RefusedType]] = {}
        for branch in journey.branches:
            context = self._context(journey, branch)
            made = applied[branch.plan.vendor] = {}
            for step in branch.steps(journey.event):
                dotted = step.rule.dotted
                if dotted not in journey.values:
                    continue
                for text in dict.fromkeys(step.action.texts(journey.values[dotted])):
                    judges = texts.setdefault((dotted, text), {})
                    judges.setdefault(branch.rules, []).append(branch.plan.vendor)
                if context is not None:
                    made[dotted] = _apply(step, journey.values[dotted], context).value
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
        return Trace(journey.event, outcomes, result.gate_hits, applied, scanned)

    def _start(self, record: bytes | None) -> Rejection | _Journey:
        """Decode and route."""
        event = decode(record)
        if isinstance(event, Rejection):
            return event
        branches: list[_Branch] = []
        outcomes: dict[str, Outcome] = {}
        for branch in self._branches:
            reason = why_not(event, branch.plan, branch.form)
            if reason is None:
                branches.append(branch)
            else:
                outcomes[branch.plan.vendor] = Suppressed(branch.plan.vendor, reason)
        known = KnownValues.of(event, self._policy.identity_fields)
        route = self._route(event, tuple(branches))
        return _Journey(event, known, branches, outcomes, route, _values(event, route), {}, {}, {})

    def _route(self, event: Event, branches: tuple[_Branch, ...]) -> _Route:
        if not branches:
            return _NOWHERE
        key = (event.call, event.name, branches)
        route = self._routes.get(key)
        if route is None:
            steps = dict.fromkeys(step for branch in branches for step in branch.steps(event))
            route = self._routes[key] = _Route(
                {step.rule.dotted: step.rule.path for step in steps},
                tuple(step for step in steps if step.scans),
            )
        return route

    def _detect(self, journeys: Sequence[_Journey]) -> None:
        """Scan every text that a vendor's action needs, once, all events of the batch together."""
        wanted: list[tuple[_Journey, TextRequest]] = []
        for journey in journeys:
            locale = lookup(journey.event.body, ("context", "locale"))
            hint = locale if isinstance(locale, str) else None
            texts = dict.fromkeys(
                text
                for step in journey.route.scanning
                if step.rule.dotted in journey.values
                for text in step.action.texts(journey.values[step.rule.dotted])
            )
            wanted += [(journey, TextRequest(text, hint)) for text in texts]
        found = self._detector.find([request for _, request in wanted])
        for (journey, request), spans in zip(wanted, found, strict=True):
            journey.findings[request.text] = (*spans, *journey.known.spans(request.text))

    def _finish(self, journey: _Journey, result: BatchResult) -> RecordOutcomes:
        """Transform, shape and gate for each vendor that may have the event."""
        gate = Gate(journey.known)
        for branch in journey.branches:
            journey.outcomes[branch.plan.vendor] = self._for_vendor(journey, branch, gate, result)
        return tuple(journey.outcomes[branch.plan.vendor] for branch in self._branches)

    def _for_vendor(self, journey: _Journey, branch: _Branch, gate: Gate, result: BatchResult) -> Outcome:
        vendor = branch.plan.vendor
        context = self._context(journey, branch)
        if context is None:
            return DeadLettered(vendor, Stage.TRANSFORM, FailReason.NO_KEY_FOR_TIME)
        sanitized = _transform(journey, branch, context, result.remarks)
        shaped = branch.form.shape(sanitized)
        if isinstance(shaped, ShapeReason):
            return DeadLettered(vendor, Stage.SHAPE, shaped)
        payload, hits = gate.check(
            shaped.payload,
            generated=context.generated | shaped.generated,
            max_string=branch.form.max_string,
        )
        value = shaped.encoded if payload is shaped.payload else orjson.dumps(payload)
        for (path, family), count in hits.items():
            result.gate_hits[GateHit(vendor, path, family)] += count
        headers = (
            ("weir-policy", self._policy_header),
            ("weir-key", context.pseudonymizer.key_version.encode()),
            ("weir-schema", branch.schema_header),
        )
        return Sent(vendor, branch.plan.topic, shaped.key.encode(), value, headers)

    def _context(self, journey: _Journey, branch: _Branch) -> ActionContext | None:
        """What a vendor's actions work with; None where there is no key for the event's time."""
        pseudonymizer = self._keyring.pseudonymizer(branch.plan.vendor, journey.event.timestamp)
        if pseudonymizer is None:
            return None
        return ActionContext(pseudonymizer, _settled(journey, branch.rules), {}, set())


def _bind(
    plan: VendorPlan,
    form: VendorForm,
    entity_rules: EntityRules,
    keyless: dict[tuple[FieldRule, EntityRules | None], _Step],
) -> _Branch:
    """Bind a plan; steps whose rule has no key are taken from those that other vendors have, or added."""

    def steps(rules: Sequence[FieldRule]) -> tuple[_Step, ...]:
        return tuple(map(step, rules))

    def step(rule: FieldRule) -> _Step:
        made = _Step(rule, build(rule, form.encoding))
        if rule.key_purpose is not None:
            return made
        return keyless.setdefault((rule, entity_rules if made.scans else None), made)

    return _Branch(
        plan=plan,
        form=form,
        rules=entity_rules,
        tracked={name: steps(rules) for name, rules in plan.tracked.items()},
        calls={call: steps(rules) for call, rules in plan.calls.items()},
        schema_header=f"{plan.vendor}.v1".encode(),
    )


def _settled(journey: _Journey, rules: EntityRules) -> dict[str, tuple[Span, ...]]:
    """The spans of each text that stand by a vendor's rules; made once for all vendors with the same."""
    settled = journey.settled.get(rules)
    if settled is None:
        settled = {text: rules.settle(text, found) for text, found in journey.findings.items()}
        journey.settled[rules] = settled
    return settled


def _values(event: Event, route: _Route) -> dict[str, JsonValue]:
    """Looked up once for all vendors. A null says nothing and counts as absent."""
    return {
        dotted: value
        for dotted, path in route.paths.items()
        if (value := lookup(event.body, path)) is not MISSING and value is not None
    }


def _transform(
    journey: _Journey, branch: _Branch, context: ActionContext, remarks: Counter[Remark]
) -> SanitizedEvent:
    """Apply the vendor's action to each classified field; what has no rule stays behind."""
    fields: dict[str, JsonValue] = {}
    values, shared = journey.values, journey.applied
    for step in branch.steps(journey.event):
        rule = step.rule
        value = values.get(rule.dotted)
        if value is None:
            continue
        applied = shared.get(step)
        if applied is None:
            applied = _apply(step, value, context)
            if rule.key_purpose is None:  # nothing of the vendor's took part: applied once for all
                shared[step] = applied
        if applied.value is REFUSED:
            remarks[Remark(branch.plan.vendor, rule.dotted, rule.data_class, rule.spec.action, None)] += 1
            continue
        fields[rule.dotted] = applied.value
        if applied.closed:
            context.generated.update(applied.closed)
        for entity, count in applied.entities:
            remark = Remark(branch.plan.vendor, rule.dotted, rule.data_class, rule.spec.action, entity)
            remarks[remark] += count
    return SanitizedEvent(journey.event.call, journey.event.name, fields)


def _apply(step: _Step, value: JsonValue, context: ActionContext) -> _Applied:
    changed = step.action.apply(value, context)
    entities: tuple[tuple[Entity, int], ...] = ()
    if context.entities:
        entities = tuple(context.entities.items())
        context.entities.clear()
    if changed is REFUSED:
        return _Applied(REFUSED, (), ())
    return _Applied(changed, entities, tuple(strings(changed)) if step.action.closed else ())
