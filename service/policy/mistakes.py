"""Mistakes in the policy files: collected, not thrown one by one."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import NamedTuple

from service.errors import PolicyError


class Place(NamedTuple):
    """Where something stands in a file; line and column count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Mistake(NamedTuple):
    """One mistake; sorts by its place."""

    place: Place
    message: str

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


@dataclass(slots=True)
class Mistakes:
    """Everything found wrong so far."""

    found: set[Mistake] = field(default_factory=set)

    def add(self, place: Place, message: str, *, name: str = "", known: Iterable[str] = ()) -> None:
        """Note a mistake, with the known name that comes nearest to the one written, if any does."""
        near = nearest(name, known)
        self.found.add(Mistake(place, message + (f"; did you mean {near}?" if near else "")))

    def sorted(self) -> list[Mistake]:
        """All mistakes, in the order of their files and places."""
        return sorted(self.found)


class PolicyMistakesError(PolicyError):
    """The policy's mistakes, all of them.

    Attributes:
        mistakes: Sorted by file and place.
    """

    def __init__(self, config_dir: Path, mistakes: list[Mistake]) -> None:
        count = f"{len(mistakes)} mistake" + ("s" if len(mistakes) > 1 else "")
        super().__init__("\n".join([f"{count} in the policy in {config_dir}:", *map(str, mistakes)]))
        self.mistakes = mistakes


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that a misspelt one most likely stands for."""
    by_folded = {candidate.casefold(): candidate for candidate in sorted(known)}
    found = get_close_matches(name.casefold(), by_folded, n=1, cutoff=0.6)
    return by_folded[found[0]] if found else None
