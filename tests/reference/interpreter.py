"""From a compiled policy, keys, a detector and a record to the outcome for every vendor."""

import json
from collections import Counter
from collections.abc import Sequence
from functools import cache
from typing import Final

import orjson
from jsonschema_rs import Draft202012Validator

from service.actions.action import REFUSED, Action, ActionContext
from service.actions.pseudonymize import PseudonymizeAction
from service.actions.registry import build
from service.detection.detector import Detector
from service.detection.entity_rules import EntityRules
from service.detection.known_values import KnownValues
from service.detection.spans import Span, TextRequest
from service.events.decode import decode
from service.events.event import Event, Rejection
from service.events.paths import MISSING, lookup
from service.policy.entities import Entity
from service.policy.plan import CompiledPolicy, FieldRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.pseudonyms.encodings import Encoding, alphanumeric, number_pair, uuid8
from service.pseudonyms.keyring import KeyRing
from service.pseudonyms.pseudonymizer import Pseudonymizer
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
from service.schema_files import schema_path
from service.vendors.form import ShapeReason
from tests.reference import amplitude, ga4, mixpanel, posthog, segment
from tests.reference.envelope import read_envelope
from tests.reference.gate import gated
from tests.reference.known import known_values
from tests.reference.payload import Transformed, Value
from tests.reference.routing import why_not

FORMS: Final = {
    VendorName.MIXPANEL: mixpanel,
    VendorName.AMPLITUDE: amplitude,
    VendorName.POSTHOG: posthog,
    VendorName.SEGMENT: segment,
    VendorName.GA4: ga4,
}


class Reference:
    """The interpreter of one policy."""

    def __init__(self, policy: CompiledPolicy, keyring: KeyRing, detector: Detector) -> None:
        self._policy = policy
        self._keyring = keyring
        self._detector = detector
        self._rules = {plan.vendor: EntityRules(plan.entities) for plan in policy.vendors}

    def sanitize(self, records: Sequence[bytes | None]) -> BatchResult:
        """The outcomes of records, one after the other; `texts` stays empty."""
        result = BatchResult([])
        for record in records:
            result.outcomes.append(self._record(record, result))
        return result

    def _record(self, record: bytes | None, result: BatchResult) -> RecordOutcomes:
        event = decode(record)
        if isinstance(event, Rejection):
            return (DeadLettered(None, Stage.DECODE, event.reason),)
        known = known_values(event, self._policy)
        return tuple(self._for_vendor(event, plan, known, result) for plan in self._policy.vendors)

    def _for_vendor(self, event: Event, plan: VendorPlan, known: KnownValues, result: BatchResult) -> Outcome:
        form = FORMS[plan.vendor]
        reason = why_not(event, plan, form.CALLS)
        if reason is not None:
            return Suppressed(plan.vendor, reason)
        version = self._keyring.version_at(plan.vendor, event.timestamp)
        if version is None or version.destroyed is not None:
            lack = FailReason.NO_KEY_FOR_TIME if version is None else FailReason.KEY_DESTROYED
            return DeadLettered(plan.vendor, Stage.TRANSFORM, lack)
        pseudonymizer = self._keyring.under(version, plan.vendor)
        transformed = self._transform(event, plan, pseudonymizer, known, result.remarks)
        envelope = read_envelope(transformed, event_id=form.TAKES_EVENT_ID)
        shaped = envelope if isinstance(envelope, ShapeReason) else form.shape(transformed, envelope)
        if isinstance(envelope, ShapeReason) or isinstance(shaped, ShapeReason):
            assert isinstance(shaped, ShapeReason)
            return DeadLettered(plan.vendor, Stage.SHAPE, shaped)
        hits: Counter[tuple[str, str]] = Counter()
        payload = gated(shaped, "", known, form.LONGEST, hits)
        encoded = orjson.dumps(payload)
        if len(encoded) > form.MOST_BYTES:
            return DeadLettered(plan.vendor, Stage.SHAPE, ShapeReason.PAYLOAD_TOO_LARGE)
        if not validator(plan.vendor).is_valid(payload):
            return DeadLettered(plan.vendor, Stage.SHAPE, ShapeReason.PAYLOAD_INVALID)
        for (path, family), count in hits.items():
            result.gate_hits[GateHit(plan.vendor, path, family)] += count
        headers = (
            ("weir-policy", self._policy.fingerprint.encode()),
            ("weir-key", pseudonymizer.key_version.encode()),
            ("weir-schema", f"{plan.vendor}.v1".encode()),
        )
        return Sent(plan.vendor, plan.topic, envelope.key.encode(), encoded, headers)

    def _transform(
        self,
        event: Event,
        plan: VendorPlan,
        pseudonymizer: Pseudonymizer,
        known: KnownValues,
        remarks: Counter[Remark],
    ) -> Transformed:
        """Apply the vendor's action to each field that has one; null counts as absent."""
        fields: dict[str, Value] = {}
        for rule in plan.rules(event.call, event.name) or ():
            value = lookup(event.body, rule.path)
            if value is MISSING or value is None:
                continue
            action = action_of(rule, plan.vendor)
            findings = {text: self._findings(text, event, plan, known) for text in action.texts(value)}
            entities: dict[Entity, int] = {}
            changed = action.apply(value, ActionContext(pseudonymizer, findings, entities, set()))
            if changed is REFUSED:
                remarks[remark(plan, rule, None)] += 1
                continue
            open_ = not action.closed and not isinstance(action, PseudonymizeAction)
            fields[rule.dotted] = Value(changed, open_)
            for entity, count in entities.items():
                remarks[remark(plan, rule, entity)] += count
        return Transformed(event.call, event.name, fields)

    def _findings(self, text: str, event: Event, plan: VendorPlan, known: KnownValues) -> tuple[Span, ...]:
        """What stands in a text by the vendor's rules: what is found there, and the event's own values."""
        locale = lookup(event.body, ("context", "locale"))
        request = TextRequest(text, locale if isinstance(locale, str) else None)
        (found,) = self._detector.find([request])
        return self._rules[plan.vendor].settle(text, (*found, *known.spans(text)))


def action_of(rule: FieldRule, vendor: VendorName) -> Action:
    """The rule's action."""
    return build(rule, lambda data_class: encoding(vendor, data_class))


def encoding(vendor: VendorName, data_class: str) -> Encoding:
    """The form of a vendor's ids."""
    if vendor is VendorName.POSTHOG and data_class == "identifier.event":
        return uuid8
    if vendor is VendorName.GA4 and data_class == "identifier.device":
        return number_pair
    return alphanumeric


def remark(plan: VendorPlan, rule: FieldRule, entity: Entity | None) -> Remark:
    """What is noted of a field."""
    return Remark(plan.vendor, rule.dotted, rule.data_class, rule.spec.action, entity)


@cache
def validator(vendor: VendorName) -> Draft202012Validator:
    """The schema of a vendor's payloads."""
    text = schema_path(f"vendors/{vendor}.v1.schema.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
