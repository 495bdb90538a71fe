"""Scales of charts."""

import math
from typing import Final

#: At most so many steps on a scale.
STEPS: Final = 6


def round_step(most: float, steps: int = STEPS) -> float:
    """A round step, of which so many at most make a scale up to the largest value."""
    rough: float = most / steps
    unit: float = 10 ** math.floor(math.log10(rough))
    return next(unit * factor for factor in (1, 2, 5, 10) if unit * factor >= rough)
