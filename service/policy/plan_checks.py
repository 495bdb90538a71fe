"""Whether the tracking plan agrees with itself."""

from collections.abc import Mapping
from typing import Final

from service.policy.guard_checks import check_guard
from service.policy.mistakes import Mistakes
from service.policy.models import TrackingPlanFile
from service.policy.reach import PlannedField, planned_fields
from service.policy.reading import PolicyFile

#: What an envelope holds besides its objects. `type`, `event` and `integrations` are read by routing alone.
_ENVELOPE: Final = (
    "anonymousId",
    "groupId",
    "messageId",
    "originalTimestamp",
    "previousId",
    "receivedAt",
    "sentAt",
    "timestamp",
    "userId",
)
_OBJECTS: Final = ("context", "properties", "traits")


def check_plan(file: PolicyFile[TrackingPlanFile], mistakes: Mistakes) -> None:
    """Check names that must be known, names that nothing uses, fields that stand in each other's way."""
    plan = file.model
    classes_used = set()
    lists_used = set()
    for field in planned_fields(plan):
        classes_used.add(field.form.data_class)
        lists_used |= {name for name in (field.form.enum, field.form.parts) if isinstance(name, str)}
        keys = (*field.section, field.dotted)
        if is_unknown_class(field.form.data_class, file):
            mistakes.add(
                file.value_place(*keys, "class"),
                f"unknown class {field.form.data_class!r}",
                name=field.form.data_class,
                known=plan.classes,
            )
        check_guard(field.form, file, keys, file, mistakes)
        _check_path(field, file, mistakes)
    for index, name in enumerate(plan.identity_classes):
        if is_unknown_class(name, file):
            mistakes.add(
                file.item_place(index, "identity_classes"),
                f"unknown class {name!r}",
                name=name,
                known=plan.classes,
            )
    if any(file.is_spoiled(section) for section in ("common", "events", "calls")):
        return  # what is wrong there may be the one field that uses a class or a list
    if classes_used <= plan.classes.keys():
        for name in plan.classes.keys() - classes_used:
            mistakes.add(file.key_place("classes", name), f"no field has the class {name!r}: remove it")
    if lists_used <= plan.word_lists.keys():
        for name in plan.word_lists.keys() - lists_used:
            mistakes.add(
                file.key_place("word_lists", name), f"no field uses the word list {name!r}: remove it"
            )


def fields_written(file: PolicyFile[TrackingPlanFile]) -> frozenset[str]:
    """The paths of all fields that stand in a plan, also of those that can't be read."""
    return file.keys_written("common").union(
        *(
            file.keys_written(section, name)
            for section in ("events", "calls")
            for name in file.keys_written(section)
        )
    )


def is_unknown_class(name: str, file: PolicyFile[TrackingPlanFile]) -> bool:
    """Whether a plan does not declare a class. Where its declarations can't be read, none is unknown."""
    return name not in file.model.classes and not file.is_spoiled("classes")


def _check_path(field: PlannedField, file: PolicyFile[TrackingPlanFile], mistakes: Mistakes) -> None:
    place = file.key_place(*field.section, field.dotted)
    common: Mapping[str, object] = file.model.common
    root, *inside = field.dotted.split(".")
    if field.dotted not in _ENVELOPE and not (root in _OBJECTS and inside):
        rest = "".join(f".{key}" for key in inside)
        mistakes.add(
            place,
            f"{field.dotted!r} is no field of an event that can be classified",
            name=field.dotted,
            known=[name + rest for name in (_OBJECTS if inside else _ENVELOPE)],
        )
    if field.section != ("common",) and field.dotted in common:
        mistakes.add(place, f"{field.dotted!r} is classified under common already")
    beside = {other.dotted for other in planned_fields(file.model) if other.section == field.section}
    for whole in beside | common.keys():
        if field.dotted.startswith(f"{whole}."):
            mistakes.add(place, f"{field.dotted!r} lies inside {whole!r}, which is classified as a whole")
