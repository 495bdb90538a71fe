"""What counts as a number among JSON's values."""

import math
from typing import Final

from service.events.json_value import JsonValue

#: The greatest number up to which every integer has a float of its own: beyond, `x.0` says nothing exact.
_EXACT: Final = 2**53
#: Integers from here on are beyond 64 bits; decode lets none pass.
_TOO_LONG: Final = 2**64


def number_of(value: JsonValue) -> int | float | None:
    """A finite number, one written `5.0` as the integer 5; None for everything else, true and false too."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if abs(value) < _TOO_LONG else None
    if isinstance(value, float) and math.isfinite(value):
        return int(value) if value.is_integer() and abs(value) <= _EXACT else value
    return None
