"""docs/configuration.md, written from the settings: `python -m service.settings_reference`."""

import sys
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt, MinLen
from pydantic.fields import FieldInfo

from service.settings import PREFIX, Settings

INTRODUCTION = """\
# Settings

Weir reads its settings from environment variables once, at the start. A variable that begins with `WEIR_`
and is not in this table stops the start, with the nearest known name; so does a value that is out of range.
Settings say how Weir runs; what it lets through is said by the policy files alone (policy.md).

This file is written from the code: `python -m service.settings_reference > docs/configuration.md`.

| variable | default | values | meaning |
|---|---|---|---|
"""


def reference() -> str:
    """The whole page, in Markdown."""
    rows = (
        f"| `{PREFIX}{name.upper()}` | {_default(field)} | {_values(field)} | {field.description} |\n"
        for name, field in Settings.model_fields.items()
    )
    return INTRODUCTION + "".join(rows)


def _default(field: FieldInfo) -> str:
    return "none" if field.default is None else f"`{field.default}`"


def _values(field: FieldInfo) -> str:
    kind = _kind(field.annotation)
    bounds = [text for constraint in field.metadata if (text := _bound(constraint))]
    return f"{kind} {', '.join(bounds)}" if bounds else kind


def _kind(annotation: Any) -> str:
    if get_origin(annotation) is Literal:
        return ", ".join(f"`{value}`" for value in get_args(annotation))
    if get_origin(annotation) in (UnionType, Union):
        return " or ".join(_kind(part) for part in get_args(annotation) if part is not NoneType)
    return {int: "whole number", float: "number", str: "text"}.get(annotation, "path")


def _bound(constraint: object) -> str | None:
    match constraint:
        case Ge(ge=bound):
            return f"≥ {bound}"
        case Gt(gt=bound):
            return f"> {bound}"
        case Le(le=bound):
            return f"≤ {bound}"
        case Lt(lt=bound):
            return f"< {bound}"
        case MinLen():
            return "(not empty)"
        case _:
            return None


if __name__ == "__main__":
    sys.stdout.write(reference())
