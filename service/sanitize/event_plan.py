"""The compiled policy for one kind of event: a tracked event by its name, or another call type.

Made once at start-up for every kind that the policy names. It knows which columns a field goes into and
which vendors get what of them; and it keeps, for each set of leaves that events of the kind have had, every
vendor's payload as a template.
"""

from collections import Counter, OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from service.events.event import CallType
from service.events.json_value import JsonValue
from service.policy.entities import Entity
from service.policy.plan import VendorPlan
from service.sanitize.columns import (
    Collected,
    Column,
    Leaves,
    PlainColumn,
    PseudonymColumn,
    ScanColumn,
    encoded,
)
from service.sanitize.field_tree import FieldTree
from service.sanitize.outcomes import Remark, Suppressed
from service.sanitize.payload_template import Gap, PayloadTemplate, slots_of
from service.vendors.form import ShapeReason, VendorForm
from service.vendors.layout import Conversion, Leaf, Node, Slot
from service.vendors.payload_schema import PayloadSchema

#: Sets of leaves for which a kind of event keeps templates; a set takes some 10 kB. Senders have few.
_LAYOUTS: Final = 512


@dataclass(frozen=True, slots=True, eq=False)
class Destination:
    """One vendor: its policy, its form and the schema of its payloads."""

    plan: VendorPlan
    form: VendorForm
    schema: PayloadSchema


@dataclass(frozen=True, slots=True, eq=False)
class Field:
    """What is done with one field.

    Attributes:
        plain: The columns that need nothing but the value.
        pseudonyms: Those that need keys as well.
        scanning: Those whose texts must be searched first.
    """

    plain: tuple[PlainColumn, ...]
    pseudonyms: tuple[PseudonymColumn, ...]
    scanning: tuple[ScanColumn, ...]


class _Comparison(NamedTuple):
    """Two values on whose equality a layout depends; a constant has no leaf."""

    left: Slot | None
    constant: JsonValue
    right: Slot
    equal: bool

    def holds(self, values: Sequence[JsonValue]) -> bool:
        left = self.constant if self.left is None else _converted(self.left, values)
        right = _converted(self.right, values)
        return (left == right and type(left) is type(right)) is self.equal


class EventLayout(NamedTuple):
    """How every vendor's payload is made from the leaves of an event.

    Attributes:
        comparisons: What must hold of the values.
        derived: The leaves that some vendor wants in another form; encoded, they follow the leaves.
        templates: Each vendor's template, or why it gets no payload.
    """

    comparisons: tuple[_Comparison, ...]
    derived: tuple[tuple[int, Conversion], ...]
    templates: tuple[PayloadTemplate | ShapeReason, ...]


class EventPlan:
    """One kind of event.

    Attributes:
        destinations: The vendors that may get it, with their places among all vendors.
        outcomes: The outcome for each of the others, at its place; None where one is still to come.
        tree: Where its fields stand, and what is done with each.
    """

    def __init__(
        self,
        call: CallType,
        name: str | None,
        destinations: Sequence[tuple[int, Destination]],
        outcomes: Sequence[Suppressed | None],
        tree: FieldTree[Field],
        takers: Mapping[Column, Sequence[int]],
        leaves: Leaves,
    ) -> None:
        """Take which of the destinations take what each column gives, by their places among these."""
        self.call = call
        self.name = name
        self.destinations = tuple(destinations)
        self.outcomes = tuple(outcomes)
        self.tree = tree
        self.takers = takers
        self._leaves = leaves
        self._layouts: OrderedDict[tuple[int, ...], list[EventLayout]] = OrderedDict()

    def note(self, collected: Collected, going: Sequence[int], remarks: Counter[Remark]) -> None:
        """Count what was refused and replaced, for each of the destinations that get the event."""
        for column in collected.refused:
            for taker in self._among(column, going):
                remarks[self._remark(column, taker, None)] += 1
        for column, entity, count in collected.entities:
            for taker in self._among(column, going):
                remarks[self._remark(column, taker, entity)] += count

    def _among(self, column: Column, going: Sequence[int]) -> Iterator[int]:
        return (taker for taker in self.takers[column] if taker in going)

    def _remark(self, column: Column, taker: int, entity: Entity | None) -> Remark:
        rule = column.rule
        vendor = self.destinations[taker][1].plan.vendor
        return Remark(vendor, rule.dotted, rule.data_class, rule.spec.action, entity)

    def layout(self, collected: Collected) -> EventLayout:
        """The layout for an event's leaves."""
        codes = tuple(collected.codes)
        variants = self._layouts.get(codes)
        if variants is None:
            variants = self._layouts[codes] = []
            if len(self._layouts) > _LAYOUTS:
                self._layouts.popitem(last=False)
        for layout in variants:
            if all(comparison.holds(collected.values) for comparison in layout.comparisons):
                return layout
        layout = self._new_layout(codes, collected.values)
        variants.append(layout)
        return layout

    def _new_layout(self, codes: Sequence[int], values: Sequence[JsonValue]) -> EventLayout:
        maker = _LayoutMaker([self._leaves[code] for code in codes], values)
        templates = tuple(
            maker.template(self, taker, destination)
            for taker, (_, destination) in enumerate(self.destinations)
        )
        return EventLayout(tuple(maker.comparisons), tuple(maker.derived), templates)


