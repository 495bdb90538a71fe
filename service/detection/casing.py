"""Gives a text without any case differences the capitals that a language model needs to see names."""

from service.detection.lexicon import Commonness
from service.detection.scan import Scan
from service.detection.words import Word


def with_capitals(scan: Scan) -> str:
    """A text with names capitalized, where it is all in small letters or all in capitals; else as it is.

    Every character stays in its place.
    """
    text, words = scan.text, scan.words
    if not words:
        return text
    if all(word.upper or word.initial for word in words):
        chars = [_one(char.lower(), char) for char in text]
    elif not any(word.title or word.upper for word in words):
        chars = list(text)
    else:
        return text
    for word in words:
        if _may_be_a_name(word):
            chars[word.start] = _one(chars[word.start].upper(), chars[word.start])
    return "".join(chars)


def _may_be_a_name(word: Word) -> bool:
    commons = [common for common in (word.given, word.surname) if common is not None]
    return (bool(commons) and min(commons) <= Commonness.RARE_WORD) or (word.unknown and not word.digits)


def _one(converted: str, char: str) -> str:
    """The converted character, unless it takes more than one place."""
    return converted if len(converted) == 1 else char
