"""number_bucket: a number as the bucket it falls into."""

import re
from bisect import bisect_right

from service.actions.action import REFUSED, Action, ActionContext, RefusedType
from service.actions.numbers import number_of
from service.events.json_value import JsonValue
from service.policy.action_specs import NumberBucket

_DIGITS = re.compile(r"[0-9]{1,18}")


class NumberBucketAction(Action):
    """`37` to `11-50`; the last bucket is open (`1001+`), and below the first bound lies `<1`.

    A bucket holds its lower bound and not the next one's, so 50.5 is in `11-50`. Digits in a string count
    as their number.
    """

    closed = True

    def __init__(self, spec: NumberBucket) -> None:
        self._bounds = sorted(set(spec.bounds))
        names = [f"<{self._bounds[0]}"]
        for lower, upper in zip(self._bounds, self._bounds[1:], strict=False):
            names.append(str(lower) if upper == lower + 1 else f"{lower}-{upper - 1}")
        self._names = [*names, f"{self._bounds[-1]}+"]

    def apply(self, value: JsonValue, context: ActionContext) -> JsonValue | RefusedType:  # noqa: ARG002
        if isinstance(value, str) and _DIGITS.fullmatch(value):
            value = int(value)
        number = number_of(value)
        return REFUSED if number is None else self._names[bisect_right(self._bounds, number)]
