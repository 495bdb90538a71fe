"""From the compiled policy to the plan of every kind of event, once at start-up."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

from service.actions.action import Action
from service.actions.registry import build
from service.actions.time_unit import TimeUnitAction
from service.detection.entity_rules import EntityRules
from service.events.event import CallType
from service.events.paths import FieldPath
from service.policy.action_specs import Pseudonymize
from service.policy.plan import CompiledPolicy, EntityPolicy, FieldRule, VendorPlan
from service.policy.vendor_names import VendorName
from service.sanitize.collector import write_collector
from service.sanitize.columns import (
    TIME,
    Column,
    Field,
    Leaves,
    Memory,
    PlainColumn,
    PseudonymColumn,
    PseudonymTarget,
    ScanColumn,
    TimeColumn,
    ValueColumn,
)
from service.sanitize.event_plan import Destination, EventPlan
from service.sanitize.outcomes import Suppressed
from service.sanitize.routing import never
from service.vendors.payload_schema import PayloadSchema
from service.vendors.registry import FORMS


class Plans:
    """The plan of every kind of event.

    Attributes:
        rules: How findings in texts are judged, by the vendors' policies.
        fields: How many fields there are in all.
    """

    def __init__(self, policy: CompiledPolicy) -> None:
        """Compile the policy."""
        self.rules = {plan.entities: EntityRules(plan.entities) for plan in policy.vendors}
        compiler = _Compiler(policy, self.rules)
        names = dict.fromkeys(name for plan in policy.vendors for name in plan.tracked)
        self._tracked = {name: compiler.plan(CallType.TRACK, name) for name in names}
        # Of a tracked event that no vendor may get, the name is as good as none.
        self._calls = {call: compiler.plan(call, None) for call in CallType}
        self.fields = compiler.fields

    def __iter__(self) -> Iterator[EventPlan]:
        """The plans of all kinds that the policy names."""
        return chain(self._tracked.values(), (plan for plan in self._calls.values() if plan.destinations))

    def find(self, call: CallType, name: str | None) -> EventPlan:
        """The plan for an event."""
        if name is None:
            return self._calls[call]
        return self._tracked.get(name) or self._calls[CallType.TRACK]


class _Compiler:
    """Builds plans that share their columns."""

    def __init__(self, policy: CompiledPolicy, rules: Mapping[EntityPolicy, EntityRules]) -> None:
        self._destinations = [
            Destination(place, plan, FORMS[plan.vendor], PayloadSchema(plan.vendor))
            for place, plan in enumerate(policy.vendors)
        ]
        self._rules = rules
        self._leaves = Leaves()
        self._columns: dict[tuple[object, ...], Column] = {}
        self._fields: dict[tuple[Column, ...], Field] = {}
        self._memory = Memory()

    @property
    def fields(self) -> int:
        """How many fields there are by now."""
        return len(self._fields)

    def plan(self, call: CallType, name: str | None) -> EventPlan:
        """The plan for one kind of event."""
        reasons = [never(call, name, each.plan, each.form) for each in self._destinations]
        destinations = [
            each for each, reason in zip(self._destinations, reasons, strict=True) if reason is None
        ]
        outcomes = [
            None if reason is None else Suppressed(each.plan.vendor, reason)
            for each, reason in zip(self._destinations, reasons, strict=True)
        ]
        takers: dict[Column, list[int]] = {}
        by_path: dict[FieldPath, list[tuple[int, Destination, FieldRule]]] = {}
        for taker, destination in enumerate(destinations):
            for rule in destination.plan.rules(call, name) or ():
                by_path.setdefault(rule.path, []).append((taker, destination, rule))
        fields = {path: self._field(rules, takers) for path, rules in by_path.items()}
        return EventPlan(
            call,
            name,
            destinations=destinations,
            outcomes=outcomes,
            collector=write_collector(fields),
            takers=takers,
            leaves=self._leaves,
        )

    def _field(
        self, rules: Sequence[tuple[int, Destination, FieldRule]], takers: dict[Column, list[int]]
    ) -> Field:
        """The columns of one field, their takers noted."""
        columns: dict[Column, None] = {}
        targets: dict[PseudonymTarget, tuple[int, FieldRule]] = {}
        for taker, destination, rule in rules:
            if isinstance(rule.spec, Pseudonymize):
                assert rule.key_purpose is not None
                encoding = destination.form.encoding(rule.data_class)
                target = PseudonymTarget(destination.plan.vendor, rule.key_purpose, encoding)
                targets[target] = (taker, rule)
                continue
            column = self._column(destination, rule)
            columns[column] = None
            takers.setdefault(column, []).append(taker)
        if targets:
            column = self._pseudonyms(targets)
            columns[column] = None
            takers[column] = [taker for taker, _ in targets.values()]
        key = tuple(columns)
        if key not in self._fields:  # events of other kinds have the same field
            self._fields[key] = Field(
                len(self._fields),
                [column for column in columns if isinstance(column, ValueColumn)],
                [column for column in columns if isinstance(column, ScanColumn)],
                self._leaves,
            )
        return self._fields[key]

    def _column(self, destination: Destination, rule: FieldRule) -> Column:
        """The column of a rule, the same for all vendors that get the same by it."""
        vendor, entities = _own(destination.plan, rule), destination.plan.entities
        column = self._columns.get((rule, vendor)) or self._columns.get((rule, vendor, entities))
        if column is None:
            action = build(rule, destination.form.encoding)
            if _scans(action):
                column = ScanColumn(
                    rule,
                    self._leaves,
                    action,
                    rules=self._rules[entities],
                    vendor=vendor,
                    memory=self._memory,
                )
                self._columns[rule, vendor, entities] = column
            elif rule.dotted == TIME and isinstance(action, TimeUnitAction):
                column = self._columns[rule, vendor] = TimeColumn(rule, self._leaves, action)
            else:
                column = self._columns[rule, vendor] = PlainColumn(rule, self._leaves, action)
        return column

    def _pseudonyms(self, targets: dict[PseudonymTarget, tuple[int, FieldRule]]) -> Column:
        rule = next(iter(targets.values()))[1]
        key = (rule.path, rule.data_class, *targets)
        column = self._columns.get(key)
        if column is None:
            column = self._columns[key] = PseudonymColumn(rule, self._leaves, tuple(targets))
        return column


def _own(plan: VendorPlan, rule: FieldRule) -> VendorName | None:
    """The vendor, where its keys take part; None where all vendors with the rule get the same."""
    return None if rule.key_purpose is None else plan.vendor


def _scans(action: Action) -> bool:
    """Whether it may need texts searched."""
    return type(action).texts is not Action.texts
