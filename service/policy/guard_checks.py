"""Whether a guard's parts fit together, and whether it bounds what it lets through."""

from collections.abc import Mapping
from typing import Final

from service.policy.mistakes import Mistakes
from service.policy.models import GuardForm, TrackingPlanFile, VendorFile
from service.policy.reading import PolicyFile

_WORD_BOUNDS: Final = frozenset({"enum", "parts", "pattern", "max_length"})
_NUMBER_BOUNDS: Final = frozenset({"minimum", "maximum"})
_MEANINGFUL: Final[Mapping[str, frozenset[str]]] = {
    "string": _WORD_BOUNDS,
    "word": _WORD_BOUNDS,
    "integer": _NUMBER_BOUNDS,
    "number": _NUMBER_BOUNDS,
    "boolean": frozenset(),
    "list": _WORD_BOUNDS | {"max_items"},
}


def given_parts(guard: GuardForm) -> frozenset[str]:
    """The parts of a guard that a file gives."""
    return frozenset(name for name in GuardForm.model_fields if getattr(guard, name) is not None)


def check_guard(
    guard: GuardForm,
    file: PolicyFile[TrackingPlanFile] | PolicyFile[VendorFile],
    keys: tuple[str, ...],
    plan: PolicyFile[TrackingPlanFile],
    mistakes: Mistakes,
) -> None:
    """Check a guard that stands in a file under these keys, with the word lists of a plan."""
    given = given_parts(guard) - {"type"}
    kind = guard.type or "string"
    for key in ("enum", "parts"):
        name = getattr(guard, key)
        if isinstance(name, str) and _is_unknown_list(name, plan):
            place = file.value_place(*keys, key)
            mistakes.add(place, f"unknown word list {name!r}", name=name, known=plan.model.word_lists)
    for key in given - _MEANINGFUL[kind]:
        mistakes.add(file.key_place(*keys, key), f"{key} means nothing for the type {kind}")
    if len(given & {"enum", "parts", "pattern"}) > 1:
        mistakes.add(file.key_place(*keys), "enum, parts and pattern can't stand together: choose one")
    if file.is_spoiled(*keys):
        return  # what seems to be lacking may be there, but wrong
    if kind in {"integer", "number"}:
        _check_range(guard, file, keys, mistakes)
    elif kind != "boolean" and (guard.type or given) and not given & _WORD_BOUNDS:
        mistakes.add(
            file.key_place(*keys),
            f"the type {kind} alone guards nothing: add enum, parts, pattern or max_length",
        )


def _is_unknown_list(name: str, plan: PolicyFile[TrackingPlanFile]) -> bool:
    return name not in plan.model.word_lists and not plan.is_spoiled("word_lists", name)


def _check_range(
    guard: GuardForm,
    file: PolicyFile[TrackingPlanFile] | PolicyFile[VendorFile],
    keys: tuple[str, ...],
    mistakes: Mistakes,
) -> None:
    if guard.minimum is None or guard.maximum is None:
        mistakes.add(file.key_place(*keys), f"the type {guard.type} needs a minimum and a maximum")
    elif guard.minimum > guard.maximum:
        mistakes.add(file.value_place(*keys, "minimum"), "the minimum is above the maximum")
