"""A compiled plan as text, for those who want to see what becomes of an event."""

from collections.abc import Iterator

import orjson

from service.policy.action_specs import BrowserFamily
from service.sanitize.columns import TIME, Column, PseudonymColumn
from service.sanitize.event_plan import Destination, EventPlan
from service.vendors.form import ShapeReason
from service.vendors.layout import AS_IT_IS, Leaf, Nature, Node, Slot

_BROWSER_MEMBERS = ("browser", "browser_version", "os")


def kind_of(plan: EventPlan) -> str:
    """A kind of event as people name it."""
    return f"{plan.call} {plan.name}" if plan.name is not None else plan.call.value


def payloads(plan: EventPlan) -> Iterator[tuple[Destination, str]]:
    """Each vendor's payload for an event with every field, as JSON with `<field: action>` for values."""
    for taker, destination in enumerate(plan.destinations):
        columns = sorted(
            (column for column, takers in plan.takers.items() if taker in takers),
            key=lambda column: column.rule.dotted,
        )
        pairs = [(leaf, column) for column in columns for leaf in _leaves(column, destination)]
        layout = destination.form.layout(plan.call, plan.name, [leaf for leaf, _ in pairs], _never_same)
        if isinstance(layout, ShapeReason):
            yield destination, f"none: {layout}"
            continue

        def shown(slot: Slot, pairs: list[tuple[Leaf, Column]] = pairs) -> str:
            leaf, column = pairs[slot.leaf]
            conversion = "" if slot.conversion is AS_IT_IS else f", {slot.conversion.name}"
            return f"<{leaf.path}: {column.rule.spec.action}{conversion}>"

        written = orjson.dumps(layout.payload, default=shown, option=orjson.OPT_INDENT_2)
        yield destination, written.decode()


def _leaves(column: Column, destination: Destination) -> Iterator[Leaf]:
    rule = column.rule
    members = _BROWSER_MEMBERS if isinstance(rule.spec, BrowserFamily) else (None,)
    nature = Nature.TIME if rule.dotted == TIME else Nature.SHORT_TEXT
    is_id = isinstance(column, PseudonymColumn)
    encoding = destination.form.encoding(rule.data_class) if is_id else None
    for member in members:
        yield Leaf(rule.dotted, member, nature, closed=False, encoding=encoding)


def _never_same(_: Node, __: Slot) -> bool:
    """Of two fields for one place, an event whose values differ has the more to show."""
    return False