class _LayoutMaker:
    """Makes the templates of all vendors for the leaves of one event."""

    def __init__(
        self, leaves: Sequence[tuple[Leaf, Column, str | None]], values: Sequence[JsonValue]
    ) -> None:
        self.comparisons: list[_Comparison] = []
        self.derived: dict[tuple[int, Conversion], int] = {}
        self._leaves = leaves
        self._values = values

    def template(
        self, plan: EventPlan, taker: int, destination: Destination
    ) -> PayloadTemplate | ShapeReason:
        vendor = destination.plan.vendor
        # In the order of the policy's rules, and of the members of what an action made.
        own = sorted(
            (
                at
                for at, (_, column, only) in enumerate(self._leaves)
                if taker in plan.takers.get(column, ()) and (only is None or only == vendor)
            ),
            key=lambda at: self._leaves[at][0].field,
        )
        leaves = [self._leaves[at][0] for at in own]

        def same(node: Node, slot: Slot) -> bool:
            return self._same(node, slot, own)

        layout = destination.form.layout(plan.call, plan.name, leaves, same)
        if isinstance(layout, ShapeReason):
            return layout
        gaps = []
        for slot, place in slots_of(layout.payload):
            leaf, everyones = leaves[slot.leaf], slot._replace(leaf=own[slot.leaf])
            gaps.append(Gap(self._source(everyones, leaf), everyones, leaf, place))
        return PayloadTemplate(
            destination.form, destination.schema, layout._replace(key=own[layout.key]), gaps
        )

    def _source(self, slot: Slot, leaf: Leaf) -> int:
        if leaf.nature in slot.conversion.untouched:
            return slot.leaf
        derived = self.derived.setdefault((slot.leaf, slot.conversion), len(self.derived))
        return len(self._leaves) + derived

    def _same(self, node: Node, slot: Slot, own: Sequence[int]) -> bool:
        if isinstance(node, dict | list):
            return False
        right = slot._replace(leaf=own[slot.leaf])
        left = node._replace(leaf=own[node.leaf]) if isinstance(node, Slot) else None
        constant = None if isinstance(node, Slot) else node
        equal = _Comparison(left, constant, right, equal=True).holds(self._values)
        self.comparisons.append(_Comparison(left, constant, right, equal))
        return equal


def _converted(slot: Slot, values: Sequence[JsonValue]) -> JsonValue:
    return slot.conversion.apply(values[slot.leaf])


def encode_derived(layout: EventLayout, collected: Collected) -> list[bytes]:
    """Everything that a layout's templates pick from."""
    values = collected.values
    derived = [encoded(conversion.apply(values[at])) for at, conversion in layout.derived]
    return collected.encoded + derived
