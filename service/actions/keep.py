"""keep: the value as it is, if its guard holds."""

import re

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.numbers import number_of
from service.events.json_value import JsonValue
from service.policy.action_specs import Guard


class KeepAction(Action):
    """Lets through what its guard describes, and nothing else.

    A string must be printable: no control, invisible or unassigned characters, no other white space than
    the space; a word has no space either. True and false are no numbers. An integer written `5.0` is the
    integer 5. In a list every item must be a word, or a number where the guard bounds numbers.
    """

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self.closed = guard.enum is not None or guard.listed
        self._enum = None if guard.enum is None else frozenset(guard.enum)
        self._matches = None if guard.pattern is None else re.compile(guard.pattern, re.ASCII).fullmatch
        self._bounded = guard.minimum is not None or guard.maximum is not None

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        match self._guard.type:
            case "string" | "word":
                return self._string(value)
            case "integer" | "number":
                return self._number(value)
            case "boolean":
                return value if isinstance(value, bool) else REFUSED
            case _:
                return self._list(value)

    def _string(self, value: JsonValue) -> str | RefusedType:
        guard = self._guard
        if not isinstance(value, str) or not value or not value.isprintable():
            return REFUSED
        if guard.max_length is not None and len(value) > guard.max_length:
            return REFUSED
        if guard.type != "string" and " " in value:
            return REFUSED
        if self._enum is not None and value not in self._enum:
            return REFUSED
        if self._matches is not None and self._matches(value) is None:
            return REFUSED
        return value

    def _number(self, value: JsonValue) -> int | float | RefusedType:
        guard = self._guard
        number = number_of(value)
        if number is None or (guard.type == "integer" and isinstance(number, float)):
            return REFUSED
        if guard.minimum is not None and number < guard.minimum:
            return REFUSED
        if guard.maximum is not None and number > guard.maximum:
            return REFUSED
        if self._enum is not None and str(number) not in self._enum:
            return REFUSED
        return number

    def _list(self, value: JsonValue) -> JsonValue | RefusedType:
        if not isinstance(value, list):
            return REFUSED
        if self._guard.max_items is not None and len(value) > self._guard.max_items:
            return REFUSED
        kept: list[JsonValue] = []
        for item in value:
            result = self._number(item) if self._bounded else self._string(item)
            if result is REFUSED:
                return REFUSED
            kept.append(result)
        return kept
