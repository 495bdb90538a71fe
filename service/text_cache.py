"""Remembers what a pure function answered for texts that come again and again."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

_Answer = TypeVar("_Answer")


def text_cache(
    *, entries: int, longest: int
) -> Callable[[Callable[[str], _Answer]], Callable[[str], _Answer]]:
    """A cache that senders of long texts can't fill: bounded in entries and in what each may hold.

    Args:
        entries: How many answers are kept; the one not asked for longest goes first.
        longest: Longer texts, in characters, are answered anew each time.
    """

    def decorate(function: Callable[[str], _Answer]) -> Callable[[str], _Answer]:
        remembered = lru_cache(entries)(function)

        @wraps(function)
        def answer(text: str) -> _Answer:
            return remembered(text) if len(text) <= longest else function(text)

        return answer

    return decorate
