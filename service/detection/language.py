"""A guess at a text's language from its function words: enough to choose a model, never to skip a search."""

from collections.abc import Sequence
from typing import Final

from service.detection.word_lists import word_list
from service.detection.words import Word

_FUNCTION_WORDS: Final = {
    "fr": frozenset(word_list("language", "fr")),
    "de": frozenset(word_list("language", "de")),
    "en": frozenset(word_list("language", "en")),
    "other": frozenset(word_list("language", "other")),
}


def guess_language(words: Sequence[Word]) -> str | None:
    """`fr`, `de`, `en`, `other` for some other language in Latin letters; None where nothing tells."""
    counts = {
        language: sum(word.key in function_words for word in words)
        for language, function_words in _FUNCTION_WORDS.items()
    }
    best = max(counts, key=lambda language: (counts[language], language))
    return best if counts[best] else None
