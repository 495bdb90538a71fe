"""mask: the last characters of a guarded value."""

import re

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue
from service.policy.action_specs import Mask


class MaskAction(Action):
    """`4111111111111111` to `************1111`, if the whole value matches the pattern.

    A value of which more would show than be hidden is refused.
    """

    def __init__(self, spec: Mask) -> None:
        self._matches = re.compile(spec.pattern, re.ASCII).fullmatch
        self._keep_last = spec.keep_last

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if not isinstance(value, str) or self._matches(value) is None:
            return REFUSED
        hidden = len(value) - self._keep_last
        return "*" * hidden + value[hidden:] if hidden >= self._keep_last else REFUSED
