"""How much is looked at: three combinations of detectors, from the fastest to the one that misses least."""

from enum import StrEnum


class Profile(StrEnum):
    """Which detectors read a text. docs/detection.md has what each finds and costs."""

    #: Patterns, lists and phrases.
    FAST = "fast"
    #: The same, and a spaCy model where a word is left that may be a name.
    BALANCED = "balanced"
    #: Patterns, lists and phrases, and spaCy and the Rampart classifier on every text.
    STRICT = "strict"
