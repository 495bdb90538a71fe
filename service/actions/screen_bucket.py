"""screen_bucket: a screen's width or height rounded down."""

from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.numbers import number_of
from service.events.json_value import JsonValue
from service.policy.action_specs import ScreenBucket

#: Pixels. No screen is larger; a number that is says something else.
_LARGEST: Final = 32_767


class ScreenBucketAction(Action):
    """`1366` to `1300` at a step of 100 pixels; fractions, as browsers report them, are rounded down too."""

    def __init__(self, spec: ScreenBucket) -> None:
        self._step = spec.step

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        number = number_of(value)
        if number is None or not 0 < number <= _LARGEST:
            return REFUSED
        return int(number) // self._step * self._step
