"""Compiles the policy files, already found free of mistakes, into the plans the hot path works from."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import TypeAdapter

from service.events.event import CallType
from service.events.paths import parse_path
from service.policy.action_specs import ActionSpec, Drop, Guard, Pseudonymize, Scrub
from service.policy.models import (
    Action,
    BreakerForm,
    EntitiesForm,
    Fields,
    GeneralizeForm,
    GuardForm,
    KeepForm,
    MaskForm,
    ScrubForm,
    TrackingPlanFile,
    VendorFile,
)
from service.policy.plan import (
    BreakerRule,
    CompiledPolicy,
    ConsentRule,
    EntityPolicy,
    FieldRule,
    IdentityField,
    VendorPlan,
)
from service.policy.vendor_names import VendorName

WordLists = Mapping[str, list[str]]

_SPEC: Final[TypeAdapter[ActionSpec]] = TypeAdapter(ActionSpec)
_SEPARATOR: Final = "[-_.:+/]"
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def compile_policy(plan: TrackingPlanFile, vendors: Mapping[VendorName, VendorFile]) -> CompiledPolicy:
    """Compile. Rules are sorted by path, so that the order of lines in a file changes nothing."""
    plans = tuple(_vendor_plan(plan, vendors[name]) for name in VendorName)
    identity = {
        IdentityField(parse_path(dotted), form.data_class)
        for fields in (plan.common, *plan.events.values(), *plan.calls.values())
        for dotted, form in fields.items()
        if form.data_class in plan.identity_classes
    }
    ordered = tuple(sorted(identity, key=lambda field: (field.path, field.data_class)))
    return CompiledPolicy(plans, ordered, _fingerprint(plans, ordered))


def action_spec(action: Action, word_lists: WordLists) -> ActionSpec:
    """What an action's notation stands for."""
    raw: dict[str, Any]
    match action:
        case KeepForm(keep=guard):
            raw = {"action": "keep", "guard": compile_guard(guard, word_lists)}
        case ScrubForm(scrub=parameters):
            raw = {
                "action": "scrub",
                "pseudonymize": frozenset(parameters.pseudonymize or ()),
                "mask": frozenset(parameters.mask or ()),
            }
        case MaskForm(mask=parameters):
            raw = {"action": "mask", **parameters.model_dump()}
        case GeneralizeForm(generalize=to):
            if isinstance(to, str):
                raw = {"action": to}
            else:
                ((name, values),) = to.model_dump().items()
                raw = {"action": name, **values}
        case word:
            raw = {"action": word}
    return _SPEC.validate_python(raw)


def compile_guard(form: GuardForm, word_lists: WordLists) -> Guard | None:
    """The guard of a field, its word lists written out; None where it has none."""
    given = form.model_dump(include=set(GuardForm.model_fields), exclude_none=True)
    if not given:
        return None
    given.setdefault("type", "string")
    enum = given.pop("enum", None)
    if enum is not None:
        given["enum"] = tuple(sorted(set(word_lists[enum] if isinstance(enum, str) else enum)))
    parts = given.pop("parts", None)
    if parts is not None:
        given |= {"pattern": parts_pattern(word_lists[parts]), "listed": True}
    return Guard(**given)


def _breaker_rule(form: BreakerForm) -> BreakerRule:
    """The rule of a vendor's circuit breaker."""
    duration = form.close_after
    seconds = None if duration == "never" else int(duration[:-1]) * _SECONDS[duration[-1]]
    return BreakerRule(form.gate_hits, form.per_events, seconds)


def parts_pattern(words: list[str]) -> str:
    """A pattern for what is put together from words, in upper or lower case, with one separator between two.

    After the first word one part may be a number of three digits, or up to three may be numbers of one or
    two, each with a letter at most: enough for `llama-3.1-70b`, too little for a phone number.
    """
    # Longest first and up to a separator, so that a word is never taken for the start of another; nor is any
    # part tried twice, which keeps a long value that does not match from taking long.
    listed = "|".join(map(re.escape, sorted(set(words), key=lambda word: (-len(word), word))))
    word = f"(?:{listed})(?={_SEPARATOR}|\\Z)"
    words_after = f"(?:{_SEPARATOR}{word})*+"
    small = f"(?:{_SEPARATOR}[0-9]{{1,2}}[a-z]?{words_after}){{0,3}}+"
    large = f"{_SEPARATOR}[0-9]{{3}}[a-z]?{words_after}"
    return f"(?i:{word}{words_after}(?:{large}|{small}))"


