"""Which fields there are, and which of them an action of a vendor's policy reaches."""

from collections.abc import Iterator
from typing import NamedTuple

from service.events.event import Event
from service.policy.models import (
    Action,
    FieldForm,
    GeneralizeForm,
    TrackingPlanFile,
    VendorFile,
)


class PlannedField(NamedTuple):
    """A field of the tracking plan.

    Attributes:
        section: The keys of the map it stands in, such as `("events", "Logged In")`.
        dotted: Its path.
        form: What the plan says of it.
    """

    section: tuple[str, ...]
    dotted: str
    form: FieldForm


def planned_fields(plan: TrackingPlanFile) -> Iterator[PlannedField]:
    """Every field of the plan, in its order."""
    for dotted, form in plan.common.items():
        yield PlannedField(("common",), dotted, form)
    for event, fields in plan.events.items():
        for dotted, form in fields.items():
            yield PlannedField(("events", event), dotted, form)
    for call, fields in plan.calls.items():
        for dotted, form in fields.items():
            yield PlannedField(("calls", call), dotted, form)


def classes_of(plan: TrackingPlanFile, event: Event) -> dict[str, str]:
    """The class of each field that the plan names for an event, by its path."""
    sections = {("common",), ("calls", event.call), ("events", event.name)}
    return {
        field.dotted: field.form.data_class for field in planned_fields(plan) if field.section in sections
    }


def reached_fields(plan: TrackingPlanFile, vendor: VendorFile) -> Iterator[PlannedField]:
    """The fields of the events and calls that the vendor may get, common ones included."""
    for field in planned_fields(plan):
        match field.section:
            case ("events", event):
                reached = event in vendor.events
            case ("calls", call):
                reached = call in vendor.calls
            case _:
                reached = True
        if reached:
            yield field


def action_for(vendor: VendorFile, dotted: str, data_class: str) -> Action:
    """What the vendor's policy says of a field; what it does not name is dropped."""
    return vendor.fields.get(dotted, vendor.actions.get(data_class, "drop"))


def verb(action: Action) -> str:
    """The action's name; for generalize, the generalization's."""
    if isinstance(action, str):
        return action
    to = action.generalize if isinstance(action, GeneralizeForm) else action
    return to if isinstance(to, str) else next(iter(type(to).model_fields))
