"""time_unit: a time cut down to a unit."""

from typing import Final

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.events.json_value import JsonValue
from service.events.timestamps import format_timestamp, parse_timestamp
from service.policy.action_specs import TimeUnit

_SECONDS: Final = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400}


class TimeUnitAction(Action):
    """`2026-10-03T12:34:56.789+02:00` to `2026-10-03T10:00:00Z` (hour).

    Only RFC 3339 with an offset: a number could be seconds, milliseconds or something else altogether.
    """

    closed = True

    def __init__(self, spec: TimeUnit) -> None:
        self._unit = _SECONDS[spec.unit]

    def seconds(self, value: JsonValue) -> int | None:
        """Seconds since the epoch of a time cut to the unit; None where it is no time."""
        if not isinstance(value, str):
            return None
        try:
            seconds = parse_timestamp(value)
        except ValueError:
            return None
        return seconds - seconds % self._unit

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        seconds = self.seconds(value)
        return REFUSED if seconds is None else format_timestamp(seconds)