def _vendor_plan(plan: TrackingPlanFile, file: VendorFile) -> VendorPlan:
    consent = file.consent
    rule = (
        ConsentRule(consent, "deny")
        if isinstance(consent, str)
        else ConsentRule(consent.category, consent.when_absent)
    )
    return VendorPlan(
        vendor=file.vendor,
        topic=file.topic,
        integration=file.integration,
        consent=rule,
        events=frozenset(file.events),
        tracked={
            event: _rules(plan, file, {**plan.common, **plan.events[event]}) for event in sorted(file.events)
        },
        calls={
            CallType(call): _rules(plan, file, {**plan.common, **plan.calls.get(call, {})})
            for call in sorted(file.calls)
        },
        key_purposes=dict(sorted(file.key_purposes.items())),
        breaker=_breaker_rule(file.breaker),
        entities=_entity_policy(plan.entities, file.entities),
    )


def _entity_policy(common: EntitiesForm, own: EntitiesForm) -> EntityPolicy:
    """What the tracking plan says for all vendors, and what one's own file adds or says otherwise."""
    denied = {
        entry: entity for form in (common, own) for entity, words in form.deny.items() for entry in words
    }
    return EntityPolicy(
        thresholds=tuple(sorted((common.thresholds | own.thresholds).items())),
        allow=tuple(sorted({*common.allow, *own.allow})),
        deny=tuple(sorted(denied.items())),
    )


def _rules(plan: TrackingPlanFile, file: VendorFile, fields: Fields) -> tuple[FieldRule, ...]:
    rules = []
    for dotted, form in sorted(fields.items()):
        action = file.fields.get(dotted, file.actions.get(form.data_class, "drop"))
        spec = action_spec(action, plan.word_lists)
        if isinstance(spec, Drop):
            continue
        needs_key = isinstance(spec, Pseudonymize) or (isinstance(spec, Scrub) and bool(spec.pseudonymize))
        rules.append(
            FieldRule(
                path=parse_path(dotted),
                dotted=dotted,
                data_class=form.data_class,
                guard=compile_guard(form, plan.word_lists),
                spec=spec,
                key_purpose=file.key_purposes[form.data_class] if needs_key else None,
            )
        )
    return tuple(rules)


def _fingerprint(plans: tuple[VendorPlan, ...], identity: tuple[IdentityField, ...]) -> str:
    canonical = {
        "identity": [[".".join(field.path), field.data_class] for field in identity],
        "vendors": [
            {
                "vendor": plan.vendor,
                "topic": plan.topic,
                "integration": plan.integration,
                "consent": [plan.consent.category, plan.consent.when_absent],
                "key_purposes": plan.key_purposes,
                "breaker": [plan.breaker.gate_hits, plan.breaker.per_events, plan.breaker.close_after],
                "entities": [plan.entities.thresholds, plan.entities.allow, plan.entities.deny],
                "tracked": {event: _canonical_rules(rules) for event, rules in plan.tracked.items()},
                "calls": {call: _canonical_rules(rules) for call, rules in plan.calls.items()},
            }
            for plan in plans
        ],
    }
    text = json.dumps(canonical, sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def _canonical_rules(rules: tuple[FieldRule, ...]) -> list[Any]:
    return [
        [
            rule.dotted,
            rule.data_class,
            None if rule.guard is None else rule.guard.model_dump(mode="json"),
            _canonical_spec(rule.spec),
            rule.key_purpose,
        ]
        for rule in rules
    ]


def _canonical_spec(spec: ActionSpec) -> dict[str, Any]:
    dumped = spec.model_dump(mode="json")
    if isinstance(spec, Scrub):
        dumped["pseudonymize"] = sorted(spec.pseudonymize)  # a set has no order of its own
        dumped["mask"] = sorted(spec.mask)
    return dumped
