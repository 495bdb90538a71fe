"""screen_bucket: a screen's width or height rounded down."""

import math
from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue
from service.policy.action_specs import ScreenBucket

#: Pixels. No screen is larger; a number that is says something else.
_LARGEST: Final = 32_767


class ScreenBucketAction(Action):
    """`1366` to `1300` at a step of 100 pixels; fractions, as browsers report them, are rounded down too."""

    def __init__(self, spec: ScreenBucket) -> None:
        self._step = spec.step

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if isinstance(value, bool) or not isinstance(value, int | float):
            return REFUSED
        if not math.isfinite(value) or not 0 < value <= _LARGEST:
            return REFUSED
        return int(value) // self._step * self._step
